"""A command that was started, and how it came to its end."""

from dataclasses import dataclass, field

from aexp.airgapped.jobs import Job
from aexp.airgapped.runlog import RunLog
from aexp.domain.consent import Event, State
from aexp.domain.output import BoundedOutput
from aexp.domain.text import age
from aexp.ports.executor import Execution

KILL_AFTER_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass
class Run:
    """A job whose command was started.

    Attributes:
        ending: why the daemon is ending it, None while it may go on.
        killing_at: when SIGKILL follows, on the monotonic clock.
    """

    job: Job
    execution: Execution
    log: RunLog
    started: float
    output: BoundedOutput = field(default_factory=BoundedOutput)
    ending: Event | None = None
    killing_at: float | None = None

    def end(self, why: Event, now: float) -> None:
        """Ask the command to end, once; later calls change nothing."""
        if self.ending is None:
            self.ending = why
            self.killing_at = now + KILL_AFTER_S
            self.execution.terminate()

    def explain(self, state: State, now: float) -> tuple[str | None, str | None]:
        """What went wrong and what to do next, for an end that was not the command's own."""
        op, ran = self.job.valid.op, age(now - self.started)
        look = "It may have taken effect in part: look at `git status` and the remote."
        if state is State.TIMED_OUT:
            return f"{op} was ended after {ran}, its time limit.", look
        if state is State.CANCELLED:
            return f"{op} was cancelled after {ran}.", look
        if state is State.CRASHED:
            return f"The daemon was stopped while {op} ran, and ended it after {ran}.", look
        return None, None
