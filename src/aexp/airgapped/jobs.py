"""A request in the daemon's hands, and the answers that can be given to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aexp.domain.consent import Event, State, transition
from aexp.domain.grants import Grant
from aexp.domain.layout import Token
from aexp.domain.operations import ALLOWED, MAX_ARG_CHARS, MAX_ARGS, OpSpec
from aexp.domain.petition import Petition
from aexp.domain.requests import STATUS, Request, Response
from aexp.domain.text import visible
from aexp.domain.validation import ValidRequest
from aexp.ports.workshop import Survey


@dataclass
class Job:
    """One owned request that passed the validation.

    Attributes:
        token: the file in the queue that stands for it.
        request: what the client wrote.
        valid: what of it may run.
        survey: what it would do, and the working copy that it needs for itself.
        petition: what a person must be asked first; None when nobody must.
        grant: under which it may run without being asked about; None for none.
        notice: what the client is told beside the survey's own notices; empty for nothing.
        approved_at: when a person approved it, on the monotonic clock.
        state: where it stands; changed by :meth:`move` alone.
    """

    token: Token
    request: Request
    valid: ValidRequest
    survey: Survey
    petition: Petition | None = None
    grant: Grant | None = None
    notice: str = ""
    approved_at: float | None = None
    state: State = field(default=State.RECEIVED)

    @property
    def request_id(self) -> str:
        """The request's id."""
        return self.token.request_id

    @property
    def spec(self) -> OpSpec:
        """The operation."""
        return ALLOWED[self.valid.op]

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line."""
        return self.spec.argv(self.survey.settled)

    @property
    def client(self) -> str:
        """Who asked, as the request says; empty when it does not say."""
        return self.request.client or ""

    def move(self, event: Event) -> State:
        """Let something happen to the request; the domain's table decides what comes of it."""
        self.state = transition(self.state, event)
        return self.state

    def answer(
        self,
        state: State,
        *,
        error: str | None = None,
        hint: str | None = None,
        returncode: int | None = None,
        stdout: str = "",
        duration_s: float = 0.0,
        truncated: bool = False,
        kind: str | None = None,
    ) -> Response:
        """The answer that this request ended in ``state``."""
        base = refusal(self.request_id, self.valid.op, state, error, hint)
        return replace(
            base,
            returncode=returncode,
            stdout=stdout,
            duration_s=round(duration_s, 6),
            truncated=truncated,
            kind=kind,
            notices=(*self.survey.notices, *([self.notice] if self.notice else ())),
            details={"args": self.valid.args, "cwd": str(self.valid.cwd)},
        )


def asked(body: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer repeats of a request that may never have been validated."""
    args, cwd = body.get("args"), body.get("cwd")
    told: dict[str, Any] = {}
    if isinstance(args, list) and len(args) <= MAX_ARGS:
        told["args"] = [visible(str(item), limit=MAX_ARG_CHARS) for item in args]
    if isinstance(cwd, str):
        told["cwd"] = visible(cwd, limit=400)
    return told


def refusal(
    request_id: str,
    op: str,
    state: State,
    error: str | None = None,
    hint: str | None = None,
    details: dict[str, Any] | None = None,
) -> Response:
    """An answer for a request that did not run, in the words of the original layout and in ours."""
    return Response(
        request_id=request_id,
        op=op,
        status=STATUS[state],
        state=state,
        error=error,
        hint=hint,
        details=details or {},
    )
