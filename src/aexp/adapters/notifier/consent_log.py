"""Notices in ``consent.log`` in the queue, for people who watch it with ``tail -f``."""

import datetime as dt
from collections.abc import Collection, Sequence

from aexp.domain import layout
from aexp.domain.notices import Notice
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier
from aexp.ports.storage import QueueStorage


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

    def turn(self, waiting: Collection[str]) -> None:
        """Every notice is written as it comes."""

    def descriptors(self) -> Sequence[int]:
        return ()

    def close(self) -> None:
        """Nothing is held, and what was written stays."""
