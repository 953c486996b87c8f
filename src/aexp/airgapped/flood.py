"""The audit trail of what strangers can cause in any number: a few lines a second, and a count."""

from collections.abc import Callable

from aexp.airgapped.audit import Audit
from aexp.ports.clock import Clock

MOST_A_SECOND = 5


class FloodAudit:
    """Passes on the first few lines of each second and counts the others.

    Args:
        audit: where the lines go.
        most: lines a second.
    """

    def __init__(self, audit: Audit, clock: Clock, most: int = MOST_A_SECOND) -> None:
        self._audit = audit
        self._clock = clock
        self._most = most
        self._began = float("-inf")
        self._told = 0
        self._untold = 0

    def note(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened as it should."""
        self._tell(self._audit.note, event, request_id, facts)

    def warn(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened that a person should look at."""
        self._tell(self._audit.warn, event, request_id, facts)

    def flush(self) -> None:
        """Tell the count now; to be called now and then, so that the end of a flood is told as well."""
        untold, self._untold = self._untold, 0
        if untold:
            self._audit.warn("not-logged-one-by-one", count=untold)

    def _tell(
        self, tell: Callable[..., None], event: str, request_id: str, facts: dict[str, object]
    ) -> None:
        now = self._clock.monotonic()
        if now - self._began >= 1.0:
            self._began, self._told = now, 0
            self.flush()
        if self._told < self._most:
            self._told += 1
            tell(event, request_id, **facts)
        else:
            self._untold += 1
