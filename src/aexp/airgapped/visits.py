"""A daemon that does not stay: ``aexp relay serve --once``, called by cron, looks in from time to time.

Between two visits there is no beat. The note that it leaves lets clients submit all the same, and wait for as
long as they like, once two visits have shown how long it stays away: one alone may have been made by hand.
It is a hint from the queue and no more: a forged one makes a client wait in vain.
"""

from itertools import pairwise
from typing import TypeGuard

from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.requests import MAX_MOMENT_S
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

MOST_APART_S = 2 * 3600.0
"""Seconds between two visits that are taken for a habit, at most."""
COUNTS_FOR = 3
"""Times that span without a visit, after which none is expected any more."""
CLOCKS_S = 60.0
"""Seconds that the clocks of two nodes may differ by on top of it."""
REMEMBERED = 5
"""Visits that the note tells of: cron may call on two nodes in the same minute."""


def note(storage: QueueStorage, clock: Clock) -> None:
    """A visit begins.

    Raises:
        RelayStorageError: it could not be noted.
    """
    body = {"wall": clock.wall(), "before": _visits(storage)[-(REMEMBERED - 1) :]}
    storage.put(layout.VISITS, wire.encode(body), durable=False)


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
    visits = _visits(storage)
    gaps = [later - earlier for earlier, later in pairwise(visits)]
    habit = max((gap for gap in gaps if 0 < gap <= MOST_APART_S), default=None)
    if habit is None:
        return None
    since = clock.wall() - visits[-1]
    return max(since, 0.0) if abs(since) < COUNTS_FOR * habit + CLOCKS_S else None


def told(since_s: float) -> str:
    """What a person is told of it."""
    return f"one looks in from time to time (`serve --once`), last {age(since_s)} ago"


def _visits(storage: QueueStorage) -> list[float]:
    """When it looked in, in seconds since 1970, the last one last; empty when the note makes no sense."""
    if layout.VISITS not in storage.list(""):
        return []
    try:
        found = wire.decode(storage.read(layout.VISITS, limit=wire.MAX_BYTES))
    except (StorageMissingError, StorageUnfitError, wire.WireError):
        return []
    before = found.get("before")
    moments = [*(before if isinstance(before, list) else ()), found.get("wall")]
    return [float(one) for one in moments[-REMEMBERED:] if _is_moment(one)]


def _is_moment(found: object) -> TypeGuard[float]:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return abs(found) <= MAX_MOMENT_S
