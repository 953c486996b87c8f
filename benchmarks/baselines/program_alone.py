"""A program started as anybody would start it from Python, and waited for."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.programs.orders import latencies_ms


def alone_ms(count: int, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> list[float]:
    """How long each of ``count`` runs took, in milliseconds."""

    def run() -> None:
        subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )

    return latencies_ms(count, run)
