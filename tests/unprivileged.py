"""A piece of Python run by a user to whom folders can be closed, also where root runs the tests."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = 65534 if os.geteuid() == 0 else os.geteuid()
_GIVE_UP = f"""
import os
def give_up_rights():  # late: the interpreter's own files may be closed to others
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid({USER})
        os.setuid({USER})
"""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of that user: not below that of the tests, which nobody but their user may enter."""
    with tempfile.TemporaryDirectory() as made:
        os.chown(made, USER, -1)
        yield Path(made)


def run(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the program, which calls ``give_up_rights`` and finds the folder in ``sys.argv[1]``."""
    return subprocess.run(
        [sys.executable, "-c", f"{_GIVE_UP}{program}", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
