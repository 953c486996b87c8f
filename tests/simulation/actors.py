"""The actors: hosts that serve, clients that ask, people who decide, and a meddler. All seeded."""

import random
from collections.abc import Callable, Collection
from pathlib import Path

from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.pins.memory import MemoryPins
from aexp.adapters.workshop.recording import PlainWorkshop
from aexp.airgapped import RelayDaemon, approval
from aexp.airgapped.defaults import cwd_policy
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.errors import AexpError, RelayBusyError
from aexp.domain.limits import Limits
from aexp.ports.consent import Verdicts
from tests.simulation.commands import SimExecutor
from tests.simulation.disk import NodeStorage
from tests.simulation.nodes import Crash, Host, SimProcess
from tests.simulation.stage import Stage

MOST_TIMES = 3
"""Decisions of one person on one request; then somebody else must."""


class SteadyDecisions(MarkerDecisions):
    """Reads the reasons in a fixed order: that of a set of names changes from one Python to the next."""

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        found = super().collect(waiting, files=files)
        reasons = {
            known: super(SteadyDecisions, self)._reason(known) for known in sorted(found.rejected)
        }
        return Verdicts(found.approved, reasons)

    def _reason(self, request_id: str) -> str:
        return ""


class Server:
    """A login node on which a daemon is started again whenever it has ended, as by a service manager."""

    def __init__(self, stage: Stage, host: Host, files: MemoryFilesystem) -> None:
        self._stage = stage
        self._host = host
        self._files = files

    def live(self) -> None:
        """Serve until the run is over."""
        dice = self._stage.engine.random
        while True:
            process = SimProcess(self._stage, self._host, "daemon")
            busy = self._serve(process)
            process.end()
            pause = dice.uniform(5.0, 30.0) if busy else dice.uniform(0.1, 20.0)
            self._stage.engine.sleep(max(pause, 100 * self._stage.coarse))

    def _serve(self, process: SimProcess) -> bool:
        try:
            daemon = self._daemon(process)
            process.on_stop = daemon.stop
            daemon.start(self._on_standby if self._stage.engine.random.random() < 0.3 else None)
            daemon.run()
        except Crash:
            return False
        except AexpError as exc:
            self._stage.note("daemon ends", type(exc).__name__, exc)
            return True
        self._stage.note("daemon ends", "in good order")
        return False

    def _on_standby(self, who: RelayBusyError) -> None:
        self._stage.note("stands by", who)

    def _daemon(self, process: SimProcess) -> RelayDaemon:
        storage = NodeStorage(self._stage.disk, process)
        policy = cwd_policy(self._files, None, frozenset())
        return RelayDaemon(
            storage=storage,
            executor=SimExecutor(process),
            decisions=SteadyDecisions(storage),
            notifier=ConsentLogNotifier(storage, process),
            clock=process,
            processes=process,
            workshop=PlainWorkshop(self._files, Path(policy.home)),
            pins=MemoryPins(),
            grants=MemoryGrants(),
            policy=policy,
            limits=Limits(pending=1000, pending_per_copy=1000),
        )


class Person:
    """Somebody on a login node who looks at what waits now and then, and decides.

    Args:
        thorough: whether everything that is seen is decided; others leave some of it.
    """

    def __init__(self, stage: Stage, host: Host, *, thorough: bool = False) -> None:
        self._stage = stage
        process = SimProcess(stage, host, "person")
        self._clock = process
        self._queue = RelayQueue(NodeStorage(stage.disk, process), process, process)
        self._thorough = thorough
        self._seen: dict[str, int] = {}

    def live(self) -> None:
        """Look and decide until the run is over."""
        dice = self._stage.engine.random
        while not self._stage.resting:
            self._clock.sleep(dice.uniform(1.0, 20.0))
            _try(self._stage, lambda: self._look(dice))

    def _look(self, dice: random.Random) -> None:
        for waiting in approval.waiting_requests(self._queue):
            self._seen[waiting.request_id] = times = self._seen.get(waiting.request_id, 0) + 1
            if times > MOST_TIMES and not self._thorough:
                continue
            prefix = waiting.request_id[: dice.choice([8, 12, 32])]
            for say in dice.choice([["yes"], ["yes"], ["no"], ["no", "yes"], ["yes", "no"], []]):
                self._decide(prefix, say)
            if self._thorough:
                self._decide(prefix, "yes")

    def _decide(self, prefix: str, say: str) -> None:
        if say == "yes":
            _try(self._stage, lambda: approval.approve(self._queue, prefix, self._clock))
        else:
            _try(self._stage, lambda: approval.reject(self._queue, prefix, "not now"))


class Meddler:
    """Changes waiting requests in place, and approves what does not wait yet: neither may have an effect."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def live(self) -> None:
        """Meddle until the storm is over."""
        stage, dice = self._stage, self._stage.engine.random
        while not stage.calm:
            stage.engine.sleep(dice.uniform(0.5, 8.0))
            for entry in stage.disk.list(layout.INBOX):
                request_id = layout.request_of(entry)
                # One that was left twice may have been seen to wait before.
                seen = request_id and stage.fate(request_id).repeated
                if request_id and not seen and dice.random() < 0.5:
                    stage.disk.put(f"{layout.APPROVED}/{request_id}", b"")
                    stage.note("meddles", "approves early", request_id)
            for entry in stage.disk.list(layout.PENDING):
                if dice.random() < 0.3:
                    self._forge(f"{layout.PENDING}/{entry}")

    def _forge(self, name: str) -> None:
        body = self._stage.disk.read(name).replace(b"/repo", b"/evil")
        self._stage.disk.put(name, body)
        self._stage.note("meddles", "changes", name)


class Repeater:
    """A client's storage that leaves a request again after its first reply was lost: it must run once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def live(self) -> None:
        """Repeat until the storm is over."""
        stage, dice = self._stage, self._stage.engine.random
        while not stage.calm:
            stage.engine.sleep(dice.uniform(0.01, 6.0))
            for entry in stage.disk.list(layout.PROCESSING):
                token = layout.Token.parse(entry)
                if token is not None and dice.random() < 0.5:
                    self._repeat(token)

    def _repeat(self, token: layout.Token) -> None:
        stage = self._stage
        fate = stage.fate(token.request_id)
        fate.repeated = True
        stage.disk.put_new(layout.inbox(token.request_id), stage.disk.read(token.name))
        stage.note("repeats", token.request_id)


def files() -> MemoryFilesystem:
    """The homes' files that the validation asks for: two working copies, and one that nobody names."""
    made = MemoryFilesystem()
    for copy in ("repo1", "repo2", "evil1", "evil2"):
        for number in range(40):
            made.create_directory(f"{Path.home()}/{copy}/w{number}", {})
        made.create_directory(f"{Path.home()}/{copy}/.git", {})
    return made


def _try(stage: Stage, act: Callable[[], object]) -> None:
    """People read the error and go on."""
    try:
        act()
    except AexpError as exc:
        stage.note("sees", type(exc).__name__, exc)
