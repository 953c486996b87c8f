"""Another node's wrong clock: libfaketime in front of one process."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.lab.mounts import LabError

_SHARED_MEMORY = Path("/dev/shm")
_TRIES = 3


def wrong_clock(seconds: int) -> dict[str, str]:
    """The environment of a process whose clocks are wrong by ``seconds``.

    The monotonic clock is moved with the wall clock: by a constant, which nobody can tell, as its zero
    means nothing. (Told to leave it alone, libfaketime 0.9.10 breaks ``clock_nanosleep``.) The files' dates
    stay what they are: they are those of the file server.

    Raises:
        LabError: faketime is not installed.
    """
    return {
        "LD_PRELOAD": _library(),
        "FAKETIME": f"{seconds:+d}s",
        "NO_FAKE_STAT": "1",
    }


def forget(pid: int) -> None:
    """Take away what libfaketime left of a process that was killed: a later one of that number would fail."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        (_SHARED_MEMORY / name).unlink(missing_ok=True)


@cache
def _library() -> str:
    """Its path, which the wrapper knows; it stays a process of its own, so it is not used to run with."""
    program = shutil.which("faketime")
    if program is None:
        raise LabError("faketime is not installed (Debian: apt-get install faketime)")
    for _ in range(_TRIES):
        asked = [program, "-f", "+0s", "printenv", "LD_PRELOAD"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return told.stdout.strip()
    # It ends so where a process of the same number was killed before.
    raise LabError(f"faketime does not start: {told.stderr.strip()}")
