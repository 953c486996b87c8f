"""Asking a program something, for no longer than it may take."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

MOST_CHARS = 64 * 1024


def answer(
    argv: Sequence[str], environment: Mapping[str, str], limit_s: float, cwd: str = "/"
) -> tuple[int, str] | None:
    """The exit status of a program and what it printed on its standard output; None when there is none.

    It has a session of its own; what it started goes with it when the time is over.

    Args:
        limit_s: seconds that it may take.
    """
    try:
        process = subprocess.Popen(
            argv,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            # While it is not reaped its number, and that of its group, belongs to nobody else.
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said[:MOST_CHARS].decode("utf-8", "replace")
