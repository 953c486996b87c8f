"""An executor that starts nothing: it records what it was asked and plays what it was told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aexp.domain.errors import RelayStartError
from aexp.ports.clock import Clock
from aexp.ports.executor import Command, Execution, Executor


@dataclass(frozen=True)
class Plan:
    """How a command shall go.

    Attributes:
        output: what it writes, all at its start.
        returncode: its exit status, after ``duration_s`` seconds of the clock.
        duration_s: seconds until it ends by itself.
        stubborn: whether it ignores SIGTERM.
        missing: whether its program is not installed.
        pieces: what it writes later on, in this order: seconds after its start, and the bytes.
    """

    output: bytes = b""
    returncode: int = 0
    duration_s: float = 0.0
    stubborn: bool = False
    missing: bool = False
    pieces: tuple[tuple[float, bytes], ...] = ()


@dataclass
class RecordedExecution(Execution):
    """One played command."""

    command: Command
    plan: Plan
    clock: Clock
    started_at: float
    status: int | None = None
    ended_at: float | None = None
    signals: list[str] = field(default_factory=list)
    _read: int = 0

    def poll(self) -> int | None:
        over = self.clock.monotonic() - self.started_at >= self.plan.duration_s
        if self.status is None and over:
            self._end(self.plan.returncode)
        return self.status

    def read(self, limit: int) -> bytes:
        until = self.clock.monotonic() if self.ended_at is None else self.ended_at
        lived = until - self.started_at
        written = [self.plan.output, *(data for after, data in self.plan.pieces if after <= lived)]
        data = b"".join(written)[self._read : self._read + limit]
        self._read += len(data)
        return data

    def terminate(self) -> None:
        self.signals.append("TERM")
        if not self.plan.stubborn and self.status is None:
            self._end(-15)

    def kill(self) -> None:
        self.signals.append("KILL")
        if self.status is None:
            self._end(-9)

    def close(self) -> None:
        self.poll()

    def _end(self, status: int) -> None:
        self.status = status
        self.ended_at = self.clock.monotonic()


class RecordingExecutor(Executor):
    """Shipped for tests of programs that use the relay.

    Args:
        clock: whose time the commands take.
        plan: how each command goes; without it each succeeds at once and says nothing.
    """

    def __init__(self, clock: Clock, plan: Callable[[Command], Plan] | None = None) -> None:
        self._clock = clock
        self._plan = plan or (lambda _: Plan())
        self.executions: list[RecordedExecution] = []

    @property
    def commands(self) -> list[Command]:
        """What was started, in order."""
        return [execution.command for execution in self.executions]

    def start(self, command: Command) -> Execution:
        plan = self._plan(command)
        if plan.missing:
            raise RelayStartError(f"{command.argv[0]} is not installed on the login node.")
        execution = RecordedExecution(command, plan, self._clock, self._clock.monotonic())
        self.executions.append(execution)
        return execution

    def end_strays(self, request_id: str, *, force: bool) -> int:
        strays = [run for run in self.executions if run.command.request_id == request_id]
        living = [run for run in strays if run.poll() is None]
        for run in living:
            run.kill() if force else run.terminate()
        return len(living)

    def descriptors(self) -> Sequence[int]:
        return ()
