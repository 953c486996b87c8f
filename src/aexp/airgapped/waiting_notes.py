"""Since when a request waits for consent, and what it was: kept in the queue over restarts."""

import hashlib
import math
from dataclasses import dataclass

from aexp.domain import layout
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage


@dataclass(frozen=True)
class Note:
    """What is known of a waiting request beside its file, which people read and others may change.

    Attributes:
        since: when it began to wait, in seconds since 1970.
        digest: the SHA-256 of its file at that moment.
    """

    since: float
    digest: str


class WaitingNotes:
    """The notes of one queue, ``waiting/<id>``: ``<since> <digest> <daemon>``."""

    def __init__(self, storage: QueueStorage, me: str, clock: Clock) -> None:
        self._storage = storage
        self._me = me
        self._clock = clock

    def begin(self, request_id: str, data: bytes) -> Note:
        """Note that the request, whose file holds ``data``, waits from now on.

        An earlier note stays: a restart neither starts the time again nor blesses a changed file.

        Raises:
            RelayStorageError: an earlier note cannot be read now; try again later.
        """
        name, now = layout.waiting(request_id), self._clock.wall()
        note = Note(now, digest(data))
        text = f"{now:.3f} {note.digest} {self._me}\n".encode()
        if self._storage.put_new(name, text):
            return note
        try:
            since, known, *_ = self._storage.read(name, limit=256).decode("ascii").split()
            began = float(since)
        except (StorageMissingError, StorageUnfitError, ValueError):
            return note
        return Note(min(began, now) if math.isfinite(began) else now, known)

    def end(self, request_id: str) -> None:
        """The request waits no longer."""
        self._storage.remove(layout.waiting(request_id))


def digest(data: bytes) -> str:
    """The SHA-256 of a request's file, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
