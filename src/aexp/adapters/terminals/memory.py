"""Terminals in memory, for tests: a job does what the test says when it starts."""

from collections.abc import Callable
from dataclasses import replace

from aexp.domain.errors import RelayStartError
from aexp.ports.terminals import Job, Pane, Terminals


class MemoryTerminals(Terminals):
    """See the module.

    Args:
        on_start: called with the job's pane; returns how it stands a moment later.
        available: whether this machine has what it takes.
    """

    def __init__(
        self, on_start: Callable[[Pane], Pane] = lambda pane: pane, *, available: bool = True
    ) -> None:
        self._on_start = on_start
        self._available = available
        self.panes: dict[str, Pane] = {}
        self.jobs: list[Job] = []
        self.words: dict[str, list[str]] = {}

    @property
    def available(self) -> bool:
        return self._available

    def start(self, name: str, job: Job) -> Pane:
        if not self._available:
            raise RelayStartError("There are no terminals here.", "Do without.")
        there = self.panes.get(name)
        if there is not None and not there.over:
            return there
        self.jobs.append(job)
        key = f"%{len(self.jobs)}"
        self.words[key] = []
        self.panes[name] = self._on_start(Pane(key, pid=1000 + len(self.jobs)))
        return self.panes[name]

    def look(self, name: str) -> Pane | None:
        return self.panes.get(name)

    def said(self, pane: Pane) -> list[str]:
        return self.words.get(pane.key, [])[-50:]

    def tidy(self, name: str) -> None:
        if name in self.panes and self.panes[name].over:
            del self.panes[name]

    def way_in(self, name: str) -> str:
        return f"look at {name}"

    def way_back(self) -> str:
        return "look away"

    def over(self, name: str, status: int | None, *words: str) -> None:
        """The job ends with this status, its last words printed."""
        self.panes[name] = replace(self.panes[name], over=True, status=status)
        self.words[self.panes[name].key] += words
