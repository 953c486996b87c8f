"""The remotes of a working copy, asked from the same private git directories as a daemon's operations."""

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aexp.adapters.workshop.login import LoginWorkshop
from aexp.domain.checkup.remotes import MOST_ASKED, Reply
from aexp.domain.destinations import Destination
from aexp.domain.failures import LOOK_BYTES
from aexp.domain.validation import working_copy
from aexp.ports.executor import Execution
from aexp.ports.pins import Pins
from aexp.ports.remotes import Remotes
from aexp.ports.workshop import Order, Survey

LIMIT_S = 6.0
_READ_BYTES = 64 * 1024


class HouseRemotes(Remotes):
    """Makes a workshop for each question, and takes it down again.

    Args:
        home: the resolved home.
        workshop: makes one.
        pins: what is remembered on this node.
    """

    def __init__(
        self, home: str, workshop: Callable[[], LoginWorkshop], pins: Callable[[], Pins]
    ) -> None:
        self._home = Path(home)
        self._workshop = workshop
        self._pins = pins

    def survey(self, cwd: Path) -> Survey | None:
        if not os.path.lexists(working_copy(cwd, self._home, os.path.lexists) / ".git"):
            return None
        with self._opened() as workshop:
            return workshop.survey(Order("", "git_fetch", (), cwd))

    def known(self, root: Path) -> Sequence[Destination]:
        return self._pins().known(root)

    def ask(self, cwd: Path, destinations: Sequence[Destination]) -> Sequence[Reply]:
        with self._opened() as workshop, ExitStack() as running:
            asked = []
            for one in destinations[:MOST_ASKED]:
                execution = workshop.ask(cwd, one)
                running.callback(execution.close)
                running.callback(execution.kill)
                asked.append(_Asked(execution))
            return _replies(asked, workshop)

    @contextmanager
    def _opened(self) -> Iterator[LoginWorkshop]:
        workshop = self._workshop()
        try:
            yield workshop
        finally:
            workshop.close()


class _Asked:
    """A question that was put, and what has been heard so far."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._started = time.monotonic()
        self._said = b""
        self.status: int | None = None
        self.took_s = 0.0

    def look(self) -> None:
        """Take in what there is."""
        if self.status is not None:
            return
        self.status = self._execution.poll()
        self.took_s = time.monotonic() - self._started
        while data := self._execution.read(_READ_BYTES):
            self._said = (self._said + data)[-LOOK_BYTES:]
            if self.status is None:
                break

    @property
    def reply(self) -> Reply:
        """What it has come to."""
        return Reply(self.status, self._said, self.took_s)


def _replies(asked: Sequence[_Asked], workshop: LoginWorkshop) -> list[Reply]:
    until = time.monotonic() + LIMIT_S
    while any(one.status is None for one in asked):
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        select.select(workshop.descriptors(), [], [], min(left_s, 0.5))
        for one in asked:
            one.look()
    return [one.reply for one in asked]
