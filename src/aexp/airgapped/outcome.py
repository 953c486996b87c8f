"""From the answer in the queue to what the caller gets: a result, or the error that fits."""

from aexp.domain.consent import State
from aexp.domain.errors import (
    RelayAnswerError,
    RelayCancelledError,
    RelayCrashedError,
    RelayError,
    RelayExpiredError,
    RelayRejectedError,
    RelayStartError,
    RelayTimeLimitError,
    RelayValidationError,
)
from aexp.domain.operations import look_before_again
from aexp.domain.requests import RelayResult, Response
from aexp.domain.text import visible, visible_lines

_ERRORS: dict[State, type[RelayError]] = {
    State.REJECTED: RelayRejectedError,
    State.CANCELLED: RelayCancelledError,
    State.EXPIRED: RelayExpiredError,
    State.TIMED_OUT: RelayTimeLimitError,
    State.FAILED_TO_START: RelayStartError,
    State.CRASHED: RelayCrashedError,
}

_NEXT: dict[State, str] = {
    State.INVALID: "Change what was asked for, and submit it again.",
    State.REJECTED: "Ask who decided, or change what is asked for; then submit it again.",
    State.CANCELLED: "Submit it again if it is still wanted.",
    State.EXPIRED: "Submit it again.",
    State.FAILED_TO_START: "`aexp relay doctor` on the login node says what is missing there.",
}
"""What to do next, where the answer leaves it out; after the others the operation may have taken effect."""


def result_of(response: Response) -> RelayResult:
    """The result of a completed operation.

    Raises:
        RelayError: the class that fits what happened instead.
    """
    error = error_of(response)
    if error is not None:
        raise error
    return RelayResult(
        request_id=response.request_id,
        op=response.op,
        returncode=response.returncode or 0,
        stdout=response.stdout,
        duration_s=response.duration_s,
        notices=tuple(visible(notice, limit=400) for notice in response.notices),
        consent=visible(response.consent or "", limit=80),
        kind=visible(response.kind or "", limit=40),
        hint=visible(response.hint or "", limit=600),
    )


def error_of(response: Response) -> RelayError | None:
    """The error that an answer stands for, None for a completed operation."""
    state, request_id = response.final_state, response.request_id
    what = visible_lines(response.error or f"{visible(response.op)} ended as {state}.", limit=2000)
    hint = visible_lines(response.hint or _next(state, response.op), limit=2000)
    if state is State.COMPLETED:
        if response.returncode is not None:
            return None
        hint = hint or "Look at it in the queue's outbox; the operation may have run."
        return RelayAnswerError(f"The answer to {request_id} has no returncode.", hint, request_id)
    if state is State.INVALID:
        told = {key: visible(str(value), limit=400) for key, value in response.details.items()}
        if "field" in told and "problem" in told:
            allowed = told.get("allowed", "")
            do = "" if allowed else hint
            return RelayValidationError(told["field"], told["problem"], allowed, request_id, do)
        what = f"was refused by the daemon: {what}"
        return RelayValidationError("content", what, "", request_id, hint)
    return _ERRORS.get(state, RelayCrashedError)(what, hint, request_id)


def _next(state: State, op: str) -> str:
    if state in (State.TIMED_OUT, State.CRASHED):
        return look_before_again(op)
    return _NEXT.get(state, "")
