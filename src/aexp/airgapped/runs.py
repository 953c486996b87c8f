"""A command that was started, and how it came to its end."""

from dataclasses import dataclass, field, replace

from aexp.airgapped.jobs import Job
from aexp.airgapped.runlog import RunLog
from aexp.domain import layout
from aexp.domain.consent import Event, State
from aexp.domain.failure_rules import Kind
from aexp.domain.failures import LOOK_BYTES, failure_of
from aexp.domain.operations import look_in_part
from aexp.domain.output import BoundedOutput
from aexp.domain.requests import Response
from aexp.domain.text import age
from aexp.ports.executor import Execution

KILL_AFTER_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""


@dataclass
class Run:
    """A command that was started.

    Attributes:
        jobs: whom it answers; several when they asked for the same before it started. Never empty.
        ending: why the daemon is ending it, None while it may go on.
        killing_at: when SIGKILL follows, on the monotonic clock.
    """

    jobs: list[Job]
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

    def answer(self, job: Job, status: int, now: float) -> Response:
        """What one of those that it ran for is told.

        Args:
            status: the command's exit status; negative for a signal.
        """
        state = job.move(self.ending or Event.EXIT)
        error, hint = self.explain(state, now)
        kind, next_step = self._judged(state, status)
        answer = job.answer(
            state,
            error=error,
            hint=hint or next_step,
            kind=kind,
            returncode=status,
            # The log carries the name of the first.
            stdout=self.output.text(layout.log(self.jobs[0].request_id)),
            duration_s=now - self.started,
            truncated=self.output.truncated,
        )
        if len(self.jobs) == 1:
            return answer
        shared = f"one run answered {len(self.jobs)} requests that asked for the same"
        return replace(answer, notices=(*answer.notices, shared))

    def _judged(self, state: State, status: int) -> tuple[str | None, str | None]:
        """The kind of a failure, and what to do next where the command itself has failed."""
        if state is State.TIMED_OUT:
            return Kind.TIMED_OUT.value, None
        if state is not State.COMPLETED:
            return None, None
        first = self.jobs[0]
        said = self.output.end(LOOK_BYTES)
        found = failure_of(first.valid.op, status, said, first.survey.settled)
        return (None, None) if found is None else (found.kind.value, found.hint)

    def explain(self, state: State, now: float) -> tuple[str | None, str | None]:
        """What went wrong and what to do next, for an end that was not the command's own."""
        op, ran = self.jobs[0].valid.op, age(now - self.started)
        look = look_in_part(op)
        if state is State.TIMED_OUT:
            return f"{op} was ended after {ran}, its time limit.", look
        if state is State.CANCELLED:
            return f"{op} was cancelled after {ran}.", look
        if state is State.CRASHED:
            return f"The daemon was stopped while {op} ran, and ended it after {ran}.", look
        return None, None
