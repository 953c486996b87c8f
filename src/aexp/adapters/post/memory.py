"""A post in memory, for tests: what stands there lives and dies as the test says."""

from dataclasses import dataclass, field

from aexp.adapters.processes import FakeProcesses
from aexp.ports.post import Post, Posted


@dataclass
class Ground:
    """One machine's memory of who stands there; every :class:`MemoryPost` of a queue shares one.

    Attributes:
        posted: who does.
        stubborn: whether it does not end when it is asked to.
    """

    posted: Posted | None = None
    stubborn: bool = False
    signals: list[str] = field(default_factory=list)


class MemoryPost(Post):
    """See the module.

    Args:
        ground: what it shares with the others.
        processes: the machine, and who this process is on it.
    """

    def __init__(self, ground: Ground, processes: FakeProcesses) -> None:
        self._ground = ground
        self._processes = processes

    def take(self) -> bool:
        if self._ground.posted is None:
            self._ground.posted = Posted(self._processes.me)
        return self._ground.posted.process == self._processes.me

    def leave(self) -> None:
        if self._ground.posted is not None and self._ground.posted.process == self._processes.me:
            self._ground.posted = None

    def who(self) -> Posted | None:
        return self._ground.posted

    def end(self, posted: Posted, *, force: bool = False) -> bool:
        if self._ground.posted is None or self._ground.posted.process != posted.process:
            return False
        self._ground.signals.append("kill" if force else "term")
        if force or not self._ground.stubborn:
            self._processes.dead.add(str(posted.process))
            self._ground.posted = None
        return True
