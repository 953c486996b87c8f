"""Is the daemon that a token, a lease or a beat speaks of dead?"""

from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.identity import ProcessId
from aexp.domain.liveness import BeatWatch, Verdict
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

TAKEOVER_AFTER_S = 45.0
"""Seconds without a change of a daemon's own beat after which another node calls it dead."""
TAKEOVER_LOOKS = 6
"""Looks that must have succeeded meanwhile: an observer that was itself paused must not judge."""


class Owners:
    """Judges other daemons: at once on this machine, by watching their beat on others."""

    def __init__(self, storage: QueueStorage, processes: Processes, clock: Clock) -> None:
        self._storage = storage
        self._processes = processes
        self._clock = clock
        self._watches: dict[str, BeatWatch] = {}

    def beating(self) -> frozenset[str]:
        """The daemons whose own beat is there; to be listed after whatever names them."""
        entries = self._storage.list(layout.DAEMONS)
        return frozenset(entry.removesuffix(".hb") for entry in entries if entry.endswith(".hb"))

    def is_dead(self, owner: str, beating: frozenset[str] | None = None) -> bool:
        """Whether the daemon is certainly gone. False may also mean: not known yet, ask again.

        Args:
            beating: what :meth:`beating` gave, for asking about many at once.
        """
        process = ProcessId.parse(owner)
        alive = self._processes.alive(process) if process is not None else None
        if alive is not None:
            return not alive
        watch = self._watches.setdefault(
            owner, BeatWatch(patience_s=TAKEOVER_AFTER_S, grace_s=TAKEOVER_AFTER_S)
        )
        verdict = watch.see(self.beat(owner, beating), self._clock.monotonic())
        if verdict is not Verdict.DOWN:
            return False
        # A daemon writes its own beat before it claims anything and removes it last, so an absent
        # beat is an end; an unchanged one is an end only for an observer that kept looking.
        return not watch.present or watch.looks >= TAKEOVER_LOOKS

    def is_here(self, owner: str) -> bool:
        """Whether the daemon runs on this machine, now."""
        process = ProcessId.parse(owner)
        return process is not None and self._processes.alive(process) is True

    def beat(self, owner: str, beating: frozenset[str] | None = None) -> bytes | None:
        """The daemon's own beat, None when there is none."""
        if owner not in (self.beating() if beating is None else beating):
            return None
        try:
            return self._storage.read(f"{layout.DAEMONS}/{owner}.hb", limit=wire.MAX_BYTES)
        except (StorageMissingError, StorageUnfitError):
            return None
