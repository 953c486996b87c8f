"""A pool of two workers that start git as fast as they can: no queue, no answer, no promise.

Orders: ``{"argv": […], "folders": […], "begin": t, "end": t}`` gives how many runs ended in that time.
"""

import itertools
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.programs.orders import obey, spans_within

WORKERS = 2


def _run(argv: list[str], folders: "itertools.cycle[str]") -> None:
    subprocess.run(
        argv, cwd=next(folders), stdin=subprocess.DEVNULL, capture_output=True, check=True
    )


def act(order: dict[str, Any]) -> int:
    """Let the workers run between two moments; how many runs ended."""
    folders = order["folders"]
    with ThreadPoolExecutor(WORKERS) as pool:
        workers = [
            pool.submit(
                spans_within,
                order["begin"],
                order["end"],
                partial(_run, order["argv"], itertools.cycle(folders[number::WORKERS])),
            )
            for number in range(WORKERS)
        ]
        spans = [span for worker in workers for span in worker.result()]
    return sum(1 for _, ended in spans if ended <= order["end"])


if __name__ == "__main__":
    obey(act)
