"""Publishing answers, also when the storage refuses them for a while."""

from collections import deque
from dataclasses import replace
from itertools import islice

from aexp.airgapped.audit import Audit
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.tokens import Tokens
from aexp.domain import layout
from aexp.domain.consent import State
from aexp.domain.errors import RelayStorageError, StorageFullError
from aexp.domain.identity import is_request_id
from aexp.domain.layout import Token
from aexp.domain.operations import ALLOWED
from aexp.domain.redaction import Redactor
from aexp.domain.requests import Response
from aexp.ports.clock import Clock

RECENT = 64
RETRY_EVERY_S = 0.5
KEPT_CHARS = 400
"""Characters of output in an answer for which there is only a reserve of one block left."""
FIND_EVERY_S = 3600.0
"""Seconds between two looks for the marks of daemons that have died, where several serve."""
MARKED_FOR_S = 600.0
"""Seconds that a mark in ``replied/`` stays; a client looks more thoroughly now and then anyway."""
SLICE = 256
MOST_FOUND = 20_000


def without_secrets(response: Response, redactor: Redactor) -> Response:
    """The answer as it may lie in the queue."""
    return replace(
        response,
        stdout=redactor.text(response.stdout),
        error=redactor.data(response.error),
        hint=redactor.data(response.hint),
        notices=tuple(redactor.text(notice) for notice in response.notices),
        details=redactor.data(response.details),
    )


class Publisher:
    """Gives each request its one answer.

    An answer that the storage refuses (no space, a lost server) stays in memory and is tried again at
    every :meth:`retry` until it is published.

    Args:
        redactor: what takes the secrets out of answers; by default the audit trail's.
        consent: what counts as an approval here; every answer says so.
    """

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        audit: Audit,
        redactor: Redactor | None = None,
        consent: str | None = None,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._audit = audit
        self._flood = FloodAudit(audit, clock)
        self._redactor = redactor or audit.redactor
        self._consent = consent
        self._held: list[tuple[Token, Response]] = []
        self._error = ""
        self._retry_due = float("-inf")
        self._marked: deque[tuple[float, str]] = deque()
        self._find_due = float("inf")
        self.recent: list[str] = []

    @property
    def trouble(self) -> str | None:
        """Why answers are held, None when none is."""
        return self._error if self._held else None

    @property
    def held(self) -> int:
        """How many answers wait for the storage to take them."""
        return len(self._held)

    def holds(self, request_id: str) -> bool:
        """Whether the request's answer waits for the storage."""
        return any(token.request_id == request_id for token, _ in self._held)

    def publish(self, token: Token, response: Response) -> None:
        """Answer the request that ``token`` stands for."""
        stamped = replace(
            without_secrets(response, self._redactor),
            answered_at=self._clock.wall(),
            writer=self._tokens.me,
            consent=self._consent,
        )
        try:
            self._send_somehow(token, stamped)
        except RelayStorageError as exc:
            self._audit.warn("answer-held", token.request_id, error=exc)
            self._held.append((token, stamped))
            self._error = str(exc)

    def retry(self) -> bool:
        """Try the answers that were refused; True when one got through."""
        now = self._clock.monotonic()
        if not self._held or now < self._retry_due:
            return False
        self._retry_due = now + RETRY_EVERY_S
        held, self._held = self._held, []
        for token, response in held:
            try:
                self._send_somehow(token, response)
            except RelayStorageError:
                self._held.append((token, response))
        return len(self._held) < len(held)

    def find_marks(self) -> None:
        """Know the marks that an earlier daemon left, or one beside us, so that they go as well."""
        now = self._clock.monotonic()
        self._find_due = now + FIND_EVERY_S if self._tokens.storage.shared else float("inf")
        marks = filter(is_request_id, self._tokens.storage.list(layout.REPLIED))
        self._marked.extend((now, request_id) for request_id in islice(marks, MOST_FOUND))

    def forget_marks(self) -> None:
        """Remove the marks of answers that every waiting client has seen by now, a slice at a time."""
        if self._clock.monotonic() >= self._find_due:
            self.find_marks()
        old = self._clock.monotonic() - MARKED_FOR_S
        for _ in range(SLICE):
            if not self._marked or self._marked[0][0] > old:
                return
            _, request_id = self._marked.popleft()
            self._tokens.storage.remove(layout.replied(request_id))

    def _send_somehow(self, token: Token, response: Response) -> None:
        """Send the answer; when the disk is too full for it, the end of its output alone."""
        try:
            self._send(token, response)
        except StorageFullError:
            end = response.stdout[-KEPT_CHARS:]
            if end == response.stdout:
                raise
            self._send(token, replace(response, stdout=end, truncated=True))

    def _send(self, token: Token, response: Response) -> None:
        asked = ALLOWED.get(response.op)
        durable = asked is None or asked.durable
        won = self._tokens.answer(token, response, durable=durable)
        self._marked.append((self._clock.monotonic(), token.request_id))
        self.recent = [*self.recent, token.request_id][-RECENT:]
        event = "done" if won else "answered-before"
        audit = self._flood if response.final_state is State.INVALID else self._audit
        audit.note(
            event,
            token.request_id,
            op=response.op,
            state=response.final_state,
            returncode=response.returncode,
            duration_s=response.duration_s,
            error=response.error,
        )
