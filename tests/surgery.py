"""A queue, a node and a login node about which all is known and well, for the tests of the check-up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.post.memory import Ground as PostGround
from aexp.adapters.post.memory import MemoryPost
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped.checkup.ground import Copy, Ground
from aexp.airgapped.doctor import examine
from aexp.airgapped.heart import Heart
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.checkup.agent import Agent
from aexp.domain.checkup.filesystem import Mounted
from aexp.domain.checkup.git import OwnGit
from aexp.domain.checkup.log_out import LogOut
from aexp.domain.checkup.remotes import Reply
from aexp.domain.checkup.space import Quota, Space, Usage
from aexp.domain.checkup.wandb import Wandb
from aexp.domain.destinations import Destination
from aexp.domain.findings import Finding, Unknown
from aexp.domain.git_setting import Setting
from aexp.ports.login_node import LoginNode
from aexp.ports.node_facts import NodeFacts
from aexp.ports.post import Posted
from aexp.ports.remotes import Remotes
from aexp.ports.workshop import Survey

FOLDER = "/home/ada/.relay"
ROOT = Path("/home/ada/thesis")
ORIGIN = (
    Destination("origin", "fetch", "https://host/x.git"),
    Destination("origin", "push", "https://host/x.git"),
)


class FolderStorage(MemoryStorage):
    """A queue in memory that says it lies in a folder."""

    distrust: str | None = None

    @property
    def folder(self) -> str | None:
        return FOLDER

    @property
    def url(self) -> str:
        return FOLDER

    def untrusted(self, folders: Sequence[str]) -> str | None:
        assert set(folders) >= set(layout.FOLDERS)
        return self.distrust


class Files:
    """A filesystem on which the queue's folder stands or not."""

    there = True

    def kind(self, path: str) -> str | None:
        return "directory" if self.there else None


@dataclass
class Node(NodeFacts):
    """A node about which all is known and well."""

    clock: ManualClock
    mount: Mounted | None = field(default_factory=lambda: Mounted("ext4", frozenset({"rw"})))
    room: Space | OSError = field(default_factory=lambda: Space(1 << 40, 1 << 20))
    share: Quota | Unknown = field(default_factory=lambda: Quota(Usage(1 << 30), Usage(1000)))
    server_behind_s: float = 0.0
    beat_written: Callable[[], float] | None = None

    def mounted(self, path: str) -> Mounted | None:
        return self.mount

    def space(self, path: str) -> Space:
        if isinstance(self.room, OSError):
            raise self.room
        return self.room

    def quota(self, path: str) -> Quota | Unknown:
        return self.share

    def changed_at(self, path: str) -> float:
        if path == f"{FOLDER}/heartbeat":
            assert self.beat_written is not None
            return self.beat_written()
        assert path.startswith(f"{FOLDER}/tmp/")
        return self.clock.wall() - self.server_behind_s


@dataclass
class Login(LoginNode):
    """The same for what a daemon needs."""

    version: str | Exception = "git version 2.47.1 (/usr/bin/git)"
    found_git: bool = True
    settings: tuple[Setting, ...] | Exception = (Setting("user.email", "ada@example.org"),)
    environ: dict[str, str] = field(default_factory=dict)
    found_lfs: str | None = "/usr/bin/git-lfs"
    socket: Agent | None = field(default_factory=lambda: Agent("/run/agent", keys=1))
    found_wandb: Wandb = field(default_factory=Wandb)
    after: LogOut = field(default_factory=lambda: LogOut(kills=False, screen="tmux"))
    pid: int | None = None

    @property
    def whose(self) -> str:
        return "in this shell"

    def has_git(self) -> bool:
        return self.found_git

    def git(self) -> str:
        if isinstance(self.version, Exception):
            raise self.version
        return self.version

    def own_git(self) -> OwnGit:
        if isinstance(self.settings, Exception):
            raise self.settings
        return OwnGit(self.settings, self.environ, "/home/ada")

    def lfs(self) -> str | None:
        return self.found_lfs

    def agent(self) -> Agent | None:
        return self.socket

    def wandb(self) -> Wandb:
        return self.found_wandb

    def log_out(self) -> LogOut:
        return self.after


@dataclass
class Hosts(Remotes):
    """Remotes that answer, and a memory of where the working copy leads.

    Attributes:
        asked: every destination that was contacted.
    """

    configured: tuple[Destination, ...] = ORIGIN
    pins: tuple[Destination, ...] = ORIGIN
    is_copy: bool = True
    refusal: Exception | None = None
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[Destination] = field(default_factory=list)

    def survey(self, cwd: Path) -> Survey | None:
        if self.refusal is not None:
            raise self.refusal
        return Survey(ROOT, configured=self.configured) if self.is_copy else None

    def known(self, root: Path) -> Sequence[Destination]:
        assert root == ROOT
        return self.pins

    def ask(self, cwd: Path, destinations: Sequence[Destination]) -> Sequence[Reply]:
        self.asked += destinations
        return [self.replies.get(one.url, Reply(0, b"", 0.1)) for one in destinations]


class Surgery:
    """A queue, a node and what a check-up says of them; the daemon's node is ``login1``."""

    def __init__(self, storage: FolderStorage | None = None, host: str = "login1") -> None:
        self.clock = ManualClock()
        self.storage = storage or FolderStorage(self.clock)
        self.node, self.login, self.hosts = Node(self.clock), Login(), Hosts()
        self.files = Files()
        self.processes = FakeProcesses(host)
        self.named = False
        self.standing = PostGround()
        self.post = MemoryPost(self.standing, self.processes)

    def serve(self, **news: Any) -> FakeProcesses:
        """A daemon on ``login1`` beats, once, and stands at its post there."""
        daemon = FakeProcesses("login1", pid=7)
        facts = {"host": "login1", "pid": 7, "consent": "login"}
        Heart(self.storage, str(daemon.me), facts, self.clock).beat(**news)
        if self.processes.me.host == daemon.me.host:
            self.standing.posted = Posted(daemon.me, environ={"PATH": "/usr/bin"})
        return daemon

    def ground(self) -> Ground:
        """What a check-up looks at."""
        queue = RelayQueue(self.storage, self.processes, self.clock)

        def login_of(posted: Posted | None) -> Login:
            self.login.pid = posted.process.pid if posted else None
            return self.login

        return Ground(
            queue,
            self.clock,
            self.processes,
            self.files,  # type: ignore[arg-type]
            self.node,
            lambda: self.post,
            login_of,
            lambda _: self.hosts,
            Copy(ROOT, self.named),
            lambda text: text.replace("hunter2", "[redacted]"),
        )

    def all(self, guard: Any = None) -> list[Finding]:
        """Every finding."""
        return [*examine(self.ground(), guard)]

    def findings(self, guard: Any = None) -> dict[str, Finding]:
        """The last finding of each check."""
        return {found.name: found for found in self.all(guard)}

    def of(self, name: str) -> list[Finding]:
        """Every finding of one check."""
        return [found for found in self.all() if found.name == name]


def told(finding: Finding) -> tuple[str, str, str]:
    """A finding as it is shown."""
    return str(finding.level), finding.what, finding.fix
