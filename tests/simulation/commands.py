"""The commands of a run: how each shall go, and what became of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aexp.adapters.executor.recording import Plan, RecordedExecution, RecordingExecutor
from aexp.ports.executor import Command, Execution

if TYPE_CHECKING:
    import random

    from tests.simulation.nodes import SimProcess


def any_plan(dice: "random.Random") -> Plan:
    """Mostly short and successful; sometimes long, stubborn, failing or not installed."""
    return Plan(
        output=b"some output\n" * dice.choice([0, 1, 40]),
        returncode=dice.choice([0, 0, 0, 1, 128]),
        duration_s=dice.choice([0.0, 0.2, dice.uniform(0.0, 5.0), dice.uniform(5.0, 90.0)]),
        stubborn=dice.random() < 0.2,
        missing=dice.random() < 0.05,
    )


@dataclass
class Started:
    """One start of a command.

    Attributes:
        by: the daemon's name.
    """

    cwd: str
    by: str
    execution: RecordedExecution

    @property
    def root(self) -> str:
        """The working copy."""
        return self.cwd.rpartition("/")[0]

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        run = self.execution
        return run.status is None and run.clock.monotonic() - run.started_at < run.plan.duration_s


class SimExecutor(RecordingExecutor):
    """Starts nothing; tells the stage of every start."""

    def __init__(self, process: "SimProcess") -> None:
        super().__init__(process, process.stage.plan_for)
        self._process = process

    def start(self, command: Command) -> Execution:
        def begin() -> RecordedExecution:
            execution = super(SimExecutor, self).start(command)
            assert isinstance(execution, RecordedExecution)
            started = Started(str(command.cwd), self._process.name, execution)
            self._process.stage.started(started)
            return execution

        made = self._process.call("start", str(command.cwd), begin, changes=True, storage=False)
        return Gated(made, self._process)  # type: ignore[return-value]

    def end_strays(self, request_id: str, *, force: bool) -> int:
        stage, host = self._process.stage, self._process.host
        there = [
            one for one in stage.fate(request_id).starts if stage.processes[one.by].host is host
        ]
        living = [one.execution for one in there if one.execution.poll() is None]
        for execution in living:
            ask = execution.kill if force else execution.terminate
            self._process.call("end stray", request_id, ask, changes=True, storage=False)
        return len(living)


class Gated:
    """An execution behind the gate of its daemon's process: each call is one more moment to die at."""

    def __init__(self, execution: RecordedExecution, process: "SimProcess") -> None:
        self._execution = execution
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._execution, name)

    def poll(self) -> int | None:
        return self._process.call("poll", self._cwd, self._execution.poll, storage=False)

    def terminate(self) -> None:
        self._process.call(
            "TERM", self._cwd, self._execution.terminate, changes=True, storage=False
        )

    def kill(self) -> None:
        self._process.call("KILL", self._cwd, self._execution.kill, changes=True, storage=False)

    @property
    def _cwd(self) -> str:
        return str(self._execution.command.cwd)
