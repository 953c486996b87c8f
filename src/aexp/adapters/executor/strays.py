"""Commands that outlived the daemon which started them.

Every command carries its request's id in its environment, and passes it on to what it starts. The kernel
keeps that text for as long as the process lives (proc_pid_environ(5)), so a process that carries it *is*
part of that request: there is no note that could be lost between the start and the writing of it,
and no pid that could belong to a stranger by now.
"""

import contextlib
import os
import signal
from pathlib import Path

VARIABLE = "AEXP_RELAY_REQUEST"


def end_strays(request_id: str, *, force: bool) -> int:
    """Signal every process of the request, SIGTERM or (``force``) SIGKILL; how many there were."""
    number = signal.SIGKILL if force else signal.SIGTERM
    found = 0
    for pid in _pids():
        if _carries(pid, request_id):
            found += 1
            # It may end by itself in this moment. That its number is given to another process between
            # the look and the signal takes a wrap-around of all pids in microseconds.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    return found


def is_used(setting: str) -> bool:
    """Whether a process of this machine has the setting ``NAME=value`` in its environment."""
    return any(_has(pid, setting) for pid in _pids())


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _carries(pid: int, request_id: str) -> bool:
    return _has(pid, f"{VARIABLE}={request_id}")


def _has(pid: int, setting: str) -> bool:
    if pid == os.getpid():
        return False
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        # Ended meanwhile, or another user's: in neither case a command of ours that lives.
        return False
    return setting.encode() in environ.split(b"\0")
