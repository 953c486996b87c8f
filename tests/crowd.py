"""Several daemons on several nodes that serve one queue in memory, in one thread and in virtual time."""

from collections.abc import Callable, Collection
from pathlib import Path

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.markers import MarkedDecisions
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import RelayDaemon
from aexp.domain import layout
from aexp.domain.consent import Mode
from aexp.domain.decision_book import DecisionBook
from aexp.domain.decisions import Question
from aexp.domain.limits import Limits
from aexp.domain.petition import Petition
from aexp.ports.consent import Decisions, Granting, Verdicts
from aexp.ports.executor import Command
from tests.world import World

Make = Callable[[World], Decisions]


class Node(World):
    """One login node of a crowd: its own daemon, decisions, grants and commands."""

    def __init__(self, crowd: "Crowd", name: str, decisions: Make | None = None) -> None:
        super().__init__(
            crowd.home, crowd.plan, storage=crowd.storage, clock=crowd.clock, limits=crowd.limits
        )
        self.crowd = crowd
        self.name = name
        self.login = FakeProcesses(name)
        self._make_decisions = decisions
        self.desk: Decisions | None = None

    @property
    def me(self) -> str:
        """The name of this node's daemon."""
        return str(self.login.me)

    def _people(self) -> Decisions:
        self.desk = (
            super()._people() if self._make_decisions is None else self._make_decisions(self)
        )
        return self.desk

    @property
    def login_desk(self) -> "DeskAtLogin":
        """Where people decide on this node."""
        assert isinstance(self.desk, DeskAtLogin)
        return self.desk

    def start(self) -> RelayDaemon:
        """Serve; from now on it takes its turn whenever time passes."""
        self.daemon = self.new_daemon()
        self.daemon.start()
        return self.daemon

    def die(self) -> None:
        """The process is gone, without a word; the node notices at once, the others by its beat."""
        dead = str(self.login.me)
        self.daemon = None
        self.login = FakeProcesses(self.name, pid=self.login.me.pid + 1)
        self.login.dead.add(dead)

    def stop(self) -> None:
        """End in good order."""
        assert self.daemon is not None
        daemon, self.daemon = self.daemon, None
        daemon.finish()


class Crowd:
    """The nodes, one queue, and a client on ``gpu7`` (see :class:`World`, whose client it is)."""

    def __init__(
        self,
        home: Path,
        *names: str,
        plan: Callable[[Command], Plan] | None = None,
        decisions: Make | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.home = home
        self.clock = ManualClock()
        self.storage = MemoryStorage(self.clock, shared=True)
        self.plan = plan
        self.limits = limits
        self.decisions = decisions
        self.nodes: dict[str, Node] = {}
        self.clock.tick = self.turn
        for name in names:
            self.join(name)

    def join(self, name: str) -> Node:
        """One more node serves."""
        self.nodes[name] = node = Node(self, name, self.decisions)
        node.start()
        return node

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    @property
    def any(self) -> Node:
        """A node, for what is the same on all of them."""
        return next(iter(self.nodes.values()))

    def turn(self) -> None:
        """Each daemon takes its turn."""
        for node in [*self.nodes.values()]:
            if node.daemon is not None:
                node.daemon.step()

    def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass in small steps, each with every daemon's turn."""
        self.any.pass_time(seconds, step)

    @property
    def ran(self) -> dict[str, list[str]]:
        """The operations that were started, by node."""
        return {name: node.ran for name, node in self.nodes.items()}

    @property
    def started(self) -> list[str]:
        """The ids of the requests that were started, one for each start."""
        return sorted(
            command.request_id for node in self.nodes.values() for command in node.executor.commands
        )

    def copy(self, name: str) -> Path:
        """A working copy."""
        (self.home / name / ".git").mkdir(parents=True, exist_ok=True)
        return self.home / name

    def answered(self) -> list[str]:
        """The ids of the requests that have an answer."""
        return sorted(layout.requests_in(self.storage.list(layout.OUTBOX)))


class DeskAtLogin(MarkedDecisions):
    """Decisions that people make at the daemon of one node, as over its socket, and grants that they give."""

    granting: Granting

    def __init__(self, node: World) -> None:
        super().__init__(node.storage)
        self._clock = node.clock
        self.book = DecisionBook()

    @property
    def mode(self) -> Mode:
        return Mode.LOGIN

    def park(self, petition: Petition) -> bool:
        return self.book.park(petition, self._clock.wall()) or super().park(petition)

    def resume(self, petition: Petition, since: float) -> None:
        self.book.park(petition, since)

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        approved = self.book.approved(waiting, self._clock.monotonic())
        return Verdicts(approved, {**self._rejected(waiting), **self.book.rejected(waiting)})

    def settle(self, request_id: str) -> None:
        self.book.settle(request_id)
        super().settle(request_id)

    def hears_grants(self, granting: Granting) -> bool:
        self.granting = granting
        return True

    def say(self, verb: str, request_id: str) -> bool:
        """A person looks at the request on this node and decides; whether the daemon here has it."""
        shown = self.book.answer(Question("show", request_id), "ada", self._clock.monotonic())
        if not shown["ok"]:
            return False
        digest = Petition.from_dict(shown["petition"]).digest
        question = Question(verb, request_id, digest=digest, reason="no")
        told = self.book.answer(question, "ada", self._clock.monotonic())
        return bool(told["ok"])
