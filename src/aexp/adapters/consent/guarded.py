"""Decisions as names in the queue, where the storage's server lets only those who decide write them.

What makes them count is the server's list of rights (ACL), not this process: it is checked as far as it can
be before anything is decided. An approval holds the digest of what a person was shown, and counts for that.
"""

from collections.abc import Collection

from aexp.adapters.consent.markers import MarkedDecisions
from aexp.domain import layout
from aexp.domain.consent import Mode
from aexp.domain.errors import SettingsError, StorageMissingError, StorageUnfitError
from aexp.domain.petition import Petition
from aexp.ports.consent import Verdicts
from aexp.ports.storage import QueueStorage

HOW = "by an approver of the queue (ACL)"
_MOST = 200
"""Bytes that are read of an approval; a digest has 64."""


class GuardedDecisions(MarkedDecisions):
    """See the module.

    Args:
        flag: what ``aexp relay approve`` needs to reach this queue, such as ``" --queue redis://x/0"``.
    """

    def __init__(self, storage: QueueStorage, flag: str = "") -> None:
        super().__init__(storage)
        self._flag = flag
        self._digests: dict[str, str] = {}
        self._told: set[str] = set()

    @property
    def mode(self) -> Mode:
        return Mode.ACL

    def open(self) -> None:
        """Make sure that the storage keeps apart who asks and who decides.

        Raises:
            SettingsError: it does not, as far as can be seen.
            RelayStorageError: it cannot be asked.
        """
        for folder in (layout.APPROVED, layout.REJECTED):
            why = self._storage.unguarded(folder)
            if why is not None:
                raise SettingsError(f"Approvals cannot count under --consent {Mode.ACL}.", why)

    def park(self, petition: Petition) -> bool:
        earlier = super().park(petition)
        self._expect(petition)
        return earlier

    def resume(self, petition: Petition, since: float) -> None:
        super().resume(petition, since)
        self._expect(petition)

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        if not files or not waiting or not self._digests:
            return Verdicts()
        known = [one for one in waiting if one in self._digests]
        approved, ignored = {}, {}
        for request_id in self._marked(known):
            said = self._said(request_id)
            if said == self._digests[request_id]:
                approved[request_id] = HOW
            elif said is not None and request_id not in self._told:
                self._told.add(request_id)
                ignored[request_id] = self._explained(request_id)
        return Verdicts(approved, self._rejected(known), ignored)

    def settle(self, request_id: str) -> None:
        self._digests.pop(request_id, None)
        self._told.discard(request_id)
        super().settle(request_id)

    def _expect(self, petition: Petition) -> None:
        self._digests[petition.request_id] = petition.digest
        self._told.discard(petition.request_id)

    def _said(self, request_id: str) -> str | None:
        """The digest in an approval; None when it is just gone."""
        try:
            data = self._storage.read(f"{layout.APPROVED}/{request_id}", limit=_MOST)
        except StorageMissingError:
            return None
        except StorageUnfitError:
            return ""
        return data.decode("ascii", "replace").strip()

    def _explained(self, request_id: str) -> str:
        return (
            "the approval is not for what waits now: look at it and approve again, "
            f"`aexp relay approve {request_id[:8]}{self._flag}`"
        )
