"""The audit trail: one line for each thing that happens to a request.

Everything goes to the log. What an auditor asks for goes to the journal as well, whose lines are chained.
"""

import json
import logging
import math
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from aexp.domain.errors import RelayStorageError
from aexp.domain.identity import ProcessId
from aexp.domain.redaction import Redactor
from aexp.domain.text import visible
from aexp.ports.journal import Head, Journal

logger = logging.getLogger("aexp.relay")

TRAIL = frozenset(
    {
        *("serving", "stopped", "lease-lost", "concern"),
        *("received", "rejected", "set-aside", "pending", "withdrawn", "gone", "cancel", "cancelled"),
        *("approve", "reject", "expire", "approval-ignored", "earlier-approval-ignored"),
        *("granted", "grant-used", "grant-revoked", "grant-expired", "grant-lost", "grant-kept"),
        *("pinned", "trusted", "untrusted"),
        *("not-logged-one-by-one", "started", "done", "answered-before"),
        *("crashed", "outlived-its-daemon", "fenced", "adopted", "gate-refused"),
    }
)  # fmt: skip
"""The events that are recorded in the journal."""
MOST_KEPT = 1000
"""Lines that wait in memory for a journal that cannot be written."""
MAX_CHARS = 400
_Line = tuple[str, str, dict[str, object]]


class Audit:
    """Writes ``<request id> <event> key=value …``; what a request says is redacted, escaped and bounded.

    Args:
        journal: where the events of :data:`TRAIL` are recorded; None for nowhere. One that cannot be written
            stops nothing: its lines are kept and recorded later, in order.
        redactor: what must not be told.
    """

    def __init__(self, journal: Journal | None = None, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self._journal = journal
        self._kept: deque[_Line] = deque()
        self._lost = 0
        self._trouble: str | None = None
        self._gathering = False

    @property
    def trouble(self) -> str | None:
        """Why lines of the journal wait in memory; None when none does."""
        return self._trouble

    @property
    def head(self) -> Head | None:
        """The end of the journal; None when there is none or it cannot be read."""
        try:
            return None if self._journal is None else self._journal.head
        except RelayStorageError as exc:
            self._failed(exc)
            return None

    def note(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened as it should."""
        self._tell(logging.INFO, event, request_id, facts)

    def warn(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened that a person should look at."""
        self._tell(logging.WARNING, event, request_id, facts)

    def _tell(self, level: int, event: str, request_id: str, facts: dict[str, object]) -> None:
        told = {key: self._fact(key, fact) for key, fact in facts.items() if fact is not None}
        logger.log(level, "%s", _line(event, request_id, told))
        if self._journal is not None and event in TRAIL:
            self._record(event, request_id, _with_client(told))

    def defect(self, request_id: str, error: Exception) -> None:
        """We met a defect of our own: told with where it happened."""
        where = "".join(traceback.format_exception(error, limit=-6))
        logger.error("%s defect %s", request_id, visible(self.redactor.text(where), limit=4000))

    def retry(self) -> None:
        """Record the lines that wait, as far as the journal takes them."""
        while self._journal is not None and (self._kept or self._lost):
            # Those that were dropped were the oldest: the gap is told where it is.
            line = ("lines-lost", "-", {"count": self._lost}) if self._lost else self._kept[0]
            try:
                self._journal.record(*line)
            except RelayStorageError as exc:
                for _, _, facts in self._kept:
                    facts["late"] = True
                self._failed(exc)
                return
            if self._lost:
                self._lost = 0
            else:
                self._kept.popleft()
        if not self._gathering:
            self._settle()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Until the end of the block lines are only written; then all of them are put on the disk at once.

        To sync each line by itself would hold up the requests that it tells of.
        """
        self._gathering = True
        with nullcontext() if self._journal is None else self._journal.together():
            try:
                yield
            finally:
                self._gathering = False
                self._settle()

    def _settle(self) -> None:
        try:
            if self._journal is not None:
                self._journal.settle()
        except RelayStorageError as exc:
            self._failed(exc)
        else:
            self._trouble = self._trouble if self._kept else None

    def _record(self, event: str, request_id: str, told: dict[str, object]) -> None:
        self._kept.append((event, request_id, told))
        if len(self._kept) > MOST_KEPT:
            self._kept.popleft()
            self._lost += 1
        self.retry()

    def _failed(self, exc: RelayStorageError) -> None:
        if str(exc) != self._trouble:
            self._trouble = str(exc)
            told = {"error": self._fact("error", exc)}
            logger.warning("%s", _line("journal-failed", "-", told))

    def _fact(self, key: str, fact: object) -> object:
        """A fact as it may be told: redacted, escaped and bounded."""
        if isinstance(fact, bool | int) or (isinstance(fact, float) and math.isfinite(fact)):
            return fact
        if isinstance(fact, list | tuple):
            return [self._text(str(item)) for item in fact]
        return visible(self.redactor.data({key: str(fact)})[key], limit=MAX_CHARS)

    def _text(self, text: str) -> str:
        return visible(self.redactor.text(text), limit=MAX_CHARS)


def _with_client(told: dict[str, object]) -> dict[str, object]:
    """The facts as the journal holds them; of a client whose name says so, its host and pid."""
    client = ProcessId.parse(str(told.get("client")))
    if client is None:
        return told
    facts = {key: fact for key, fact in told.items() if key != "client"}
    return {**facts, "host": client.host, "pid": client.pid}


def _line(event: str, request_id: str, told: Mapping[str, object]) -> str:
    return " ".join([request_id, event, *(f"{key}={_value(told[key])}" for key in told)])


def _value(fact: object) -> str:
    if isinstance(fact, float):
        return f"{fact:.3f}"
    text = str(fact)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text
