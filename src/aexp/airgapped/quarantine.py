"""``bad/``: what was no request, kept for a person to look at, and never more than a bounded number."""

from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.ports.storage import QueueStorage

MOST = 200
"""Entries of ``bad/`` that are kept."""
LOOK_AFTER = 64
"""Files set aside between two listings of ``bad/``; others may put something there as well."""


class Quarantine:
    """Moves files to ``bad/``; when it is full, those that were there before make room.

    A folder that holds something is never deleted: it may be somebody's work that was dropped in the
    wrong place. Only such folders can make ``bad/`` larger than ``most``.

    Args:
        most: entries of ``bad/`` that are kept.
    """

    def __init__(self, storage: QueueStorage, most: int = MOST) -> None:
        self._storage = storage
        self._most = most
        self._kept: dict[str, None] = {}
        self._stuck: set[str] = set()
        self._unlisted = LOOK_AFTER

    def keep(self, name: str, called: str) -> bool:
        """Move ``name`` to ``bad/``.

        Args:
            called: what its name there begins with.

        Returns:
            False when it was gone.
        """
        place = layout.bad(called)
        if not self._storage.take(name, place):
            return False
        self._kept[place.partition("/")[2]] = None
        self._unlisted += 1
        if self._unlisted >= LOOK_AFTER:
            self._look()
        self._make_room()
        return True

    def _look(self) -> None:
        self._unlisted = 0
        there = self._storage.list(layout.BAD)
        ours = [entry for entry in self._kept if entry in {*there}]
        strange = [entry for entry in there if entry not in self._kept]
        # What we did not put there was there before, or is no concern of ours: it goes first.
        self._kept = dict.fromkeys([*sorted(strange), *ours])
        self._stuck.intersection_update(there)

    def _make_room(self) -> None:
        excess = len(self._kept) - self._most
        for entry in [one for one in self._kept if one not in self._stuck][: max(excess, 0)]:
            try:
                self._storage.remove(f"{layout.BAD}/{entry}")
                del self._kept[entry]
            except RelayStorageError:
                # A folder that holds something; it stays, and is not tried again.
                self._stuck.add(entry)
