"""Since when a request waits for consent, what it was, and what a person is asked: kept in the queue.

The notes are for people and clients to read. What an approval is compared with is in the daemon's memory: a
requester can write the queue.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any

from aexp.domain import layout, wire
from aexp.domain.consent import Mode
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

MAX_BYTES = 256 * 1024
SAID_CHARS = 600


@dataclass(frozen=True)
class Note:
    """What is known of a waiting request beside its file, which people read and others may change.

    Attributes:
        since: when it began to wait, in seconds since 1970.
        file: the SHA-256 of its file at that moment.
        said: what the waiting client is told.
        ours: whether it is this daemon's; one that another daemon wrote shows what that one asks.
    """

    since: float
    file: str
    said: str = ""
    ours: bool = True


class WaitingNotes:
    """The notes of one queue, ``waiting/<id>``: one JSON object each."""

    def __init__(self, storage: QueueStorage, me: str, mode: Mode, clock: Clock) -> None:
        self._storage = storage
        self._me = me
        self._mode = mode
        self._clock = clock

    def begin(self, petition: Petition, data: bytes) -> Note:
        """Note that the request, whose file holds ``data``, waits from now on.

        An earlier note's date and digest stay: a restart neither starts the time again nor blesses a changed
        file.

        Raises:
            RelayStorageError: an earlier note cannot be read now; try again later.
        """
        note = Note(self._clock.wall(), digest(data))
        if self._storage.put_new(layout.waiting(petition.request_id), self._body(petition, note)):
            return note
        earlier = self._earlier(petition.request_id, note)
        self._storage.put(layout.waiting(petition.request_id), self._body(petition, earlier))
        return earlier

    def beside(self, petition: Petition, data: bytes) -> Note:
        """What another daemon, that lives, has noted of the request; it stays as it is.

        Raises:
            RelayStorageError: it cannot be read now; try again later.
        """
        earlier = self._earlier(petition.request_id, Note(self._clock.wall(), digest(data)))
        return replace(earlier, ours=False)

    def say(self, petition: Petition, note: Note, text: str) -> Note:
        """Tell the waiting client something; gives the note as it is now."""
        told = replace(note, said=text[:SAID_CHARS])
        if not note.ours:
            self.remark(petition.request_id, text)
            return told
        self._storage.put(layout.waiting(petition.request_id), self._body(petition, told))
        return told

    def remark(self, request_id: str, text: str) -> None:
        """Tell a client something of a request that was not taken over; where nothing is noted, nothing.

        Raises:
            RelayStorageError: its note cannot be read or written now.
        """
        found = _noted(self._storage, request_id)
        said = text[:SAID_CHARS]
        if found and found.get("said") != said:
            self._storage.put(layout.waiting(request_id), wire.encode({**found, "said": said}))

    def end(self, request_id: str) -> None:
        """The request waits no longer."""
        self._storage.remove(layout.waiting(request_id))

    def _earlier(self, request_id: str, note: Note) -> Note:
        try:
            found = read_note(self._storage, request_id)
        except (StorageMissingError, StorageUnfitError, wire.WireError):
            return note
        since, file = found.get("since"), found.get("file")
        if (
            isinstance(since, bool)
            or not isinstance(since, int | float)
            or not isinstance(file, str)
        ):
            return note
        began = float(since)
        return Note(min(began, note.since) if math.isfinite(began) else note.since, file)

    def _body(self, petition: Petition, note: Note) -> bytes:
        return wire.encode(
            {
                "since": round(note.since, 3),
                "file": note.file,
                "digest": petition.digest,
                "daemon": self._me,
                "mode": self._mode.value,
                "petition": petition.to_dict(),
                "said": note.said,
            }
        )


def read_note(storage: QueueStorage, request_id: str) -> dict[str, Any]:
    """What the note of a waiting request says. It is only as trustworthy as the queue.

    Raises:
        WireError: it is no note.
        RelayStorageError: it is not there, or cannot be read.
    """
    data = storage.read(layout.waiting(request_id), limit=MAX_BYTES + 1)
    return wire.decode(data, max_bytes=MAX_BYTES)


def said_to(storage: QueueStorage, request_id: str) -> str:
    """What the daemon says to whoever waits for a person's decision; empty for nothing."""
    said = _noted(storage, request_id).get("said")
    return visible(said, limit=SAID_CHARS) if isinstance(said, str) else ""


def noted_daemon(storage: QueueStorage, request_id: str) -> str:
    """The daemon that sees to a waiting request, as its note says; empty when it does not say.

    Raises:
        RelayStorageError: the note cannot be read now.
    """
    found = _noted(storage, request_id).get("daemon")
    return found if isinstance(found, str) else ""


def asked_of(storage: QueueStorage, request_id: str) -> Petition | None:
    """What a person is asked about a waiting request, as the queue has it; None when it has nothing."""
    found = _noted(storage, request_id).get("petition")
    try:
        return Petition.from_dict(found) if isinstance(found, dict) and found else None
    except ValueError:
        return None


def mode_of(storage: QueueStorage, request_id: str) -> Mode | None:
    """What counts as an approval of a waiting request, as its note says; None when it does not say.

    Raises:
        RelayStorageError: the note cannot be read now.
    """
    return noted_mode(_noted(storage, request_id).get("mode"))


def noted_mode(told: object) -> Mode | None:
    """The mode that a note or a beat names, None when it names none."""
    return Mode(told) if isinstance(told, str) and told in [*Mode] else None


def _noted(storage: QueueStorage, request_id: str) -> dict[str, Any]:
    if request_id not in storage.list(layout.WAITING):
        return {}
    try:
        return read_note(storage, request_id)
    except (wire.WireError, StorageMissingError, StorageUnfitError):
        return {}


def digest(data: bytes) -> str:
    """The SHA-256 of a request's file, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
