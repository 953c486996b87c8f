"""A notifier that tells nobody, and remembers what it would have said."""

from collections.abc import Collection, Sequence

from aexp.domain.notices import Notice
from aexp.ports.notifier import Notifier


class RecordingNotifier(Notifier):
    """Shipped for tests of programs that run the daemon themselves.

    Attributes:
        told: what was told, in order.
        waiting: how many waited in the last turn; 0 once it is closed.
        counts: each number of waiting requests that differed from the one before.
    """

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.waiting = 0
        self.counts: list[int] = []
        self._fresh: list[Notice] = []

    def consent_needed(self, notice: Notice) -> None:
        self._fresh.append(notice)

    def turn(self, waiting: Collection[str]) -> None:
        self.told += [one for one in self._fresh if one.request_id in waiting]
        self._fresh = []
        self._count(len(waiting))

    def descriptors(self) -> Sequence[int]:
        return ()

    def close(self) -> None:
        self._count(0)

    def _count(self, waiting: int) -> None:
        if waiting != self.waiting:
            self.waiting = waiting
            self.counts.append(waiting)
