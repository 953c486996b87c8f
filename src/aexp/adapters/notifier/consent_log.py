"""Notices in ``consent.log`` in the queue, for people who watch it with ``tail -f``."""

import datetime as dt
from collections.abc import Collection, Sequence

from aexp.domain import layout
from aexp.domain.errors import StorageMissingError
from aexp.domain.notices import Notice
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier
from aexp.ports.storage import QueueStorage

MAX_BYTES = 1 << 20
KEPT_BYTES = 64 << 10
"""What is left of one that grew beyond that: its last lines."""


class ConsentLogNotifier(Notifier):
    """Appends one line for each request that begins to wait. Nothing in it acts on a terminal."""

    def __init__(self, storage: QueueStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def consent_needed(self, notice: Notice) -> None:
        moment = dt.datetime.fromtimestamp(self._clock.wall(), dt.UTC)
        asked = visible(notice.operation, limit=200, ascii_only=True)
        cwd = visible(notice.cwd, limit=400, ascii_only=True)
        line = (
            f"{moment:%Y-%m-%dT%H:%M:%SZ} {asked} in {cwd} waits for consent: "
            f"relay-approve {notice.short}  or  relay-reject {notice.short}\n"
        )
        self._storage.append(layout.CONSENT_LOG, line.encode())
        self._shorten()

    def _shorten(self) -> None:
        try:
            if not self._storage.read(layout.CONSENT_LOG, MAX_BYTES, 1):
                return
            last = self._storage.read(layout.CONSENT_LOG, MAX_BYTES - KEPT_BYTES, 2 * KEPT_BYTES)
        except StorageMissingError:
            return  # Somebody took it away, or it is not in sight yet.
        self._storage.put(layout.CONSENT_LOG, last.partition(b"\n")[2], durable=False)

    def turn(self, waiting: Collection[str]) -> None:
        """Every notice is written as it comes."""

    def descriptors(self) -> Sequence[int]:
        return ()

    def close(self) -> None:
        """Nothing is held, and what was written stays."""
