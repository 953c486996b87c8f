"""A daemon that does not stay: ``aexp relay serve --once``, called by cron, looks in from time to time.

Between two visits there is no beat. The note that it leaves lets clients submit all the same, and wait for as
long as they like. It is a hint from the queue and no more: a forged one makes a client wait in vain.
"""

from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.requests import MAX_MOMENT_S
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

COUNTS_FOR_S = 24 * 3600.0
"""Seconds after which a visit says nothing of the next one; clocks of two nodes differ by less."""


def note(storage: QueueStorage, clock: Clock) -> None:
    """A visit begins.

    Raises:
        RelayStorageError: it could not be noted.
    """
    storage.put(layout.VISITS, wire.encode({"wall": clock.wall()}), durable=False)


def forget(storage: QueueStorage) -> None:
    """A daemon stays from now on: its beat alone says whether it serves.

    Raises:
        RelayStorageError: the note could not be removed.
    """
    if layout.VISITS in storage.list(""):
        storage.remove(layout.VISITS)


def last_visit_s(storage: QueueStorage, clock: Clock) -> float | None:
    """Seconds since the last visit, by two clocks that may disagree; None when none is to be expected.

    Raises:
        RelayStorageError: the queue cannot be read.
    """
    if layout.VISITS not in storage.list(""):
        return None
    try:
        wall = wire.decode(storage.read(layout.VISITS, limit=wire.MAX_BYTES)).get("wall")
    except (StorageMissingError, StorageUnfitError, wire.WireError):
        return None
    if isinstance(wall, bool) or not isinstance(wall, int | float) or abs(wall) > MAX_MOMENT_S:
        return None
    since = clock.wall() - wall
    return max(since, 0.0) if abs(since) < COUNTS_FOR_S else None


def told(since_s: float) -> str:
    """What a person is told of it."""
    return f"one looks in from time to time (`serve --once`), last {age(since_s)} ago"
