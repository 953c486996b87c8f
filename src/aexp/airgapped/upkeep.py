"""What the daemon does every few seconds: prove that it serves, see to what others left, clean up."""

from collections.abc import Callable
from typing import Any

from aexp.airgapped.audit import Audit
from aexp.airgapped.doorkeeper import Doorkeeper
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.heart import Heart
from aexp.airgapped.lease import Holder, Lease, Standing
from aexp.airgapped.locks import Locks
from aexp.airgapped.recovery import Recovery
from aexp.airgapped.sweeper import Sweeper
from aexp.domain.errors import RelayStorageError
from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.ports.clock import Clock

TRUST_EVERY_S = 60.0
"""Seconds between two looks at who may write the queue's folders."""
FOREIGN_PAUSE_S = 6 * BEAT_INTERVAL_S
"""Seconds without new work after a beat of an original daemon was seen in the queue."""


class Upkeep:
    """Lease, beat, recovery and clean-up, in this order and each in spite of the others' failures.

    Args:
        lease: None where several serve: nobody can take over then.
        move_in: makes the queue's folders again when they were deleted under the daemon.

    Attributes:
        lost_to: the daemon that has taken over, None while this one serves.
    """

    def __init__(
        self,
        lease: Lease | None,
        heart: Heart,
        recovery: Recovery,
        sweeper: Sweeper,
        move_in: Callable[[], None],
        clock: Clock,
        audit: Audit,
        doorkeeper: Doorkeeper,
        flood: FloodAudit,
        untrusted: Callable[[], str | None],
        locks: Locks,
    ) -> None:
        self._locks = locks
        self._doorkeeper = doorkeeper
        self._flood = flood
        self._untrusted = untrusted
        self._trust_due = clock.monotonic() + TRUST_EVERY_S
        self.distrust: str | None = None
        self._lease = lease
        self._heart = heart
        self._recovery = recovery
        self._sweeper = sweeper
        self._move_in = move_in
        self._clock = clock
        self._audit = audit
        self._foreign_until = float("-inf")
        self.lost_to: Holder | None = None

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return self._heart.due

    @property
    def may_take_in(self) -> bool:
        """Whether new requests may be taken: not beside a daemon of the original kind."""
        return self.distrust is None and self._clock.monotonic() >= self._foreign_until

    def tick(self, *, thorough: bool = True, **news: Any) -> None:
        """Do it once. ``news`` is added to the beat.

        Args:
            thorough: whether to look for others as well; a daemon in a quiet queue does so now and then.

        Raises:
            RelayStorageError: a part of it failed; the other parts were done all the same.
        """
        lease = self._lease
        if lease and thorough and self.lost_to is None and not lease.still_held():
            self._reclaim(lease)
        if self.lost_to is not None:
            self._heart.beat(serving=False)
            return
        failure = self._beat(news, thorough=thorough)
        self._look_around()
        if thorough:
            self._locks.tidy()
            self._recovery.sweep()
        self._sweeper.step()
        if failure is not None:
            raise failure

    def _beat(self, news: dict[str, Any], *, thorough: bool) -> RelayStorageError | None:
        try:
            if thorough and self._heart.written_by() == "":
                self._audit.warn("original-daemon", error="One beats in this queue; stop it.")
                self._foreign_until = self._clock.monotonic() + FOREIGN_PAUSE_S
            self._heart.beat(**news)
        except RelayStorageError as exc:
            # A full disk, perhaps: then the clean-up is needed more than ever.
            return exc
        return None

    def _look_around(self) -> None:
        self._flood.flush()
        self._doorkeeper.look()
        if self._clock.monotonic() < self._trust_due:
            return
        self._trust_due = self._clock.monotonic() + TRUST_EVERY_S
        before, self.distrust = self.distrust, self._untrusted()
        if self.distrust is not None and self.distrust != before:
            self._audit.warn("queue-not-trusted", error=self.distrust)

    def _reclaim(self, lease: Lease) -> None:
        # The lease may only have been deleted with the queue's folder; then it is ours again. If
        # somebody else has it we were taken for dead: what runs here may end, nothing new begins.
        if lease.try_for() is Standing.HELD:
            self._move_in()
        else:
            self.lost_to = lease.holder
            host = self.lost_to.host if self.lost_to else "?"
            self._audit.warn("lease-lost", to=host)
