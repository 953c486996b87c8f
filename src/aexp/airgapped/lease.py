"""Who serves the queue: one daemon at a time, by a counter that only grows.

``lease/<n>`` names the holder of generation ``n``; the highest one counts. To take over from a dead
holder means to create the next generation, which has one winner. A holder that wakes from a pause sees a
generation above its own and knows that it serves no longer.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aexp.airgapped.owners import Owners
from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

_GENERATION = re.compile(r"[0-9]{8}", re.ASCII)


class Standing(StrEnum):
    """What trying for the lease came to."""

    HELD = "held"
    TAKEN = "taken"  # somebody else has it, who is not known to be dead


@dataclass(frozen=True)
class Holder:
    """Who has the lease."""

    daemon: str
    host: str
    pid: int
    since: float


class Lease:
    """One daemon's hold on the queue."""

    def __init__(
        self, storage: QueueStorage, me: str, facts: dict[str, Any], owners: Owners, clock: Clock
    ) -> None:
        self._storage = storage
        self._me = me
        self._facts = facts
        self._owners = owners
        self._clock = clock
        self._generation: int | None = None
        self.holder: Holder | None = None

    def try_for(self) -> Standing:
        """Take the lease if it is free or its holder is dead; may be repeated until it works."""
        top = self._top()
        if top is not None:
            self.holder = self._read(top)
            if self.holder is not None and self.holder.daemon == self._me:
                self._generation = top
                return Standing.HELD
            if self.holder is not None and not self._owners.is_dead(self.holder.daemon):
                return Standing.TAKEN
        if not self._create((top or 0) + 1):
            return Standing.TAKEN
        self._clean_below()
        return Standing.HELD

    def still_held(self) -> bool:
        """Whether this daemon may go on serving."""
        top = self._top()
        if top is None or self._generation is None:
            return False
        return top == self._generation and self._is_mine(top)

    def release(self) -> None:
        """Let the next daemon serve at once."""
        if self._generation is not None and self.still_held():
            # Emptied, not removed: the counter must go on, or two daemons that look while it is handed
            # over could each begin a count of their own.
            self._storage.put(_name(self._generation), b"{}\n")
        self._generation = None

    def _top(self) -> int | None:
        return max(self._generations(), default=None)

    def _generations(self) -> list[int]:
        entries = self._storage.list(layout.LEASE)
        return [int(entry) for entry in entries if _GENERATION.fullmatch(entry)]

    def _create(self, generation: int) -> bool:
        body = {"daemon": self._me, **self._facts, "since": self._clock.wall()}
        if not self._storage.put_new(_name(generation), wire.encode(body)):
            return False
        self._generation = generation
        return True

    def _is_mine(self, generation: int) -> bool:
        holder = self._read(generation)
        return holder is not None and holder.daemon == self._me

    def _read(self, generation: int) -> Holder | None:
        try:
            facts = wire.decode(self._storage.read(_name(generation), limit=wire.MAX_BYTES))
            return Holder(
                daemon=str(facts["daemon"]),
                host=str(facts.get("host", "?")),
                pid=int(facts.get("pid", 0)),
                since=float(facts.get("since", 0.0)),
            )
        except (
            StorageMissingError,
            StorageUnfitError,
            KeyError,
            TypeError,
            ValueError,
            OverflowError,
        ):
            # Released a moment ago, or not a lease at all: the next generation may be tried for.
            return None

    def _clean_below(self) -> None:
        if self._generation is not None and self._generation > 1:
            for generation in self._generations():
                if generation < self._generation:
                    # What is no file is no lease either, and does no harm below ours.
                    with suppress(StorageUnfitError):
                        self._storage.remove(_name(generation))


def _name(generation: int) -> str:
    return f"{layout.LEASE}/{generation:08d}"
