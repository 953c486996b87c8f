"""Decisions as marker files in the queue: ``approved/<id>`` and ``rejected/<id>``, the original layout.

Whoever can write the queue can write a marker, the requester included: markers stop mistakes, not
an adversary. The other modes share the rejections, which count everywhere.
"""

from collections.abc import Collection, Sequence

from aexp.domain import layout
from aexp.domain.consent import Mode
from aexp.domain.errors import (
    RelayStorageError,
    RelayValidationError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.domain.identity import is_request_id
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.ports.consent import Decisions, Granting, Verdicts
from aexp.ports.storage import QueueStorage

MAX_REASON_BYTES = 4096
HOW = "a file in approved/ (forgeable)"


class MarkedDecisions(Decisions):
    """What all modes do alike: earlier approvals go, rejections count, used markers go."""

    def __init__(self, storage: QueueStorage) -> None:
        self._storage = storage

    def park(self, petition: Petition) -> bool:
        request_id = petition.request_id
        _check_id(request_id)
        if request_id not in self._storage.list(layout.APPROVED):
            return False
        self._forget(f"{layout.APPROVED}/{request_id}")
        return True

    def resume(self, petition: Petition, since: float) -> None:
        _check_id(petition.request_id)

    def settle(self, request_id: str) -> None:
        if not is_request_id(request_id):
            return
        try:
            self._forget(f"{layout.APPROVED}/{request_id}")
        finally:
            self._forget(f"{layout.REJECTED}/{request_id}")

    def hears_grants(self, granting: Granting) -> bool:
        # What lies in the queue can be forged, and a signature could be left there a second time.
        return False

    def descriptors(self) -> Sequence[int]:
        return ()

    def open(self) -> None:
        """Markers need nothing made ready."""

    def close(self) -> None:
        """Markers need nothing kept."""

    @property
    def trouble(self) -> str | None:
        """Why nobody can approve at the moment; None when all is well."""
        return None

    def _marked(self, waiting: Collection[str]) -> list[str]:
        return sorted(one for one in self._storage.list(layout.APPROVED) if one in waiting)

    def _rejected(self, waiting: Collection[str]) -> dict[str, str]:
        ids = sorted(one for one in self._storage.list(layout.REJECTED) if one in waiting)
        return {request_id: self._reason(request_id) for request_id in ids}

    def _reason(self, request_id: str) -> str:
        try:
            data = self._storage.read(f"{layout.REJECTED}/{request_id}", limit=MAX_REASON_BYTES)
        except (StorageMissingError, StorageUnfitError):
            # The marker's being there is the decision; what it holds is only for people.
            return ""
        return data.decode("utf-8", "replace")

    def _forget(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except StorageUnfitError:
            # A folder in a marker's place: it is moved, whatever it holds.
            entry = name.rpartition("/")[2]
            if not self._storage.take(name, layout.bad(entry)):
                raise RelayStorageError(
                    f"{name} cannot be removed.", "Move it away by hand."
                ) from None


def _check_id(request_id: str) -> None:
    if not is_request_id(request_id):
        shown = visible(request_id, limit=64, ascii_only=True)
        raise RelayValidationError("id", f"is none: {shown}", "32 hexadecimal digits")


class MarkerDecisions(MarkedDecisions):
    """Markers alone decide, on what has been parked here."""

    def __init__(self, storage: QueueStorage) -> None:
        super().__init__(storage)
        self._parked: set[str] = set()

    @property
    def mode(self) -> Mode:
        return Mode.FILE

    def park(self, petition: Petition) -> bool:
        earlier = super().park(petition)
        self._parked.add(petition.request_id)
        return earlier

    def resume(self, petition: Petition, since: float) -> None:
        super().resume(petition, since)
        self._parked.add(petition.request_id)

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        if not files or not waiting or not self._parked:
            return Verdicts()
        marked = (one for one in self._marked(waiting) if one in self._parked)
        rejected = self._rejected(waiting)
        known = {one: reason for one, reason in rejected.items() if one in self._parked}
        return Verdicts(dict.fromkeys(marked, HOW), known)

    def settle(self, request_id: str) -> None:
        super().settle(request_id)
        self._parked.discard(request_id)
