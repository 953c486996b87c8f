"""Is the daemon that a token, a lease or a beat speaks of dead?"""

from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.identity import ProcessId
from aexp.domain.liveness import BEAT_INTERVAL_S, GONE_S, BeatWatch, Verdict
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

TAKEOVER_AFTER_S = 45.0
"""Seconds without a change of a daemon's own beat after which another node calls it dead."""
TAKEOVER_LOOKS = 6
"""Looks that must have succeeded meanwhile: an observer that was itself paused must not judge."""
ABSENT_S = 3 * BEAT_INTERVAL_S
"""Seconds that a beat must be absent where several serve: each writes its own every 5 s, and another may have
removed one that had just come back to life."""
FORGET_AFTER_S = 600.0
"""Seconds without a change after which the beat of a daemon on another node is removed there."""


class Owners:
    """Judges other daemons: at once on this machine, by watching their beat on others."""

    def __init__(self, storage: QueueStorage, processes: Processes, clock: Clock) -> None:
        self._storage = storage
        self._processes = processes
        self._clock = clock
        self._watches: dict[str, BeatWatch] = {}
        self._tidy_due = float("-inf")

    def beating(self) -> frozenset[str]:
        """The daemons whose own beat is there; to be listed after whatever names them."""
        entries = self._storage.list(layout.DAEMONS)
        return frozenset(filter(None, map(layout.daemon_of, entries)))

    def is_dead(self, owner: str, beating: frozenset[str] | None = None) -> bool:
        """Whether the daemon is certainly gone. False may also mean: not known yet, ask again.

        Args:
            beating: what :meth:`beating` gave, for asking about many at once.
        """
        process = ProcessId.parse(owner)
        alive = self._processes.alive(process) if process is not None else None
        if alive is not None:
            return not alive
        now = self._clock.monotonic()
        self._tidy(now)
        watch = self._watches.setdefault(owner, self._new_watch())
        verdict = watch.see(self.beat(owner, beating), now)
        if verdict is not Verdict.DOWN:
            return False
        # A daemon writes its own beat before it claims anything and removes it last, so an absent
        # beat is an end; an unchanged one is an end only for an observer that kept looking.
        return not watch.present or watch.looks >= TAKEOVER_LOOKS

    def _tidy(self, now: float) -> None:
        """Forget whom nobody has asked about for long: anybody can plant names, and daemons come and go."""
        if now < self._tidy_due:
            return
        self._tidy_due = now + FORGET_AFTER_S
        watches = self._watches.items()
        self._watches = {
            owner: watch for owner, watch in watches if watch.unlooked_s(now) < FORGET_AFTER_S
        }

    def _new_watch(self) -> BeatWatch:
        crowd = self._storage.shared
        return BeatWatch(
            patience_s=TAKEOVER_AFTER_S,
            grace_s=TAKEOVER_AFTER_S,
            gone_s=ABSENT_S if crowd else GONE_S,
            at_once=not crowd,
        )

    def may_forget(self, owner: str, beating: frozenset[str] | None = None) -> bool:
        """Whether nobody needs the beat of a dead daemon any more.

        Where several serve, one that was only paused may beat again between our look at its beat and our
        removing it: it would seem to have ended.
        """
        if not self.is_dead(owner, beating):
            return False
        watch = self._watches.get(owner)
        if not self._storage.shared or watch is None:
            return True
        return watch.unchanged_s(self._clock.monotonic()) >= FORGET_AFTER_S

    def is_here(self, owner: str) -> bool:
        """Whether the daemon runs on this machine, now."""
        process = ProcessId.parse(owner)
        return process is not None and self._processes.alive(process) is True

    def beat(self, owner: str, beating: frozenset[str] | None = None) -> bytes | None:
        """The daemon's own beat, None when there is none."""
        if owner not in (self.beating() if beating is None else beating):
            return None
        try:
            return self._storage.read(layout.own_beat(owner), limit=wire.MAX_BYTES)
        except (StorageMissingError, StorageUnfitError):
            return None
