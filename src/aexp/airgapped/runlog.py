"""The log of one operation, growing in the queue while it runs."""

from aexp.airgapped.audit import Audit
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.domain.output import MAX_LOG_BYTES
from aexp.domain.redaction import Redactor
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

FLUSH_EVERY_S = 0.5
FLUSH_BYTES = 64 * 1024


class RunLog:
    """Collects output, takes the secrets out, and appends it to ``log/<id>.txt`` about twice a second.

    An append is what other nodes see, and on a network filesystem it costs several requests to the
    server. A log that cannot be written is given up with a warning: the answer matters more.

    Args:
        redactor: what takes the secrets out; by default the audit trail's.
    """

    def __init__(
        self,
        storage: QueueStorage,
        request_id: str,
        clock: Clock,
        audit: Audit,
        redactor: Redactor | None = None,
    ) -> None:
        self._storage = storage
        self._request_id = request_id
        self._clock = clock
        self._audit = audit
        self._clean = (redactor or audit.redactor).stream()
        self._held = bytearray()
        self._written = 0
        self._flushed = clock.monotonic()
        self._given_up = False

    def add(self, data: bytes) -> bytes:
        """Take in what comes next; beyond the cap it is dropped, and the log says so.

        Returns:
            What is known by now to hold no secret, also beyond the cap: whole lines as a rule. The answer
            is made of this, so that no secret can be cut in two by the gap in a long answer.
        """
        clean = self._clean.feed(data)
        self._take(clean)
        return clean

    def flush_if_due(self) -> None:
        """Append what has collected, when it is time or when it is much."""
        waited = self._clock.monotonic() - self._flushed
        if self._held and (waited >= FLUSH_EVERY_S or len(self._held) >= FLUSH_BYTES):
            self._flush()

    def end(self) -> bytes:
        """Take in that nothing more comes.

        Returns:
            What :meth:`add` had held back: a last line without an end.
        """
        rest = self._clean.close()
        self._take(rest)
        return rest

    def flush(self) -> None:
        """Append what has collected."""
        if self._held:
            self._flush()

    def _take(self, data: bytes) -> None:
        room = MAX_LOG_BYTES - self._written - len(self._held)
        if room <= 0 or self._given_up or not data:
            return
        self._held += data[:room]
        if len(data) >= room:
            self._held += f"\n[... the log ends here, at {MAX_LOG_BYTES} bytes ...]\n".encode()

    def _flush(self) -> None:
        data, self._held = bytes(self._held), bytearray()
        self._flushed = self._clock.monotonic()
        self._written += len(data)
        try:
            self._storage.append(layout.log(self._request_id), data)
        except RelayStorageError as exc:
            self._given_up = True
            self._audit.warn("log-given-up", self._request_id, error=exc)
