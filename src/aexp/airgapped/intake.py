"""Taking requests in: claim, read, validate; never trust the client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from aexp.airgapped.admission import Admission, Admitted
from aexp.airgapped.audit import Audit
from aexp.airgapped.claiming import NO_FILE, Claims, Room, seconds
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.jobs import Job, asked, refusal
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.tokens import Tokens
from aexp.domain import wire
from aexp.domain.checking import checked_request
from aexp.domain.consent import Event, State
from aexp.domain.errors import AexpError, FilesystemError, RelayStorageError, RelayValidationError
from aexp.domain.failures import kind_of_refusal
from aexp.domain.layout import Token
from aexp.domain.operations import ALLOWED
from aexp.domain.requests import Request
from aexp.domain.text import visible
from aexp.domain.validation import CwdPolicy, ValidRequest, validate_request
from aexp.ports.clock import Clock

SAID_CHARS = 128
"""Characters of a refused request's folder, or of an argument, that its answer repeats."""
DEFAULT_TTL_S = 24 * 3600.0


class Intake:
    """Turns files in the inbox into jobs.

    Args:
        policy: where operations may work.
        admission: what a request would do, and whether a person must be asked.
        grants: under what a request that a person must be asked about may run all the same.
    """

    def __init__(
        self,
        tokens: Tokens,
        publisher: Publisher,
        policy: CwdPolicy,
        admission: Admission,
        grants: GrantBook,
        clock: Clock,
        audit: Audit,
        flood: FloodAudit,
    ) -> None:
        self._flood = flood
        self._claims = Claims(tokens, clock, flood)
        self._tokens = tokens
        self._publisher = publisher
        self._policy = policy
        self._admission = admission
        self._grants = grants
        self._clock = clock
        self._audit = audit

    def take(
        self, pulse: Callable[[], None] = lambda: None, room: Room | None = None
    ) -> tuple[list[Job], bool]:
        """Claim what waits in the inbox (a slice of it) and keep what may run.

        Args:
            pulse: beats if it is time; called between any two requests.
            room: how many may be taken; without it there is room for all.

        Returns:
            The jobs, and whether anything was claimed at all.
        """
        jobs: list[Job] = []
        with self._claims.slice(pulse, room) as claimed:
            if not claimed:
                return jobs, False
            with self._together():
                for token, data in claimed:
                    job = self._admitted(token, data)
                    pulse()
                    if job is not None:
                        jobs.append(job)
        return jobs, True

    @contextmanager
    def _together(self) -> Iterator[None]:
        """While it lasts each folder is looked at once, for requests that were all there before."""
        alone = self._policy
        self._policy = replace(alone, resolve=cache(alone.resolve), kind=cache(alone.kind))
        try:
            with self._admission.together():
                yield
        finally:
            self._policy = alone

    def _admitted(self, token: Token, data: bytes) -> Job | None:
        try:
            return self.admit(token, data)
        except RelayStorageError as exc:
            # The recovery finds its token in a moment and brings it here again.
            self._flood.warn("not-admitted", token.request_id, error=exc)
            return None

    def remember(self, request_id: str) -> None:
        """The request is known: another file with its id is a repeat."""
        self._claims.remember(request_id)

    def forget(self, request_id: str) -> None:
        """The request left our hands without an answer; whoever has it may give it back to the inbox."""
        self._claims.forget(request_id)

    def admit(self, token: Token, data: bytes, *, decided: bool = False) -> Job | None:
        """The job for an owned request, or None after answering that it cannot be one.

        Args:
            decided: whether a person has just approved it: it was received long ago.

        Raises:
            RelayStorageError: what is remembered of destinations cannot be read or written now.
        """
        self.remember(token.request_id)
        try:
            request, valid = self._parse(data)
            if not decided:
                self._audit.note("received", token.request_id, **_told(request, valid))
            admitted = self._look(token.request_id, valid, request)
        except RelayValidationError as exc:
            if exc.field == "file" and token.stage == "claim":
                # No request at all: kept for a person to look at.
                fenced = self._tokens.set_aside(token)
                if fenced is None:
                    return None
                token = fenced
            self._refuse(token, data, exc)
            return None
        job = Job(token, request, valid, admitted.survey, admitted.petition)
        if not decided and self._is_late(request):
            self._expire(job)
            return None
        waits = job.petition is not None and (decided or not self._grants.allows(job))
        job.move(Event.ASK if waits else Event.ADMIT)
        if job.survey.done is not None:
            self._answer_at_once(job, job.survey.done)
            return None
        return job if waits or self.will_run(job) else None

    def _look(self, request_id: str, valid: ValidRequest, request: Request) -> Admitted:
        try:
            return self._admission.look(request_id, valid, request)
        except AexpError:
            raise
        except Exception as exc:
            # A defect of ours, met by what one working copy holds, must not end the daemon for all.
            self._audit.defect(request_id, exc)
            raise RelayValidationError(
                "cwd",
                f"met a defect of the relay ({type(exc).__name__}); nothing was run",
                do="Please report what daemon.log says; another working copy may do meanwhile.",
            ) from exc

    def examine(self, request_id: str, data: bytes) -> Admitted:
        """What the bytes of a request would do here.

        Raises:
            RelayValidationError: they are no request, or not one that can be run here.
            RelayStorageError: what is remembered of destinations cannot be read now.
        """
        request, valid = self._parse(data)
        return self._look(request_id, valid, request)

    def _parse(self, data: bytes) -> tuple[Request, ValidRequest]:
        try:
            body = _body(data)
            valid = validate_request(body, self._policy)
            return checked_request(body), valid
        except RelayValidationError:
            raise
        except FilesystemError as exc:
            raise RelayValidationError("cwd", f"cannot be used ({exc.what})", do=exc.hint) from exc
        except ValueError as exc:
            raise RelayValidationError(
                "file", str(exc), "one JSON object with op, args and cwd"
            ) from exc

    def will_run(self, job: Job) -> bool:
        """Remember where the job leads, before it runs; False after answering that this cannot be done."""
        if job.grant is not None:
            return True  # Over when the grant is: nothing is remembered of where it led.
        shown = job.petition is not None
        try:
            self._admission.remember(job.request_id, job.valid.op, job.survey, shown=shown)
        except RelayValidationError as exc:
            answer = job.answer(job.move(Event.REJECT), error=exc.what, hint=exc.hint)
            self._publisher.publish(job.token, answer)
            return False
        return True

    def _answer_at_once(self, job: Job, output: str) -> None:
        job.move(Event.START)
        state = job.move(Event.EXIT)
        self._publisher.publish(job.token, job.answer(state, returncode=0, stdout=output))

    def _refuse(self, token: Token, data: bytes, exc: RelayValidationError) -> None:
        self._flood.note("rejected", token.request_id, error=exc.what)
        op, repeated = _as_said(data)
        answer = refusal(token.request_id, op, State.INVALID, exc.what, exc.hint)
        told = {"field": exc.field, "problem": exc.problem, "allowed": exc.allowed}
        kind = kind_of_refusal(exc.what)
        self._publisher.publish(token, replace(answer, kind=kind, details={**repeated, **told}))

    def _is_late(self, request: Request) -> bool:
        # Two nodes' clocks meet here. The span is a day by default, so that minutes of difference do
        # not matter; a request without a readable date never expires.
        submitted = seconds(request.submitted_at)
        if submitted is None:
            return False
        return self._clock.wall() - submitted > (request.ttl_s or DEFAULT_TTL_S)

    def _expire(self, job: Job) -> None:
        state = job.move(Event.EXPIRE)
        answer = job.answer(
            state,
            error=f"The request was too old when the daemon found it; {job.valid.op} was not run.",
            hint="Submit it again if it is still wanted.",
        )
        self._publisher.publish(job.token, answer)


def _body(data: bytes) -> dict[str, Any]:
    if data == NO_FILE:
        raise RelayValidationError("file", "is no plain file of this user", "a plain file")
    return wire.decode(data)


def _as_said(data: bytes) -> tuple[str, dict[str, Any]]:
    """The operation's name, where it is one, and what an answer may repeat of a refused request."""
    try:
        body = wire.decode(data)
    except wire.WireError:
        return "?", {}
    op, said = body.get("op"), asked(body)
    if "cwd" in said:
        said["cwd"] = visible(str(body["cwd"]), limit=SAID_CHARS)
    said["args"] = [arg[:SAID_CHARS] for arg in said.get("args", [])[:4]]
    return (op if isinstance(op, str) and op in ALLOWED else "?"), said


def _told(request: Request, valid: ValidRequest) -> dict[str, Any]:
    args = " ".join(visible(arg, limit=80) for arg in valid.args)
    return {"op": valid.op, "args": args or None, "cwd": valid.cwd, "client": request.client}
