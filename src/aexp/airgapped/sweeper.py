"""Clean-up of what is older than a week, in small slices (the rules: :mod:`aexp.domain.retention`)."""

import datetime as dt
from collections.abc import Iterable, Iterator

from aexp.airgapped.audit import Audit
from aexp.airgapped.locks import Locks
from aexp.domain import retention
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.layout import SWEEP
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

EVERY_S = 3600.0
MAX_LEDGER_BYTES = 32 << 20
SLICE = 64
"""Deletions at one step."""
LOCK = "sweep"


class Sweeper:
    """Once an hour notes what is new and deletes what has been there for longer than the retention.

    Args:
        locks: keep two daemons from writing one ledger.
    """

    def __init__(self, storage: QueueStorage, clock: Clock, audit: Audit, locks: Locks) -> None:
        self._locks = locks
        self._storage = storage
        self._clock = clock
        self._audit = audit
        self._due = float("-inf")
        self._work: Iterator[None] | None = None

    def step(self) -> None:
        """Do a slice of the work, if there is any."""
        now = self._clock.monotonic()
        if self._work is None:
            if now < self._due:
                return
            self._due = now + EVERY_S
            if not self._locks.try_for(LOCK):
                return
            self._work = self._sweep()
        try:
            over = next(self._work, "over") == "over"
        except BaseException:
            self._end()
            raise
        if over:
            self._end()

    def _end(self) -> None:
        self._work = None
        self._locks.let_go(LOCK)

    def _sweep(self) -> Iterator[None]:
        today = dt.datetime.fromtimestamp(self._clock.wall(), dt.UTC).date()
        ledgers = self._storage.list(SWEEP)
        for day in retention.due(ledgers, today):
            yield from self._delete(f"{SWEEP}/{day}")
        new: set[str] = set()
        shared = self._storage.shared
        for folder in retention.SWEPT_SHARED if shared else retention.SWEPT:
            new.update(f"{folder}/{entry}" for entry in self._storage.list(folder))
            yield
        for day in retention.current(self._storage.list(SWEEP), today):
            # Names are taken away, not collected: a ledger that somebody filled costs no memory.
            new.difference_update(self._names(f"{SWEEP}/{day}"))
            yield
        if new:
            self._storage.append(retention.ledger(today), retention.entry(sorted(new)))

    def _delete(self, ledger: str) -> Iterator[None]:
        files = 0
        for files, name in enumerate(self._names(ledger), start=1):
            self._remove(name)
            if files % SLICE == 0:
                yield
        self._remove(ledger)
        self._audit.note("swept", files=files, ledger=ledger)
        yield

    def _names(self, ledger: str) -> Iterable[str]:
        try:
            return retention.lines(self._storage.read(ledger, limit=MAX_LEDGER_BYTES))
        except (StorageMissingError, StorageUnfitError) as exc:
            self._audit.warn("ledger-unreadable", error=exc)
            return []

    def _remove(self, name: str) -> None:
        try:
            self._storage.remove(name)
        except StorageUnfitError as exc:
            # A folder, say: not ours to delete, and no reason to keep the rest.
            self._audit.warn("not-swept", error=exc)
