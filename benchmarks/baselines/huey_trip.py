"""A round trip through huey's file storage: a consumer process, a caller process, its default polling.

It promises less than the relay: nothing is synced, a request that was taken by a consumer that dies is lost,
and its documentation advises against the file storage for production. It is what one would reach for when
there is a shared folder and no server.
"""

import os
import subprocess
import sys
from typing import Any

from benchmarks.programs.orders import latencies_ms, obey

FOLDER, ARGV, COPY = "BENCH_HUEY_FOLDER", "BENCH_HUEY_ARGV", "BENCH_HUEY_COPY"
SEPARATOR = "\x1f"


def environment(folder: str, argv: tuple[str, ...], copy: str) -> dict[str, str]:
    """What both processes must find in their environment."""
    return {FOLDER: folder, ARGV: SEPARATOR.join(argv), COPY: copy}


def _queue() -> tuple[Any, Any]:
    from huey import FileHuey

    huey = FileHuey("bench", path=os.environ[FOLDER])
    argv, cwd = os.environ[ARGV].split(SEPARATOR), os.environ[COPY]

    @huey.task()
    def status() -> str:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True)
        return f"0\n{done.stdout}"

    return huey, status


def consume() -> None:
    """Serve the queue as ``huey_consumer`` with its defaults does, until killed."""
    huey, _ = _queue()
    huey.create_consumer().run()


def call() -> None:
    """Answer orders ``{"requests": n}`` with the latencies, in milliseconds."""
    _, status = _queue()
    obey(lambda order: latencies_ms(order["requests"], lambda: status()(blocking=True)))


if __name__ == "__main__":
    consume() if "consume" in sys.argv else call()
