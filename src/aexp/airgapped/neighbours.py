"""Whose the requests are that wait for consent, where several daemons serve a queue.

Whoever parks a request notes its own name beside it, before the request can be seen to wait. What people
leave in the queue (a marker, a signature) is heard by that daemon alone, wherever they are: it showed what
they decided on, and remembers it. Where people are heard over a socket, every daemon takes every request
beside the others and shows it as it sees it itself; the first decision has it. What a dead daemon noted
belongs to whoever comes.
"""

from collections.abc import Iterable
from enum import Enum, auto

from aexp.airgapped.owners import Owners
from aexp.airgapped.waiting_notes import noted_daemon
from aexp.domain.errors import RelayStorageError
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

LOOK_AGAIN_S = 15.0
"""Seconds until the note of a request is read again that a living daemon sees to."""


class Whose(Enum):
    """Who sees to a waiting request that is not known here."""

    NOBODY = auto()  # or ourselves, who have lost sight of it
    ANOTHER = auto()  # a daemon that is not known to be dead
    DEAD = auto()  # a daemon that is


class Neighbours:
    """The other daemons, as far as they have requests that wait.

    Args:
        joins: whether this daemon takes what another sees to, beside it.
    """

    def __init__(
        self, storage: QueueStorage, me: str, owners: Owners, clock: Clock, *, joins: bool
    ) -> None:
        self._storage = storage
        self._me = me
        self._owners = owners
        self._clock = clock
        self._noted: dict[str, tuple[str, float]] = {}
        self.joins = joins

    def look(self, there: Iterable[str]) -> frozenset[str]:
        """Forget what does not wait any more; gives who beats now, to be passed to :meth:`whose`."""
        if not self._storage.shared:
            return frozenset()
        self._noted = {one: self._noted[one] for one in there if one in self._noted}
        return self._owners.beating()

    def whose(self, request_id: str, beating: frozenset[str]) -> Whose:
        """Who sees to a request that waits and is not known here."""
        if not self._storage.shared:
            return Whose.NOBODY
        now = self._clock.monotonic()
        owner, due = self._noted.get(request_id, ("", now))
        if now >= due:
            try:
                owner = noted_daemon(self._storage, request_id)
            except RelayStorageError:
                return Whose.ANOTHER  # For all that is known now; the next look asks again.
            self._noted[request_id] = (owner, now + LOOK_AGAIN_S)
        if owner in ("", self._me):
            return Whose.NOBODY
        return Whose.DEAD if self._owners.is_dead(owner, beating) else Whose.ANOTHER
