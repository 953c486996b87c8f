"""Another node's wrong clock: libfaketime in front of one process."""

import shutil
import subprocess

from tests.lab.mounts import LabError


def wrong_clock(seconds: int) -> dict[str, str]:
    """The environment of a process whose clocks are wrong by ``seconds``.

    The monotonic clock is moved with the wall clock: by a constant, which nobody can tell, as its zero
    means nothing. (Told to leave it alone, libfaketime 0.9.10 breaks ``clock_nanosleep``.) The files' dates
    stay what they are: they are those of the file server.

    Raises:
        LabError: faketime is not installed.
    """
    program = shutil.which("faketime")
    if program is None:
        raise LabError("faketime is not installed (Debian: apt-get install faketime)")
    # The wrapper knows where its library is; it stays a process of its own, so it is not used to run with.
    asked = [program, "-f", "+0s", "printenv", "LD_PRELOAD"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "LD_PRELOAD": library,
        "FAKETIME": f"{seconds:+d}s",
        "NO_FAKE_STAT": "1",
    }
