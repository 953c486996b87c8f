"""Short questions to git about the objects of a repository that nobody trusts, bounded in time and bytes."""

import contextlib
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aexp.adapters.executor import landlock
from aexp.adapters.kernel import anonymous_file

MOST_BYTES = 4 << 20
MOST_MEMORY = 1 << 30
"""Bytes that git may take for what an object claims to hold; files that it maps do not count."""
GONE_WITHIN_S = 0.5
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Said:
    """What git said.

    Attributes:
        data: its output, whole lines of it where it was cut short.
        whole: whether it came to its end by itself and without an error.
        failed: whether it ended with an error.
    """

    data: bytes
    whole: bool
    failed: bool

    @property
    def lines(self) -> list[bytes]:
        """The output, line by line."""
        return self.data.split(b"\n")[:-1]


class GitQuestions:
    """Asks git in a private directory, where it can write nothing and reach nobody.

    Args:
        git: the program.
        environment: all that it finds in its environment.
        cwd: the folder that it works in.
        limit_s: seconds for all questions together.
    """

    def __init__(self, git: str, environment: Mapping[str, str], cwd: str, limit_s: float) -> None:
        # What these would show in place of an object, or of its parents, is not what a push sends.
        self._environment = {**environment, "GIT_NO_REPLACE_OBJECTS": "1"}
        self._git = (git, "-c", "core.commitGraph=false")
        self._cwd = cwd
        self._began = time.monotonic()
        self._limit_s = limit_s

    @property
    def spent(self) -> float:
        """Seconds since the first question."""
        return time.monotonic() - self._began

    def ask(
        self,
        *commands: Sequence[str],
        given: bytes = b"",
        until: float = 1.0,
        most: int = MOST_BYTES,
    ) -> Said:
        """Run git's commands, each reading what the one before it writes.

        Args:
            given: what the first one reads.
            until: the part of the whole time after which it is cut short.
            most: bytes after which it is cut short.
        """
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(os.fdopen(anonymous_file("given"), "w+b"))
            source.write(given)
            source.seek(0)
            processes: list[subprocess.Popen[bytes]] = []
            stack.callback(_end, processes)
            reading = source.fileno()
            for command in commands:
                processes.append(self._start(command, reading))
                stdout = processes[-1].stdout
                if stdout is None:
                    raise ValueError("git must write into a pipe")
                stack.enter_context(stdout)
                reading = stdout.fileno()
            deadline = self._began + self._limit_s * until
            data, ended = _read(reading, most, deadline)
            statuses = [_status(one, deadline) for one in processes] if ended else [None]
        cut = data[: data.rfind(b"\n") + 1]
        return Said(data if ended else cut, not any(statuses) and ended, any(statuses))

    def _start(self, command: Sequence[str], reading: int) -> subprocess.Popen[bytes]:
        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*self._git, *command],
                cwd=self._cwd,
                env=self._environment,
                stdin=reading,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

        process = landlock.confined((), start) if landlock.version() else start()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
        return process


def _read(pipe: int, most: int, deadline: float) -> tuple[bytes, bool]:
    """What comes until the end, and whether that was reached."""
    os.set_blocking(pipe, False)
    found = bytearray()
    while len(found) < most:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return bytes(found), False
        data = os.read(pipe, _CHUNK)
        if not data:
            return bytes(found), True
        found += data
    return bytes(found), False


def _status(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    try:
        return process.wait(max(deadline - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        return None


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        # One that hangs in the file server is reaped later on, by the module that started it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GONE_WITHIN_S)
