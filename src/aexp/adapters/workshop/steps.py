"""An operation that takes several programs, one after the other, as one execution."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from aexp.adapters.executor.local import LocalExecution
from aexp.adapters.workshop.lines_without import LinesWithout
from aexp.domain.errors import RelayStartError
from aexp.ports.executor import Execution

KEPT_BYTES = 64 * 1024
"""What is kept of the beginning of a step's output, for the decision on the next one."""
CLEAN_UP_LIMIT_S = 30.0
KILL_AFTER_S = 5.0
NOT_STARTED = 127
"""The exit status when a later step's program cannot be started, as shells give it."""
_READ_BYTES = 64 * 1024
_LAST_READS = 64
"""Reads after the end of a step: what it left in its pipe, but not what a grandchild adds for ever."""


@dataclass(frozen=True)
class Step:
    """One program.

    Attributes:
        argv: the program and its arguments.
        cwd: the folder that it works in.
        environment: all that it finds in its environment.
        visible: whether its output is part of the execution's.
        always: a clean-up: it is started also after the execution was asked to end, signals do not reach it,
            and its exit status does not count.
        leaves_out: how a line begins that is left out of what is shown; empty for none.
        limit_s: seconds after which it is ended; ``CLEAN_UP_LIMIT_S`` for a clean-up that names none.
    """

    argv: Sequence[str]
    cwd: str
    environment: Mapping[str, str]
    visible: bool = True
    always: bool = False
    leaves_out: bytes = b""
    limit_s: float | None = None

    @property
    def patience_s(self) -> float | None:
        """Seconds that it may take, None without a limit of its own."""
        return CLEAN_UP_LIMIT_S if self.always and self.limit_s is None else self.limit_s


@dataclass(frozen=True)
class Done:
    """No further step.

    Attributes:
        returncode: the exit status of the whole.
        words: what is added to the output.
    """

    returncode: int
    words: bytes = b""


Then = Callable[[int, int, bytes], "Step | Done | None"]
"""What follows a step, given its number (from 0), its exit status and the beginning of its output.

None ends the execution with the status of the first step that failed (clean-ups do not count), or 0.
It must not wait.
"""
Spawn = Callable[[Sequence[str], str, Mapping[str, str]], LocalExecution]
"""Starts a program with these arguments, folder and environment; raises RelayStartError."""


class StepsExecution(Execution):
    """Several processes, one after the other. The next one is started in :meth:`poll`.

    Args:
        first: started at once.
        on_close: called once each when the execution is closed, the last one first.
        now: seconds on a clock that never goes back.

    Raises:
        RelayStartError: the first program could not be started; ``on_close`` is not called.
    """

    def __init__(
        self,
        first: Step,
        spawn: Spawn,
        then: Then = lambda _number, _status, _output: None,
        on_close: Iterable[Callable[[], object]] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spawn = spawn
        self._then = then
        self._now = now
        self._number = 0
        self._ending = False
        self._failed = 0
        self._status: int | None = None
        self._pending = bytearray()
        self._begin(first)
        self._stack = ExitStack()
        for callback in on_close:
            self._stack.callback(callback)

    def poll(self) -> int | None:
        if self._status is not None:
            return self._status
        ended = self._process.poll()
        if not self._step.visible:
            # Nobody reads it, and a pipe that stays readable would keep the daemon's loop awake.
            self._take(self._process.read(_READ_BYTES))
        if ended is None:
            self._enforce()
            return None
        for _ in range(_LAST_READS):
            if not self._take(self._process.read(_READ_BYTES)):
                break
        self._pending += self._lines.rest()
        self._process.close()
        if not self._step.always:
            self._failed = self._failed or ended
        self._go_on(self._then(self._number, ended, bytes(self._kept)))
        return self._status

    def read(self, limit: int) -> bytes:
        if not self._pending and self._status is None and self._step.visible:
            self._take(self._process.read(limit))
        data = bytes(self._pending[:limit])
        del self._pending[:limit]
        return data

    def terminate(self) -> None:
        self._ending = True
        if self._status is None and not self._step.always:
            self._process.terminate()

    def kill(self) -> None:
        self._ending = True
        if self._status is None and not self._step.always:
            self._process.kill()

    def close(self) -> None:
        self._process.close()
        self._stack.close()

    def _begin(self, step: Step) -> None:
        self._process = self._spawn(step.argv, step.cwd, step.environment)
        self._step = step
        self._lines = LinesWithout(step.leaves_out)
        self._kept = bytearray()
        self._started = self._now()

    def _go_on(self, what: Step | Done | None) -> None:
        if isinstance(what, Step) and (what.always or not self._ending):
            try:
                self._begin(what)
            except RelayStartError as exc:
                self._pending += f"{exc}\n".encode()
                self._status = self._failed or NOT_STARTED
            else:
                self._number += 1
        elif isinstance(what, Done):
            self._pending += what.words
            self._status = what.returncode
        else:
            self._status = self._failed

    def _take(self, data: bytes) -> bytes:
        self._kept += data[: KEPT_BYTES - len(self._kept)]
        if self._step.visible:
            self._pending += self._lines.of(data)
        return data

    def _enforce(self) -> None:
        patience_s = self._step.patience_s
        over_s = 0.0 if patience_s is None else self._now() - self._started - patience_s
        if over_s >= KILL_AFTER_S:
            self._process.kill()
        elif over_s > 0:
            self._process.terminate()
