"""The whole relay in one thread and in virtual time, for the tests of its behaviour."""

import os
from collections.abc import Callable
from pathlib import Path

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.executor.recording import Plan, RecordingExecutor
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.notifier.recording import RecordingNotifier
from aexp.adapters.notifier.together import NotifiersTogether
from aexp.adapters.pins.memory import MemoryPins
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.workshop.recording import PlainWorkshop
from aexp.airgapped import RelayClient, RelayDaemon
from aexp.airgapped.audit import Audit
from aexp.airgapped.defaults import cwd_policy
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout, wire
from aexp.domain.limits import Limits
from aexp.domain.requests import Response
from aexp.ports.consent import Decisions, Granting
from aexp.ports.executor import Command
from aexp.ports.storage import QueueStorage


class People(MarkerDecisions):
    """Decisions by file, and people whose grants the daemon hears.

    Attributes:
        granting: what they talk to, once a daemon was made.
        hears: whether the mode lets them.
    """

    granting: Granting
    hears = True

    def hears_grants(self, granting: Granting) -> bool:
        self.granting = granting
        return self.hears


class World:
    """A queue in memory, a clock that the test owns, a daemon on ``login1`` and a client on ``gpu7``.

    Time passes when a client waits or the test says so; each time the daemon takes its turn.

    Args:
        home: a real folder that stands for the shared home; it must be ``$HOME`` as well.
        plan: how each command goes.
    """

    def __init__(
        self,
        home: Path,
        plan: Callable[[Command], Plan] | None = None,
        storage: QueueStorage | None = None,
        clock: ManualClock | None = None,
        limits: Limits | None = None,
        strict: bool = False,
    ) -> None:
        self.home = home
        self.clock = clock or ManualClock()
        self.storage = storage or MemoryStorage(self.clock)
        self.executor = RecordingExecutor(self.clock, plan)
        self.filesystem = LocalFilesystem()
        self.workshop = PlainWorkshop(self.filesystem, home)
        self.pins = MemoryPins()
        self.grants = MemoryGrants()
        self.people = People(self.storage)
        self.audit: Audit | None = None
        self.told = RecordingNotifier()
        self.limits = limits or Limits(pending=20_000, pending_per_copy=20_000)
        self.strict = strict
        self.login = FakeProcesses("login1")
        self.gpu = FakeProcesses("gpu7")
        self.repo = home / "repo"
        (self.repo / ".git").mkdir(parents=True, exist_ok=True)
        self.queue = RelayQueue(self.storage, self.gpu, self.clock)
        self.daemon: RelayDaemon | None = None

    def new_daemon(self, processes: FakeProcesses | None = None) -> RelayDaemon:
        """A daemon that has not been started."""
        return RelayDaemon(
            storage=self.storage,
            executor=self.executor,
            decisions=self._people(),
            notifier=NotifiersTogether(
                {"log": ConsentLogNotifier(self.storage, self.clock), "told": self.told},
                self.clock,
                Audit().warn,
            ),
            clock=self.clock,
            processes=processes or self.login,
            workshop=self.workshop,
            pins=self.pins,
            grants=self.grants,
            audit=self.audit,
            limits=self.limits,
            strict=self.strict,
            policy=cwd_policy(self.filesystem, self.storage.folder, frozenset()),
        )

    def _people(self) -> Decisions:
        self.people = People(self.storage)
        return self.people

    def serve(self, processes: FakeProcesses | None = None) -> RelayDaemon:
        """Start a daemon that takes a turn whenever time passes."""
        daemon = self.new_daemon(processes)
        daemon.start()
        self.clock.tick = daemon.step
        self.daemon = daemon
        return daemon

    def kill(self, processes: FakeProcesses | None = None) -> FakeProcesses:
        """The daemon's process is gone, without a word. Returns the machine for the next one."""
        machine = processes or self.login
        self.clock.tick = None
        self.daemon = None
        after = FakeProcesses("login1", pid=machine.me.pid + 1)
        after.dead.add(str(machine.me))
        self.login = after
        return after

    def client(self, cwd: Path | None = None, timeout: float = 60.0) -> RelayClient:
        """A client on the compute node."""
        return RelayClient(
            queue=self.storage,
            cwd=cwd or self.repo,
            default_timeout=timeout,
            clock=self.clock,
            filesystem=self.filesystem,
            processes=self.gpu,
        )

    def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass in small steps, each with the daemon's turn."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def leave(self, request_id: str, body: object, *, raw: bytes | None = None) -> None:
        """Leave a file in the inbox, as a client that is not ours would."""
        data = wire.encode(body) if raw is None and isinstance(body, dict) else raw
        self.storage.put(layout.inbox(request_id), data or b"")

    def answer(self, request_id: str) -> Response:
        """The answer, which must be there."""
        found = self.queue.answer(request_id)
        assert found is not None, f"no answer to {request_id}"
        return found

    def names(self, folder: str) -> list[str]:
        """The entries of a folder of the queue, sorted."""
        return sorted(self.storage.list(folder))

    @property
    def ran(self) -> list[str]:
        """The operations that were started, each with its arguments."""
        return [
            " ".join([command.op, *(command.survey.args if command.survey else ())])
            for command in self.executor.commands
        ]


def executable(path: Path, text: str) -> Path:
    """A script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.chmod(path, 0o700)
    return path
