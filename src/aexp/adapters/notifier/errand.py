"""A small program that runs beside the daemon for a bounded time, one at a time, and is never waited for."""

import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aexp.adapters.executor.local import LocalExecution, LocalExecutor
from aexp.ports.clock import Clock

KILL_AFTER_S = 2.0
"""Seconds from SIGTERM to SIGKILL."""
MAX_OUTPUT = 4096
_READ_AT_ONCE = 1 << 16
_STEP_S = 0.05


@dataclass(frozen=True)
class Ended:
    """How an errand ended.

    Attributes:
        status: the exit status, negative for a signal.
        output: the first 4 KiB of what it wrote.
        late: whether it was ended because its time was over.
    """

    status: int
    output: str
    late: bool


class Errand:
    """Its process has a session of its own, nothing to read, and no terminal.

    Output is read in the daemon's turns, and does not wake it: a program that writes without end is slowed
    down, not the daemon.

    Args:
        limit_s: seconds after which the process and its group are ended.
    """

    def __init__(self, clock: Clock, limit_s: float) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._executor = LocalExecutor({})
        self._running: LocalExecution | None = None
        self._deadline = 0.0
        self._late = False
        self._output = b""

    @property
    def busy(self) -> bool:
        """Whether a process runs, as far as the last turn saw."""
        return self._running is not None

    def begin(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start the program, in the root folder; none may be under way.

        Raises:
            RelayStartError: it could not be started.
        """
        self._running = self._executor.spawn(argv, "/", env)
        self._deadline = self._clock.monotonic() + self._limit_s
        self._late = False
        self._output = b""

    def turn(self) -> Ended | None:
        """See how it goes; how it ended, once."""
        if self._running is None:
            return None
        self._read(self._running)
        status = self._running.poll()
        if status is not None:
            return self._ended(self._running, status)
        if self._clock.monotonic() >= self._deadline:
            self._running.kill() if self._late else self._running.terminate()
            self._late = True
            self._deadline = self._clock.monotonic() + KILL_AFTER_S
        return None

    def descriptors(self) -> Sequence[int]:
        """What becomes readable when the process has ended."""
        found = None if self._running is None else self._running.end_descriptor
        return [] if found is None else [found]

    def finish(self, patience_s: float) -> Ended | None:
        """Let it end, then make it end: waits for ``patience_s`` seconds and one more at most."""
        running = self._running
        if running is None:
            return None
        for act, patience in (
            (None, patience_s),
            (running.terminate, 0.5),
            (running.kill, 0.5),
        ):
            if act is not None:
                act()
            if _over(running, patience):
                return self.turn()
        # Not even SIGKILL ends what waits for a file server that is gone; it is left to the kernel.
        self._running = None
        return None

    def _ended(self, running: LocalExecution, status: int) -> Ended:
        self._read(running)
        running.close()
        self._running = None
        return Ended(status, self._output.decode(errors="replace").strip(), self._late)

    def _read(self, running: LocalExecution) -> None:
        self._output = (self._output + running.read(_READ_AT_ONCE))[:MAX_OUTPUT]


def _over(running: LocalExecution, patience_s: float) -> bool:
    """Whether it has ended within so many seconds of real time, however the daemon's clock goes."""
    for _ in range(round(patience_s / _STEP_S)):
        running.read(_READ_AT_ONCE)
        if running.poll() is not None:
            return True
        ended = running.end_descriptor
        select.select([] if ended is None else [ended], [], [], _STEP_S)
    return running.poll() is not None
