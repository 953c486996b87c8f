"""``aexp relay down``: end the daemon that serves a queue on this machine, and no other process.

What the queue says of a daemon is only ever shown. What is signalled stands at the post, which nobody on
another node can write.
"""

from dataclasses import dataclass, field

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.elsewhere import refuse_elsewhere, refuse_unknown, serving_elsewhere
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.errors import RelayTimeoutError
from aexp.domain.identity import ProcessId
from aexp.domain.serving import Setup, setup_of
from aexp.ports.clock import Clock
from aexp.ports.post import Post, Posted
from aexp.ports.processes import Processes

ENDS_WITHIN_S = 20.0
"""Seconds that a daemon's end may take: the 15 that it gives itself, and some for a slow file server."""
KILLED_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Down:
    """What came of ending a daemon.

    Attributes:
        pid: what was ended; None when nothing served.
        forced: whether it had to be killed.
        successor: the daemon on this machine that stood by or served beside it, and serves now; None when
            there is none.
        unit: the systemd unit that it ran in.
        setup: how it was set up.
        waiting: how many requests still wait for consent in the queue.
        others: the daemons on other nodes that go on serving, where several may.
    """

    pid: int | None = None
    forced: bool = False
    successor: int | None = None
    unit: str | None = None
    setup: Setup = field(default_factory=Setup)
    waiting: int = 0
    others: tuple[str, ...] = ()


class Ender:
    """Ends the daemon of one queue on this machine."""

    def __init__(self, queue: RelayQueue, post: Post, processes: Processes, clock: Clock) -> None:
        self._queue = queue
        self._post = post
        self._processes = processes
        self._clock = clock

    def down(self, *, force: bool = False) -> Down:
        """End the daemon that serves on this machine, and wait until it is over.

        Args:
            force: kill it when it does not end in good order.

        Raises:
            RelayBusyError: one serves on another node, or one on this machine that cannot be told for sure.
            RelayTimeoutError: it does not end.
            RelayStorageError: the queue cannot be read.
        """
        posted = self._post.who()
        if posted is None:
            refuse_elsewhere(self._queue, self._clock, self._processes)
            refuse_unknown(self._queue)
            return Down(waiting=self._waiting)
        forced = self._end(posted, force=force)
        after = self._post.who()
        successor = self._beside(posted) if after is None else after.process.pid
        setup = setup_of(posted.words, posted.environ)
        facts = (posted.process.pid, forced, successor, posted.unit, setup, self._waiting)
        return Down(*facts, others=serving_elsewhere(self._queue, self._clock))

    def _beside(self, posted: Posted) -> int | None:
        """Another daemon that the queue names on this machine, where several may serve; only ever shown."""
        if not self._queue.storage.shared:
            return None
        alive = [beat for beat in self._queue.own_beats() if self._queue.is_alive(beat)]
        names = (ProcessId.parse(beat.daemon or "") for beat in alive)
        pids = (name.pid for name in names if name is not None)
        return min((pid for pid in pids if pid != posted.process.pid), default=None)

    @property
    def _waiting(self) -> int:
        return len(layout.requests_in(self._queue.storage.list(layout.PENDING)))

    def _end(self, posted: Posted, *, force: bool) -> bool:
        """Whether it had to be killed."""
        self._post.end(posted)
        if self._over(posted, ENDS_WITHIN_S):
            return False
        pid = posted.process.pid
        if not force:
            raise RelayTimeoutError(
                f"The daemon (pid {pid}) was asked to end and has not after {ENDS_WITHIN_S:.0f} s.",
                f"Wait, or kill it: aexp relay down --force{queue_flag(self._queue.storage.url)}",
            )
        self._post.end(posted, force=True)
        if not self._over(posted, KILLED_WITHIN_S):
            raise RelayTimeoutError(
                f"The daemon (pid {pid}) was killed and is not over: its file server hangs.",
                "It ends when that answers; check the mount.",
            )
        return True

    def _over(self, posted: Posted, within_s: float) -> bool:
        deadline = self._clock.monotonic() + within_s
        while self._processes.alive(posted.process) is not False:
            if self._clock.monotonic() >= deadline:
                return False
            self._clock.sleep(LOOK_EVERY_S)
        return True
