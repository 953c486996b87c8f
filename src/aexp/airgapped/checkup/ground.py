"""What the checks look at and with what, and what a check is."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aexp.airgapped.inspection import DaemonView, daemon_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.errors import AexpError, RelayStorageError
from aexp.domain.findings import Finding
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.login_node import LoginNode
from aexp.ports.node_facts import NodeFacts
from aexp.ports.post import Post, Posted
from aexp.ports.processes import Processes
from aexp.ports.remotes import Remotes
from aexp.ports.storage import QueueStorage

Found = Finding | Sequence[Finding] | None


@dataclass(frozen=True)
class Copy:
    """The folder whose remotes are looked at.

    Attributes:
        named: whether a person named it; else it is the current one, which need not be a working copy.
    """

    cwd: Path
    named: bool


@dataclass(frozen=True)
class Ground:
    """What the checks look at, and with what.

    Attributes:
        post_of: where the daemon of this queue stands on this node.
        login_of: this node as a daemon of it sees it: that one, or one that is started now.
        remotes_of: the same for what it can reach.
        shown: takes secrets out of a text.
    """

    queue: RelayQueue
    clock: Clock
    processes: Processes
    filesystem: Filesystem
    node: NodeFacts
    post_of: Callable[[], Post]
    login_of: Callable[[Posted | None], LoginNode]
    remotes_of: Callable[[Posted | None], Remotes]
    copy: Copy
    shown: Callable[[str], str]

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
        if self.storage.shared and up:
            return any(self.queue.is_alive(one) for one in self.queue.own_beats())
        return self.queue.is_alive(beat) is not None if beat is not None and up else None

    @cached_property
    def at_post(self) -> Posted | AexpError | None:
        """Who stands at this node's post; the error when that cannot be seen."""
        # A beat may name any process. Programs are run with what its environment says, so it does not count.
        try:
            return self.post_of().who()
        except AexpError as exc:
            return exc

    @property
    def posted(self) -> Posted | None:
        """The daemon whose environment counts; None when that of this shell does."""
        found = self.at_post
        return found if isinstance(found, Posted) and found.environ else None

    @cached_property
    def login(self) -> LoginNode:
        """This node as a daemon sees it."""
        return self.login_of(self.posted)

    @cached_property
    def remotes(self) -> Remotes:
        """What a daemon of this node can reach."""
        return self.remotes_of(self.posted)

    @property
    def may_serve(self) -> bool:
        """Whether what a daemon needs matters here: one runs here, or could."""
        here = self.serves_here
        return self.login.has_git() if here is None else here

    @cached_property
    def server_ahead_s(self) -> float | None:
        """Seconds by which this node's clock is ahead of the file server's; None without such a server."""
        folder = self.storage.folder
        if folder is None or not self.there:
            return None
        with scratch(self) as made:
            self.storage.put_new(made, b"doctor")
            return self.clock.wall() - self.node.changed_at(os.path.join(folder, made))


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        look: gives the finding, or several; None when there is nothing to look at here.
        fix: what helps when looking itself fails and the error does not say it.
        limit_s: seconds that it may take, once the queue says who serves; None for the limit of all.
    """

    name: str
    look: Callable[[Ground, str], Found]
    fix: str = "Check the path and the mount: `ls -ld`, `df`."
    limit_s: float | None = None


@contextmanager
def scratch(ground: Ground) -> Iterator[str]:
    """A name for a file of this check alone; whatever happens, it and what it is moved to are removed."""
    # What a killed check-up leaves there is swept with the rest.
    made = f"{layout.SCRATCH}/doctor-{os.urandom(16).hex()}"
    with ExitStack() as removals:
        for name in (made, moved(made), late(made)):
            removals.callback(ground.storage.remove, name)
        yield made


def moved(name: str) -> str:
    """The name that it is moved to."""
    return f"{name}.moved"


def late(name: str) -> str:
    """The name that a second one tries to move it to."""
    return f"{name}.late"
