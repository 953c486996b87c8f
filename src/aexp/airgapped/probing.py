"""The ground of a check-up, and the checks that try a promise of the storage on a file of their own."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

from aexp.airgapped.inspection import DaemonView, daemon_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.checkup import Finding, fail, ok
from aexp.domain.errors import RelayStorageError
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.node_facts import NodeFacts
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

_ELSEWHERE = (
    "The relay needs a filesystem that keeps this: name a queue on another one with --queue."
)


@dataclass(frozen=True)
class Ground:
    """What the checks look at, and with what."""

    queue: RelayQueue
    clock: Clock
    processes: Processes
    filesystem: Filesystem
    node: NodeFacts

    @property
    def storage(self) -> QueueStorage:
        """The queue's storage."""
        return self.queue.storage

    @property
    def there(self) -> bool:
        """Whether there is a queue to look into; looking must not make one."""
        folder = self.storage.folder
        return folder is None or self.filesystem.kind(folder) is not None

    @cached_property
    def daemon(self) -> DaemonView:
        """Who serves."""
        return daemon_view(self.queue, self.clock, self.processes)

    @cached_property
    def serves_here(self) -> bool | None:
        """Whether the serving daemon runs on this node; None when none serves, or nothing can be read."""
        try:
            beat = self.queue.beat()
            up = beat is not None and self.daemon.up
        except RelayStorageError:
            # Told by the check of the daemon; what is asked here has other reasons to fail.
            return None
        return self.queue.is_alive(beat) is not None if beat is not None and up else None

    @property
    def may_serve(self) -> bool:
        """Whether what a daemon needs matters here: one runs here, or could."""
        here = self.serves_here
        return self.node.has_git() if here is None else here


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        look: gives the finding; None when there is nothing to look at here.
        fix: what helps when looking itself fails and the error does not say it.
    """

    name: str
    look: Callable[[Ground, str], Finding | None]
    fix: str = "Check the path and the mount: `ls -ld`, `df`."


@contextmanager
def scratch(ground: Ground) -> Iterator[str]:
    """A name for a file of this check alone; whatever happens, it and what it is moved to are removed."""
    # What a killed check-up leaves there is swept with the rest.
    made = f"{layout.SCRATCH}/doctor-{os.urandom(16).hex()}"
    with ExitStack() as removals:
        for name in (made, _moved(made), _late(made)):
            removals.callback(ground.storage.remove, name)
        yield made


def _moved(name: str) -> str:
    return f"{name}.moved"


def _late(name: str) -> str:
    return f"{name}.late"


def _seen(ground: Ground, name: str) -> bool:
    folder, _, entry = name.rpartition("/")
    return entry in ground.storage.list(folder)


def _probe(act: Callable[[Ground, str], str | None], told: str) -> Check:
    """A check that tries one promise of the storage on a file of its own.

    Args:
        act: tries it on the name that it is given; gives what went wrong, None when nothing did.
        told: what is true when nothing did.
    """

    def look(ground: Ground, name: str) -> Finding | None:
        if not ground.there:
            return None
        with scratch(ground) as made:
            started = ground.clock.monotonic()
            wrong = act(ground, made)
            took_ms = (ground.clock.monotonic() - started) * 1000
        return fail(name, wrong, _ELSEWHERE) if wrong else ok(name, f"{told} ({took_ms:.1f} ms)")

    return Check(act.__name__.lstrip("_"), look)


def _create(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    if not _seen(ground, made):
        return "a file that was just made is not in the listing of its folder"
    return None


def _exclusive(ground: Ground, made: str) -> str | None:
    first = ground.storage.put_new(made, b"first")
    second = ground.storage.put_new(made, b"second")
    if not first or second or ground.storage.read(made) != b"first":
        return "two who make the same file are both told that they made it"
    return None


def _move(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    first = ground.storage.take(made, _moved(made))
    # To another name: what lies at the first one would be taken for a move whose reply was lost.
    second = ground.storage.take(made, _late(made))
    if not first or second or _seen(ground, made) or not _seen(ground, _moved(made)):
        return "a file that is moved does not go from one name to the other in one step"
    return None


def _remove(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    ground.storage.remove(made)
    return "a file that was removed is still listed" if _seen(ground, made) else None


PROBES = (
    _probe(_create, "a new file is in the listing at once"),
    _probe(_exclusive, "of two who make one file, one wins"),
    _probe(_move, "a move has one winner"),
    _probe(_remove, "what is removed is gone at once"),
)
