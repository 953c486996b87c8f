"""Decisions as signatures in the queue: ``approved/<id>`` holds one over the digest of what was shown.

The file may come from any machine that sees the queue, so one can approve from another login node or
from a laptop. What makes it count is the key, which the requester does not have. Rejections by file count
as everywhere.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path

from aexp.adapters.consent.markers import MarkedDecisions
from aexp.adapters.consent.ssh_signatures import AllowedSigners
from aexp.domain import layout
from aexp.domain.consent import Mode
from aexp.domain.decisions import signed_text
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.petition import Petition
from aexp.ports.consent import Verdicts
from aexp.ports.storage import QueueStorage

MAX_SIGNATURE_BYTES = 16 << 10
MAX_CHECKS = 4
"""Signatures that are checked at one turn, so that a flood of them cannot hold the daemon up."""


class SignedDecisions(MarkedDecisions):
    """See the module.

    Args:
        allowed_signers: an allowed signers file as it was at the start of the daemon.
        keygen: the absolute path of ssh-keygen.
        flag: what ``aexp relay approve`` needs to reach this queue, such as ``" --queue /x"``.

    Raises:
        SettingsError: the file names no key.
    """

    def __init__(
        self, storage: QueueStorage, allowed_signers: bytes, keygen: Path, flag: str = ""
    ) -> None:
        super().__init__(storage)
        self._signers = AllowedSigners(allowed_signers, keygen)
        self._flag = flag
        self._digests: dict[str, str] = {}
        self._approved: dict[str, str] = {}
        self._judged: dict[str, bytes] = {}  # the hash of the file that was found not to count
        self._told: set[str] = set()

    @property
    def mode(self) -> Mode:
        return Mode.SIGNED

    def park(self, petition: Petition) -> bool:
        earlier = super().park(petition)
        self._forget_all(petition.request_id)
        self._digests[petition.request_id] = petition.digest
        return earlier

    def resume(self, petition: Petition, since: float) -> None:
        super().resume(petition, since)
        self._forget_all(petition.request_id)
        self._digests[petition.request_id] = petition.digest

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        rejected, ignored = {}, {}
        if files and waiting and self._digests:
            told = self._rejected(waiting)
            rejected = {one: why for one, why in told.items() if one in self._digests}
            marked = (one for one in self._marked(waiting) if one in self._digests)
            ignored = self._judge([one for one in marked if one not in rejected])
        approved = {one: how for one, how in self._approved.items() if one in waiting}
        return Verdicts(approved, rejected, ignored)

    def settle(self, request_id: str) -> None:
        self._forget_all(request_id)
        super().settle(request_id)

    def _judge(self, marked: Collection[str]) -> dict[str, str]:
        """Check what is new among the files; what to tell of those that do not count."""
        ignored = {}
        checks = 0
        for request_id in self._in_turn(marked):
            data = self._read(request_id)
            if data is None:
                continue
            seen = hashlib.sha256(data).digest()
            if self._judged.get(request_id) == seen:
                continue
            if checks == MAX_CHECKS:
                break
            checks += 1
            self._judged.pop(request_id, None)
            signer = self._signers.signer_of(signed_text(self._digests[request_id]), data)
            if signer is not None:
                self._approved[request_id] = f"signed by {signer}"
                continue
            self._judged[request_id] = seen
            if request_id not in self._told:
                self._told.add(request_id)
                ignored[request_id] = self._explained(request_id)
        return ignored

    def _in_turn(self, marked: Collection[str]) -> list[str]:
        """New ones first, then those that were checked longest ago: nobody is kept out."""
        last = {request_id: place for place, request_id in enumerate(self._judged)}
        left = [request_id for request_id in marked if request_id not in self._approved]
        return sorted(left, key=lambda request_id: last.get(request_id, -1))

    def _read(self, request_id: str) -> bytes | None:
        name = f"{layout.APPROVED}/{request_id}"
        try:
            data = self._storage.read(name, limit=MAX_SIGNATURE_BYTES + 1)
        except StorageMissingError:
            # Not in sight yet, or just gone.
            return None
        except StorageUnfitError:
            return b""
        return data if len(data) <= MAX_SIGNATURE_BYTES else b""

    def _forget_all(self, request_id: str) -> None:
        self._digests.pop(request_id, None)
        self._approved.pop(request_id, None)
        self._judged.pop(request_id, None)
        self._told.discard(request_id)

    def _explained(self, request_id: str) -> str:
        return (
            "the file in approved/ is not a signature of this request by an allowed key: "
            f"run `aexp relay approve {request_id[:8]}{self._flag} --key YOUR_KEY`"
        )
