"""``python -m tests.load.daemon URL HOME RUNS MILLISECONDS``: one daemon whose commands are played."""

import os
import random
import signal
import sys
from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.executor.recording import Plan, RecordedExecution, RecordingExecutor
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.notifier.recording import RecordingNotifier
from aexp.adapters.pins.memory import MemoryPins
from aexp.adapters.processes import ProcProcesses
from aexp.adapters.workshop.recording import PlainWorkshop
from aexp.airgapped import RelayDaemon, open_queue
from aexp.airgapped.defaults import cwd_policy
from aexp.domain.limits import Limits
from aexp.ports.executor import Command, Execution


class NotingExecutor(RecordingExecutor):
    """Notes each start in a file before anything else: the note outlives a killed daemon.

    Args:
        runs: the file; each note is one write, so that several daemons may share it.
        duration_s: seconds that a command takes, about.
    """

    def __init__(self, clock: SystemClock, runs: Path, duration_s: float) -> None:
        super().__init__(clock, lambda _: Plan(b"played\n", duration_s=duration_s * self._dice()))
        self._runs = os.open(runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _dice(self) -> float:
        return random.uniform(0.5, 1.5)  # noqa: S311

    def start(self, command: Command) -> Execution:
        os.write(self._runs, f"{command.request_id} {os.getpid()}\n".encode())
        execution = super().start(command)
        # Nobody asks what ended long ago, and there are thousands.
        self.executions = [one for one in self.executions if self._is_going_on(one)]
        return execution

    def _is_going_on(self, execution: RecordedExecution) -> bool:
        return execution.poll() is None


def main() -> None:
    """Serve until a signal comes."""
    url, home, runs, milliseconds = sys.argv[1:]
    clock, filesystem = SystemClock(), LocalFilesystem()
    storage = open_queue(url, clock)
    daemon = RelayDaemon(
        storage=storage,
        executor=NotingExecutor(clock, Path(runs), float(milliseconds) / 1000),
        decisions=MarkerDecisions(storage),
        notifier=RecordingNotifier(),
        clock=clock,
        processes=ProcProcesses(),
        workshop=PlainWorkshop(filesystem, Path(home)),
        pins=MemoryPins(),
        grants=MemoryGrants(),
        policy=cwd_policy(filesystem, storage.folder, frozenset()),
        limits=Limits(),
    )
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    daemon.start()
    sys.stdout.write("serves\n")
    sys.stdout.flush()
    daemon.run()


if __name__ == "__main__":
    main()
