"""The audit trail in this process's memory: for tests and simulations."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from aexp.adapters.clock.system import SystemClock
from aexp.domain.chain import FIRST, Entry, digest_of, moment
from aexp.ports.clock import Clock
from aexp.ports.journal import Head, Journal


class MemoryJournal(Journal):
    """Every instance is a trail of its own.

    Attributes:
        lines: the lines so far, without their ends.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.lines: list[bytes] = []

    def record(self, event: str, request_id: str, facts: Mapping[str, object]) -> None:
        head = self.head
        at = moment(self._clock.wall())
        entry = Entry(head.count + 1, at, event, request_id, facts, head.digest or FIRST)
        self.lines.append(entry.to_line())

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def settle(self) -> None:
        pass

    @property
    def head(self) -> Head:
        return Head(len(self.lines), digest_of(self.lines[-1]) if self.lines else "")

    @property
    def entries(self) -> list[Entry]:
        """The lines, read back."""
        return [Entry.from_line(line) for line in self.lines]
