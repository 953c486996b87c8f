"""The daemon's signs of life."""

from contextlib import suppress
from typing import Any

from aexp.domain import layout, wire
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.domain.requests import PROTOCOL
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

OWN_INTERVAL_S = 2 * BEAT_INTERVAL_S
"""Seconds between two beats of its own that a serving daemon leaves for other daemons (they wait for 45)."""
_ORIGINAL_KEYS = {"ts_monotonic", "wall", "pid"}


class Heart:
    """Writes ``heartbeat`` (the serving daemon's) and ``daemons/<D>.hb`` (this daemon's own).

    Args:
        facts: what does not change: host, pid, and since when.
    """

    def __init__(self, storage: QueueStorage, me: str, facts: dict[str, Any], clock: Clock) -> None:
        self._storage = storage
        self._me = me
        self._facts = facts
        self._clock = clock
        self._seq = 0
        self._due = float("-inf")
        self._last = self._own_due = float("-inf")
        self._serving = False
        self._news: dict[str, Any] = {}

    @property
    def due(self) -> bool:
        """Whether it is time for the next beat."""
        return self._clock.monotonic() >= self._due

    @property
    def due_in_s(self) -> float:
        """Seconds until it is."""
        return max(self._due - self._clock.monotonic(), 0.0)

    def beat(self, *, serving: bool = True, **news: Any) -> None:
        """Beat once.

        Args:
            serving: whether this daemon holds the queue; otherwise only its own beat is written.
            news: added to what the beat says.
        """
        self._due = self._clock.monotonic() + BEAT_INTERVAL_S
        self._last, self._serving, self._news = self._clock.monotonic(), serving, news
        self._seq += 1
        body = wire.encode(
            {
                "ts_monotonic": self._clock.monotonic(),
                "wall": self._clock.wall(),
                **self._facts,
                "daemon": self._me,
                "seq": self._seq,
                "interval": BEAT_INTERVAL_S,
                "proto": PROTOCOL,
                **news,
            }
        )
        # Where several serve, this is the one by which the others know that it lives.
        if not serving or self._storage.shared or self._last >= self._own_due:
            self._own_due = self._last + OWN_INTERVAL_S
            self._storage.put(self._own, body, durable=False)
        if serving:
            self._publish(body)

    def _publish(self, body: bytes) -> None:
        try:
            self._storage.put(layout.HEARTBEAT, body, durable=False)
        except StorageUnfitError:
            # Something that is not a file has taken the beat's name.
            self._storage.take(layout.HEARTBEAT, layout.bad(layout.HEARTBEAT))
            self._storage.put(layout.HEARTBEAT, body, durable=False)

    def pulse(self) -> None:
        """Repeat the last beat if it is time, in the middle of other work.

        What the storage says against it is not told here: the next :meth:`beat` will meet it as well.
        """
        if self._serving and self._clock.monotonic() >= self._last + BEAT_INTERVAL_S:
            due = self._due
            with suppress(RelayStorageError):
                self.beat(**self._news)
            # The rest of the upkeep stays due.
            self._due = due

    def stop(self) -> None:
        """Say that this daemon is gone."""
        if self.written_by() == self._me:
            self._storage.remove(layout.HEARTBEAT)
        self._storage.remove(self._own)

    def written_by(self) -> str | None:
        """Who wrote the queue's beat: a daemon's name, "" for one of the original kind, None for nobody."""
        if layout.HEARTBEAT not in self._storage.list(""):
            return None
        try:
            raw = self._storage.read(layout.HEARTBEAT, limit=wire.MAX_BYTES)
            facts = wire.decode(raw)
        except (StorageMissingError, StorageUnfitError, wire.WireError):
            # Nothing, or nothing that any daemon writes: our next beat replaces it.
            return None
        if "proto" in facts:
            return str(facts.get("daemon", ""))
        return "" if set(facts) >= _ORIGINAL_KEYS else None

    @property
    def _own(self) -> str:
        return layout.own_beat(self._me)
