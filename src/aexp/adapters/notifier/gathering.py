"""What has begun to wait and was not told yet: a flood is told together."""

from collections.abc import Collection

from aexp.domain.notices import Notice
from aexp.ports.clock import Clock

TOLD_EVERY_S = 2.0
"""Seconds between two tellings at least."""


class Gathering:
    """Holds notices back until it is time to tell them, and forgets those that wait no longer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fresh: dict[str, Notice] = {}
        self._due = float("-inf")

    def add(self, notice: Notice) -> None:
        """A request has begun to wait (again)."""
        self._fresh.pop(notice.request_id, None)
        self._fresh[notice.request_id] = notice

    def due(self, waiting: Collection[str]) -> list[Notice]:
        """What is to be told now, the latest last; each is given once."""
        if not self._fresh:
            return []
        self._fresh = {one: told for one, told in self._fresh.items() if one in waiting}
        now = self._clock.monotonic()
        if not self._fresh or now < self._due:
            return []
        self._due = now + TOLD_EVERY_S
        fresh, self._fresh = [*self._fresh.values()], {}
        return fresh
