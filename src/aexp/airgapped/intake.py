"""Taking requests in: claim, read, validate; never trust the client."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from aexp.airgapped.admission import Admission, Admitted
from aexp.airgapped.audit import Audit
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.jobs import Job, refusal
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.turns import Arrivals, Slice
from aexp.domain import wire
from aexp.domain.consent import Event, State
from aexp.domain.errors import (
    FilesystemError,
    RelayStorageError,
    RelayValidationError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.domain.layout import Token
from aexp.domain.requests import Request
from aexp.domain.text import visible
from aexp.domain.validation import CwdPolicy, ValidRequest, validate_request
from aexp.ports.clock import Clock

FAILURES = 3
"""Files that may fail at one look before the storage itself is held to have failed."""
NO_FILE = b"\0"
"""What stands for the content of what is no plain file."""
DEFAULT_TTL_S = 24 * 3600.0
REMEMBERED = 10_000


class Intake:
    """Turns files in the inbox into jobs.

    Args:
        policy: where operations may work.
        admission: what a request would do, and whether a person must be asked.
    """

    def __init__(
        self,
        tokens: Tokens,
        publisher: Publisher,
        policy: CwdPolicy,
        admission: Admission,
        clock: Clock,
        audit: Audit,
        flood: FloodAudit,
    ) -> None:
        self._flood = flood
        self._arrivals = Arrivals()
        self._slice = Slice(clock)
        self._tokens = tokens
        self._publisher = publisher
        self._policy = policy
        self._admission = admission
        self._clock = clock
        self._audit = audit
        self._seen: dict[str, None] = {}

    def take(self, pulse: Callable[[], None] = lambda: None) -> tuple[list[Job], bool]:
        """Claim what waits in the inbox (a slice of it) and keep what may run.

        Args:
            pulse: beats if it is time; called between any two requests.

        Returns:
            The jobs, and whether anything was claimed at all.
        """
        with self._slice.measured() as most:
            claimed = self._claim_some(most, pulse)
            # A slice that arrived together runs in the order in which the clients say they submitted.
            claimed.sort(key=lambda found: found[0])
            jobs = []
            for _, token, data in claimed:
                job = self.admit(token, data)
                pulse()
                if job is not None:
                    jobs.append(job)
        return jobs, bool(claimed)

    def _claim_some(self, most: int, pulse: Callable[[], None]) -> list[tuple[float, Token, bytes]]:
        claimed: list[tuple[float, Token, bytes]] = []
        failures: list[RelayStorageError] = []
        for request_id in self._arrivals.choose(self._tokens.arrivals(), most):
            try:
                token = self._claim(request_id)
                read = None if token is None else self._read(token)
            except RelayStorageError as exc:
                # One file that cannot be handled keeps nobody from the others.
                failures.append(exc)
                if len(failures) >= FAILURES:
                    break
                continue
            if read is not None:
                claimed.append((_submitted(read[1]), *read))
            pulse()
        if failures and not claimed:
            raise failures[0]
        if failures:
            self._flood.warn("not-taken", error=failures[0])
        return claimed

    def remember(self, request_id: str) -> None:
        """The request is known: another file with its id is a repeat."""
        self._seen[request_id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def forget(self, request_id: str) -> None:
        """The request left our hands without an answer; whoever has it may give it back to the inbox."""
        self._seen.pop(request_id, None)

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
            admitted = self._admission.look(token.request_id, valid, request)
        except RelayValidationError as exc:
            if exc.field == "file" and token.stage == "claim":
                # No request at all: kept for a person to look at.
                fenced = self._tokens.set_aside(token)
                if fenced is None:
                    return None
                token = fenced
            self._refuse(token, exc)
            return None
        job = Job(token, request, valid, admitted.survey, admitted.petition)
        if not decided and self._is_late(request):
            self._expire(job)
            return None
        job.move(Event.ADMIT if job.petition is None else Event.ASK)
        if job.survey.done is not None:
            self._answer_at_once(job, job.survey.done)
            return None
        if job.petition is None:
            self.will_run(job)
        return job

    def examine(self, request_id: str, data: bytes) -> Admitted:
        """What the bytes of a request would do here.

        Raises:
            RelayValidationError: they are no request, or not one that can be run here.
            RelayStorageError: what is remembered of destinations cannot be read now.
        """
        request, valid = self._parse(data)
        return self._admission.look(request_id, valid, request)

    def _parse(self, data: bytes) -> tuple[Request, ValidRequest]:
        try:
            body = _body(data)
            valid = validate_request(body, self._policy)
            return Request.model_validate(body), valid
        except RelayValidationError:
            raise
        except FilesystemError as exc:
            raise RelayValidationError("cwd", f"cannot be used ({exc.what})", exc.hint) from exc
        except ValueError as exc:
            raise RelayValidationError(
                "file", str(exc), "one JSON object with op, args and cwd"
            ) from exc

    def will_run(self, job: Job) -> None:
        """Remember where the job leads, before it runs."""
        self._admission.remember(job.request_id, job.valid.op, job.survey)

    def _answer_at_once(self, job: Job, output: str) -> None:
        job.move(Event.START)
        state = job.move(Event.EXIT)
        self._publisher.publish(job.token, job.answer(state, returncode=0, stdout=output))

    def _read(self, token: Token) -> tuple[Token, bytes] | None:
        try:
            return token, self._tokens.storage.read(token.name, limit=wire.MAX_BYTES + 1)
        except StorageMissingError:
            # Taken for dead while we stood still: it is another daemon's now.
            return None
        except StorageUnfitError as exc:
            # A link, a FIFO, a folder: kept for a person to look at, answered as invalid.
            self._flood.warn("set-aside", token.request_id, error=exc)
            fenced = self._tokens.set_aside(token)
            return None if fenced is None else (fenced, NO_FILE)

    def _claim(self, request_id: str) -> Token | None:
        # The same id again is a copy of an old request, or a client's repeat after a lost reply. It is
        # moved away without being claimed: the claim would replace the token of the first one.
        if request_id in self._seen or self._tokens.is_answered(request_id):
            self._flood.warn("seen-before", request_id)
            self._tokens.set_aside_repeat(request_id)
            return None
        return self._tokens.claim(request_id)

    def _refuse(self, token: Token, exc: RelayValidationError) -> None:
        self._flood.note("rejected", token.request_id, error=exc.what)
        answer = refusal(token.request_id, "?", State.INVALID, exc.what, exc.hint)
        details = {"field": exc.field, "problem": exc.problem, "allowed": exc.allowed}
        self._publisher.publish(token, answer.model_copy(update={"details": details}))

    def _is_late(self, request: Request) -> bool:
        # Two nodes' clocks meet here. The span is a day by default, so that minutes of difference do
        # not matter; a request without a readable date never expires.
        submitted = _seconds(request.submitted_at)
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


def _told(request: Request, valid: ValidRequest) -> dict[str, Any]:
    args = " ".join(visible(arg, limit=80) for arg in valid.args)
    return {"op": valid.op, "args": args or None, "cwd": valid.cwd, "client": request.client}


def _submitted(data: bytes) -> float:
    try:
        return _seconds(wire.decode(data).get("submitted_at")) or 0.0
    except wire.WireError:
        return 0.0


def _seconds(value: object) -> float | None:
    """A date as clients write it, in seconds since 1970: a number, or ISO 8601 text."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, str):
            return None
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
