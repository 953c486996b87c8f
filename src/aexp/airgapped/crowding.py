"""How much may wait for people, in one working copy and in all, under whatever daemon."""

from collections.abc import Collection

from aexp.airgapped.parked import Parked
from aexp.domain import layout
from aexp.domain.limits import Limits
from aexp.domain.petition import Petition
from aexp.ports.storage import QueueStorage


class Crowding:
    """Holds what waits against the limits."""

    def __init__(self, storage: QueueStorage, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits

    def too_many(self, petition: Petition, parked: Collection[Parked]) -> str | None:
        """Why one more may not begin to wait, None when it may.

        Args:
            parked: what waits under this daemon.
        """
        if not self._storage.shared:
            return self.too_many_here(petition, parked)
        in_all = layout.requests_in(self._storage.list(layout.PENDING))
        return self._limits.too_many_pending(len(in_all), _of_copy(petition, parked))

    def too_many_here(self, petition: Petition, parked: Collection[Parked]) -> str | None:
        """The same for one that waits already, and would be this daemon's from now on."""
        return self._limits.too_many_pending(len(parked), _of_copy(petition, parked))


def _of_copy(petition: Petition, parked: Collection[Parked]) -> int:
    return sum(1 for one in parked if one.petition.root == petition.root)
