"""A queue that is served in one process: a daemon in a thread, which runs nothing, and its clients."""

import threading
from collections.abc import Callable
from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.executor.recording import Plan, RecordingExecutor
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.notifier.recording import RecordingNotifier
from aexp.adapters.pins.memory import MemoryPins
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.workshop.recording import PlainWorkshop
from aexp.airgapped import RelayClient, RelayDaemon
from aexp.airgapped.defaults import cwd_policy
from aexp.airgapped.queue import RelayQueue
from aexp.ports.executor import Command
from aexp.ports.storage import QueueStorage
from aexp.testing.contract import Place

PATIENCE_S = 60.0


class ServedQueue:
    """The daemon is on ``login1`` and clients are on ``gpu7``; time is the machine's.

    Args:
        home: a folder that is ``$HOME`` as well.
        place: where the queue is.

    Attributes:
        plan: how each command goes; by default it succeeds at once and says nothing.
        repo: the folder that clients work in.
    """

    def __init__(self, home: Path, place: Place) -> None:
        self.plan: Callable[[Command], Plan] = lambda _: Plan()
        self.repo = home / "repo"
        (self.repo / ".git").mkdir(parents=True, exist_ok=True)
        self._home = home
        self._place = place
        self._clock = SystemClock()
        self._executor = RecordingExecutor(self._clock, self._planned)
        self._ended: list[FakeProcesses] = []
        self._daemon: RelayDaemon | None = None
        self._thread = threading.Thread()
        self._failure: BaseException | None = None
        self._people: RelayQueue | None = None

    @property
    def people(self) -> RelayQueue:
        """The queue as a person on the login node has it."""
        if self._people is None:
            self._people = RelayQueue(self._place.served(), FakeProcesses("login1"), self._clock)
        return self._people

    @property
    def ran(self) -> list[str]:
        """The operations that were started, each with its arguments."""
        return [
            " ".join([command.op, *(command.survey.args if command.survey else ())])
            for command in self._executor.commands
        ]

    def client(self) -> RelayClient:
        """Another client on the compute node, with a storage of its own."""
        return RelayClient(
            queue=self._place.client(),
            cwd=self.repo,
            default_timeout=PATIENCE_S,
            processes=FakeProcesses("gpu7"),
        )

    def serve(self) -> None:
        """Start a daemon; what it does from then on, it does in a thread of its own."""
        self._daemon = self._new_daemon(self._place.served())
        self._daemon.start()
        self._thread = threading.Thread(target=self._run, args=(self._daemon,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the daemon as a signal would, and wait for that.

        Raises:
            AssertionError: it does not end.
            BaseException: what it failed with before.
        """
        if self._daemon is None:
            return
        self._daemon.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the daemon does not end"
        self._daemon = None
        if self._failure is not None:
            raise self._failure

    def _new_process(self) -> FakeProcesses:
        """Another process on the same machine, on which those before it are gone."""
        process = FakeProcesses("login1", pid=100 + len(self._ended))
        process.dead.update(str(earlier.me) for earlier in self._ended)
        self._ended.append(process)
        return process

    def _planned(self, command: Command) -> Plan:
        return self.plan(command)

    def _run(self, daemon: RelayDaemon) -> None:
        try:
            daemon.run()
        except BaseException as exc:  # noqa: BLE001  # It is raised by end(), in the test's own thread.
            self._failure = exc

    def _new_daemon(self, storage: QueueStorage) -> RelayDaemon:
        filesystem = LocalFilesystem()
        return RelayDaemon(
            storage=storage,
            executor=self._executor,
            decisions=MarkerDecisions(storage),
            notifier=RecordingNotifier(),
            clock=self._clock,
            processes=self._new_process(),
            workshop=PlainWorkshop(filesystem, self._home),
            pins=MemoryPins(),
            grants=MemoryGrants(),
            policy=cwd_policy(filesystem, storage.folder, frozenset()),
        )
