"""Telling people what waits for them, whatever becomes of the telling."""

from collections.abc import Callable, Collection, Sequence

from aexp.airgapped.audit import Audit
from aexp.airgapped.defaults import queue_flag
from aexp.domain.errors import RelayError
from aexp.domain.notices import Notice
from aexp.domain.petition import Petition
from aexp.ports.notifier import Notifier


class Notices:
    """Passes on what begins to wait and how much does; a failure is a warning, and stops nothing.

    Args:
        queue: the queue's path or URL.
    """

    def __init__(self, notifier: Notifier, queue: str, audit: Audit) -> None:
        self._notifier = notifier
        self._queue = queue
        self._flag = queue_flag(queue)
        self._audit = audit

    def began(self, petition: Petition) -> None:
        """A request has begun to wait."""
        redact = self._audit.redactor.text
        notice = Notice.of(petition, self._queue, self._flag, redact)
        self._whatever(lambda: self._notifier.consent_needed(notice), petition.request_id)

    def turn(self, waiting: Collection[str]) -> None:
        """Let the telling go on; ``waiting`` are the requests that wait now."""
        self._whatever(lambda: self._notifier.turn(waiting))

    def descriptors(self) -> Sequence[int]:
        """What becomes readable when :meth:`turn` has something to do."""
        return self._notifier.descriptors()

    def close(self) -> None:
        """Say no more that something waits, and end what tells it."""
        self._whatever(self._notifier.close)

    def _whatever(self, act: Callable[[], None], request_id: str = "-") -> None:
        try:
            act()
        except RelayError as exc:
            self._audit.warn("notice-failed", request_id, error=exc)
