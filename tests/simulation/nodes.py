"""Hosts and the processes on them: what the ports of a process are in a simulated run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from aexp.domain.errors import RelayStorageError, StorageFullError
from aexp.domain.identity import ProcessId
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes
from tests.simulation.faults import RESERVED_BYTES, Fault, Strike
from tests.simulation.trace import Step

if TYPE_CHECKING:
    from tests.simulation.stage import Stage

T = TypeVar("T")
EPOCH = 1_800_000_000.0


class Crash(BaseException):
    """The process is gone. Raised by every port call from then on; nothing of ours catches it."""


@dataclass
class Host:
    """A node with its own idea of the time.

    Attributes:
        skew: seconds by which its wall clock is wrong.
        offset: what its monotonic clock showed at the beginning.
    """

    name: str
    skew: float
    offset: float
    next_pid: int = 100
    living: dict[str, "SimProcess"] = field(default_factory=dict)


class SimProcess(Clock, Processes):
    """One process: its clock, its name, and the gate that each of its port calls goes through.

    Args:
        kind: ``daemon``, ``client`` or ``person``; decides what may go wrong with it.

    Attributes:
        doubtful: whether it was ever paused, cut off or told to end, so that others may call it dead.
        on_stop: what SIGTERM does.
        spare: how many small texts it may still write when the disk is full.
    """

    def __init__(self, stage: "Stage", host: Host, kind: str) -> None:
        self.stage = stage
        self.host = host
        self.kind = kind
        host.next_pid += 1
        self._id = ProcessId.new(host.name, host.next_pid, 1)
        self.name = str(self._id)
        self.doubtful = False
        self.on_stop: Callable[[], None] = lambda: None
        self.spare = 0
        self._gone = False
        host.living[self.name] = self
        stage.processes[self.name] = self

    def monotonic(self) -> float:
        return self.stage.engine.now + self.host.offset

    def wall(self) -> float:
        return EPOCH + self.stage.engine.now + self.host.skew

    def sleep(self, seconds: float) -> None:
        self._be_there()
        self.stage.engine.sleep(max(seconds, self.stage.coarse if self.kind == "daemon" else 0.0))

    @property
    def me(self) -> ProcessId:
        return self._id

    @property
    def hostname(self) -> str:
        return self.host.name

    def alive(self, process: ProcessId) -> bool | None:
        return str(process) in self.host.living if process.host == self.host.name else None

    @property
    def is_there(self) -> bool:
        """Whether the process runs, or stands still."""
        return not self._gone

    @property
    def is_well(self) -> bool:
        """Whether it runs, and nobody had a reason to think otherwise."""
        return self.is_there and not self.doubtful

    def end(self) -> None:
        """The process ends, by whatever cause: nothing that it was still comes through the gate."""
        self._gone = True
        self.host.living.pop(self.name, None)

    def call(
        self,
        verb: str,
        subject: str,
        work: Callable[[], T],
        *,
        changes: bool = False,
        storage: bool = True,
        size: int | None = None,
    ) -> T:
        """One port call: it takes time, others have their turns, and it may go wrong.

        Args:
            changes: whether others can see what it does.
            storage: whether the storage can refuse it.
            size: how much it writes, None when it needs no space.
        """
        self._be_there()
        stage = self.stage
        stage.engine.sleep(stage.faults.pace())
        if storage:
            self._refuse(verb, subject, size)
        quiet = not changes or _is_routine(subject)
        strike = stage.faults.draw(self.kind, stage.engine.now, changes=not quiet)
        if strike is not None and not strike.after:
            self._suffer(strike, verb, subject, storage=storage)
        result = work()
        self._note(verb, (subject, "->", result), quiet=quiet)
        if strike is not None and strike.after:
            self._suffer(strike, verb, subject, storage=storage)
        elif changes:
            stage.engine.sleep(stage.faults.pace())
        return result

    def _be_there(self) -> None:
        if self._gone:
            raise Crash

    def _refuse(self, verb: str, subject: str, size: int | None) -> None:
        faults, now = self.stage.faults, self.stage.engine.now
        if faults.is_cut_off(self.host.name, now):
            self.doubtful = True
            self._fail(verb, subject, "the node has lost the storage")
        if size is None or not faults.is_full(now):
            return
        if self.spare > 0 and size <= RESERVED_BYTES and verb != "append":
            self.spare -= 1
            return
        self.doubtful = True
        self._note(f"** {verb}", (subject, "fails: no space left"))
        raise StorageFullError(f"{subject} in the queue sim:// could not be written: no space.")

    def _suffer(self, strike: Strike, verb: str, subject: str, *, storage: bool) -> None:
        fault = strike.fault
        if fault in (Fault.ERROR, Fault.LOST):
            if storage:
                self._fail(
                    verb, subject, f"{fault} {'after' if strike.after else 'before'} the act"
                )
            return
        when = "after" if strike.after else "before"
        self._note(f"** {fault}", (when, verb, subject, f"{strike.seconds:.1f} s"))
        if fault is Fault.CRASH:
            self.end()
            raise Crash
        if fault is Fault.STOP:
            self.doubtful = True
            self.on_stop()
            return
        self.doubtful |= fault is Fault.PAUSE
        self.stage.engine.sleep(strike.seconds)
        self._note("** goes on", ())

    def _fail(self, verb: str, subject: str, why: str) -> None:
        # Who fails at the lease gives up starting, and takes its beat away on the way out.
        self.doubtful |= subject.startswith("lease")
        self._note(f"** {verb}", (subject, "fails:", why))
        raise RelayStorageError(f"{subject} in the queue sim:// failed at {verb}: {why}.")

    def _note(self, what: str, facts: tuple[object, ...], *, quiet: bool = False) -> None:
        engine = self.stage.engine
        who = f"{self.host.name}#{self._id.pid}"
        self.stage.trace.steps.append(Step(engine.now, who, what, facts, quiet))


def _is_routine(subject: str) -> bool:
    """Beats and the making of folders: many calls, of which few are worth a fault or a line."""
    return subject.startswith(("heartbeat", "daemons/")) or subject.endswith("/made")
