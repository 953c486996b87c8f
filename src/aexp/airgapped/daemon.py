"""The daemon: one loop on the login node that never waits for a command."""

from collections.abc import Callable
from functools import partial

from aexp.airgapped.audit import Audit
from aexp.airgapped.chores import Chores
from aexp.airgapped.crew import Outside, Rules, crew
from aexp.airgapped.pauses import Pauses
from aexp.airgapped.taking import busy, lay_out, take_queue
from aexp.domain import layout
from aexp.domain.errors import RelayBusyError, RelayStorageError
from aexp.domain.limits import MOST_AT_ONCE, Limits
from aexp.domain.validation import CwdPolicy
from aexp.ports.clock import Clock
from aexp.ports.consent import Decisions
from aexp.ports.executor import Executor
from aexp.ports.grants import GrantMemory
from aexp.ports.notifier import Notifier
from aexp.ports.pins import Pins
from aexp.ports.post import Post
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.ports.workshop import Workshop

STOP_WITHIN_S = 15.0
"""Seconds that a stop may take: SIGTERM, ten seconds, SIGKILL, and the answers."""


class RelayDaemon:
    """Serves one queue.

    :meth:`start` takes the queue or says who has it, :meth:`step` does everything that can be done now,
    :meth:`run` repeats it until :meth:`stop` is called. With a manual clock and the memory storage the
    whole relay runs in one thread and in virtual time.

    Args:
        workshop: looks at what a request would do, before anything runs.
        pins: where each working copy led before.
        grants: what was granted, for the next daemon.
        policy: where operations may work.
        most_at_once: commands that may run at the same time.
        strict: whether the first use of a working copy's remotes needs a person.
        limits: how many requests may wait.
        audit: where what happens is told, and what must not be; by default the log alone.
        wake: a file descriptor that becomes readable when :meth:`stop` was called by a signal.
        post: where its owner finds it on this node; by default nowhere.
    """

    def __init__(
        self,
        *,
        storage: QueueStorage,
        executor: Executor,
        decisions: Decisions,
        notifier: Notifier,
        clock: Clock,
        processes: Processes,
        workshop: Workshop,
        pins: Pins,
        grants: GrantMemory,
        policy: CwdPolicy,
        most_at_once: int = MOST_AT_ONCE,
        strict: bool = False,
        limits: Limits | None = None,
        wake: int | None = None,
        audit: Audit | None = None,
        post: Post | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._wake = wake
        self._decisions = decisions
        self._audit = audit or Audit()
        people = (decisions, notifier, clock, processes)
        outside = Outside(storage, executor, *people, workshop, pins, grants)
        rules = Rules(policy, most_at_once, strict, limits or Limits())
        self._crew = crew(outside, rules, self._audit, self._move_in)
        self._chores = Chores(self._crew, outside, self._audit, post)
        self._stopping = False
        self._serving = False
        self._pauses = Pauses(outside, self._crew)

    def start(self, on_standby: Callable[[RelayBusyError], None] | None = None) -> bool:
        """Take the queue and what a dead predecessor left in it.

        Waits while it is not known whether the holder on another node lives: 45 seconds at most.

        Args:
            on_standby: when given, wait for as long as another daemon serves; it is told once who.

        Returns:
            False when :meth:`stop` was called before the queue was taken.

        Raises:
            RelayBusyError: another daemon serves this queue.
            RelayStorageError: the queue cannot be written.
            SettingsError: nobody could approve anything on this node.
        """
        distrust = self._storage.untrusted(layout.EVERY_FOLDER)
        if distrust is not None:
            raise RelayStorageError("The queue is not safe to serve.", distrust)
        # Before the lease: a holder without a beat of its own would count as dead.
        self._crew.heart.beat(serving=False)
        try:
            parts = (self._crew.lease, self._crew.heart, self._crew.owners, self._clock)
            if not take_queue(self._storage, *parts, lambda: self._stopping, on_standby):
                return False
            self._decisions.open()
            self._serving = True
        finally:
            if not self._serving:
                for give_back in (*self._crew.holds, self._crew.heart.stop):
                    self._whatever(give_back)
        self._audit.note("serving", queue=self._storage.url, daemon=self._crew.tokens.me)
        self._crew.grants.open(heard=self._crew.grants_heard)
        self._move_in()
        self._crew.heart.beat()
        self._whatever(self._crew.publisher.find_marks)
        self._whatever(self._crew.recovery.sweep)
        self._whatever(partial(self._crew.desk.adopt, at_start=True))
        self._chores.begin()
        return True

    def step(self) -> bool:
        """Do what can be done now; True when something happened.

        Raises:
            RelayStorageError: the storage failed. Nothing is lost; call again later.
        """
        try:
            return self._act()
        finally:
            # Not at the end: then nobody is told any more that something waits.
            if self._serving:
                self._crew.desk.tell()

    def _act(self) -> bool:
        if self._crew.upkeep.due:
            self._chores.do(self._pauses.trouble)
            if self._crew.upkeep.lost_to is not None:
                self._stopping = True
        acted = self._crew.publisher.retry() | self._crew.burial.go_on()
        acted |= self._crew.runner.watch()
        try:
            if not self._stopping and self._crew.upkeep.may_take_in:
                acted |= self._crew.reception.take_in()
        finally:
            # What is ready starts, also when the storage failed somewhere else.
            acted |= self._crew.runner.start_ready()
        if acted:
            self._crew.pace.acted()
        return acted

    def run(self) -> None:
        """Serve until :meth:`stop`; a failing storage is waited for, never an end.

        Raises:
            RelayBusyError: another daemon has taken over; what ran here was let end first.
        """
        self._chores.announce(stays=True)
        try:
            while not self._stopping:
                self._turn()
        finally:
            # Also after a defect of ours: commands end, requests get their answers, the lease is free.
            self.finish()

    def drain(self) -> None:
        """Serve until nothing is left to do but wait for people, then end.

        Raises:
            RelayBusyError: another daemon has taken over; what ran here was let end first.
            RelayStorageError: the storage failed again and again; what waits is left for the next visit.
        """
        self._chores.announce(stays=False)
        while not self._stopping and (self._turn() or self._busy or self._pauses.may_recover):
            pass
        failure = None if self._stopping else self._pauses.failure
        self.finish()
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Begin to end: no new work. Safe to call from a signal handler."""
        self._stopping = True

    def finish(self) -> None:
        """Give back what never started, end what runs and answer for it, and hand over.

        Raises:
            RelayBusyError: the end came because another daemon has taken over.
        """
        self._stopping = True
        if not self._serving:
            return
        self._serving = False
        self._decisions.close()
        self._whatever(self._crew.reception.give_back)
        if self._crew.upkeep.lost_to is None:
            self._crew.runner.end_all()
        self._crew.notices.close()
        deadline = self._clock.monotonic() + STOP_WITHIN_S
        while not (self._crew.runner.idle and not self._crew.publisher.held):
            # A daemon that was taken for dead has no say over the queue, but its commands may end.
            if self._crew.upkeep.lost_to is None and self._clock.monotonic() >= deadline:
                self._audit.warn("stopped-late", running=len(self._crew.runner.running))
                break
            self._turn()
        self._chores.end()
        self._whatever(self._crew.heart.stop)
        if self._crew.upkeep.lost_to is not None:
            raise busy(self._storage, self._crew.upkeep.lost_to, self._clock)
        self._crew.grants.close()
        if not self._storage.shared:
            self._whatever(partial(self._storage.remove, "pid"))
        for give_back in self._crew.holds:
            self._whatever(give_back)
        self._whatever(partial(self._storage.reserve, 0))
        self._audit.note("stopped")

    def _move_in(self) -> None:
        lay_out(self._storage)
        if not self._storage.shared:
            pid = self._crew.tokens.me.rsplit("-", 3)[1]
            self._whatever(lambda: self._storage.put("pid", f"{pid}\n".encode()))

    def _whatever(self, act: Callable[[], None]) -> None:
        """One of several steps; the others are taken also when the storage refuses this one."""
        try:
            act()
        except RelayStorageError as exc:
            self._audit.warn("storage-failed", error=exc)

    @property
    def _busy(self) -> bool:
        return self._crew.burial.busy or not self._crew.runner.idle

    def _turn(self) -> bool:
        """One step, and a pause when there was nothing to do or the storage failed."""
        acted = False
        try:
            with self._audit.together():
                acted = self.step()
            self._pauses.went_well()
        except RelayStorageError as exc:
            if self._pauses.went_wrong(exc):
                self._audit.warn("storage-failed", error=exc)
        if not acted:
            wake = () if self._wake is None or self._stopping else (self._wake,)
            self._pauses.pause(wake)
        return acted
