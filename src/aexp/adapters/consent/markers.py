"""Decisions as marker files in the queue: ``approved/<id>`` and ``rejected/<id>``, the original layout.

Whoever can write the queue can write a marker, the requester included: markers stop mistakes, not
an adversary.
"""

from collections.abc import Collection

from aexp.domain import layout
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.ports.consent import Decisions, Verdicts
from aexp.ports.storage import QueueStorage

MAX_REASON_BYTES = 4096


class MarkerDecisions(Decisions):
    """Reads and removes markers. A rejection's file may hold the reason."""

    def __init__(self, storage: QueueStorage) -> None:
        self._storage = storage

    def park(self, request_id: str) -> bool:
        if request_id not in self._storage.list(layout.APPROVED):
            return False
        self._storage.remove(f"{layout.APPROVED}/{request_id}")
        return True

    def collect(self, waiting: Collection[str]) -> Verdicts:
        approved = frozenset(waiting).intersection(self._storage.list(layout.APPROVED))
        rejected = frozenset(waiting).intersection(self._storage.list(layout.REJECTED))
        return Verdicts(approved, {request_id: self._reason(request_id) for request_id in rejected})

    def settle(self, request_id: str) -> None:
        self._storage.remove(f"{layout.APPROVED}/{request_id}")
        self._storage.remove(f"{layout.REJECTED}/{request_id}")

    def _reason(self, request_id: str) -> str:
        try:
            data = self._storage.read(f"{layout.REJECTED}/{request_id}", limit=MAX_REASON_BYTES)
        except (StorageMissingError, StorageUnfitError):
            # The marker's being there is the decision; what it holds is only for people.
            return ""
        return data.decode("utf-8", "replace")
