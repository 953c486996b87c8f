"""What lies in the inbox and is no request: left alone while it is fresh, then moved out of the way."""

from aexp.airgapped.audit import Audit
from aexp.airgapped.quarantine import Quarantine
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

PATIENCE_S = 60.0
"""Seconds that an entry may stay: a client of the original kind writes ``<id>.json.tmp``, then renames it."""
LOOK_EVERY_S = 60.0
BACKLOG_EVERY_S = 1.0
"""Seconds until the next slice, when there was more to do than one."""
SLICE = 128
"""Moves at one look, so that a flood cannot keep the daemon from its beat."""
MOST_TRACKED = 4096


class Doorkeeper:
    """Looks at the inbox now and then; costs one listing when nothing is wrong.

    Ages are told by this daemon's own clock, from the moment at which it first saw the name.

    Args:
        quarantine: where it goes; by default one of its own.
    """

    def __init__(
        self,
        storage: QueueStorage,
        clock: Clock,
        audit: Audit,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._audit = audit
        self._quarantine = quarantine or Quarantine(storage)
        self._since: dict[str, float] = {}
        self._stuck: set[str] = set()
        self._due = float("-inf")

    def look(self) -> None:
        """Look if it is time; to be called as often as one likes.

        Raises:
            RelayStorageError: the inbox cannot be listed.
        """
        now = self._clock.monotonic()
        if now < self._due:
            return
        self._due = now + LOOK_EVERY_S
        strangers = self._strangers(now)
        old = [entry for entry in strangers if now - self._since[entry] >= PATIENCE_S]
        if old:
            self._clear(old[:SLICE], left=len(old) - SLICE)
        if len(old) > SLICE:
            self._due = now + BACKLOG_EVERY_S

    def _strangers(self, now: float) -> list[str]:
        """The entries that are no requests, as many as are kept in mind."""
        there = [one for one in self._storage.list(layout.INBOX) if layout.request_of(one) is None]
        self._stuck.intersection_update(there)
        known = {one: self._since[one] for one in there if one in self._since}
        for entry in there:
            if len(known) >= MOST_TRACKED:
                break
            if entry not in self._stuck:
                known.setdefault(entry, now)
        self._since = known
        return [*known]

    def _clear(self, entries: list[str], left: int) -> None:
        moved = 0
        problem = None
        for entry in entries:
            del self._since[entry]
            try:
                moved += self._quarantine.keep(f"{layout.INBOX}/{entry}", entry)
            except RelayStorageError as exc:
                if len(self._stuck) < MOST_TRACKED:
                    self._stuck.add(entry)
                problem = exc
        if not moved and problem is None:
            return  # Another daemon was faster.
        self._audit.warn(
            "no-requests-in-the-inbox",
            moved=moved,
            left=max(left, 0) or None,
            first=visible(entries[0], limit=80),
            error=problem,
        )
