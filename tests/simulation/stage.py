"""What the actors of one run share: the disk, the clocks, the dice, and what was seen to happen."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aexp.adapters.executor.recording import Plan
from aexp.domain import layout
from aexp.domain.layout import Token
from aexp.domain.requests import Response
from aexp.ports.executor import Command
from tests.simulation.disk import Disk, Ghosts
from tests.simulation.engine import Engine
from tests.simulation.faults import Faults
from tests.simulation.trace import Step, Trace

if TYPE_CHECKING:
    from tests.simulation.commands import Started
    from tests.simulation.nodes import SimProcess

HOME = "/home/sim"
HOSTS = ("login1", "login2", "login3", "login4")


@dataclass
class Fate:
    """All that is known of one request, from the disk itself.

    Attributes:
        accepted: whether the client's submit returned.
        followed: whether a client that lived to the end waited for the answer.
        answers: each content that its answer ever had.
        parked, approved, rejected: when it first waited, and when markers were first written since.
        withdrawn: whether ``cancel`` returned True.
        repeated: whether it was left a second time while a daemon had it.
        outcome: what the client that waited got.
    """

    request_id: str
    cwd: str = ""
    op: str = ""
    accepted: bool = False
    followed: bool = False
    answers: list[bytes] = field(default_factory=list)
    parked: float | None = None
    approved: float | None = None
    rejected: float | None = None
    withdrawn: bool = False
    repeated: bool = False
    outcome: str | None = None
    starts: "list[Started]" = field(default_factory=list)

    @property
    def answer(self) -> Response | None:
        """The answer, the first if there were more."""
        return Response.from_bytes(self.answers[0], self.request_id) if self.answers else None


class Stage:
    """One run's world.

    Args:
        crowd: whether every host serves at once.

    Attributes:
        coarse: seconds that a daemon's waits take at least; for passing days.
        violations: what must never happen and did.
    """

    def __init__(self, seed: int, *, crowd: bool = False) -> None:
        self.seed = seed
        self.crowd = crowd
        self.engine = Engine(seed)
        self.engine.on_defect = self.violate
        self.trace = Trace()
        hosts = [*HOSTS[: self.engine.random.choice([2, 3, 4] if crowd else [2, 2, 3])]]
        self.hosts = hosts
        self.faults = Faults(self.engine.random, hosts)
        self.disk = Disk()
        self.disk.on_write = self._wrote
        self.disk.on_remove = self._removed
        self.ghosts: Ghosts = defaultdict(list)
        self.processes: dict[str, SimProcess] = {}
        self.fates: dict[str, Fate] = {}
        self.plans: dict[str, Plan] = {}
        self.violations: list[str] = []
        self.coarse = 0.0
        self.resting = False
        self._holder: tuple[int, str] | None = None
        self.working = 0

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong any more."""
        return self.engine.now >= self.faults.calm_at

    def violate(self, what: str) -> None:
        """Note what must never happen, here and in the trace."""
        self.violations.append(what)
        self.note("!!!!", what)

    def note(self, what: str, *facts: object) -> None:
        """Add a line to the trace."""
        engine = self.engine
        self.trace.steps.append(Step(engine.now, engine.actor, what, facts, quiet=False))

    def fate(self, request_id: str) -> Fate:
        """What is known of a request."""
        return self.fates.setdefault(request_id, Fate(request_id))

    def plan_for(self, command: Command) -> Plan:
        """How the command in this folder goes."""
        return self.plans.get(str(command.cwd), Plan())

    def started(self, started: "Started") -> None:
        """A command begins; each request has a folder of its own, which tells whose it is."""
        fate = next((one for one in self.fates.values() if one.cwd == started.cwd), None)
        if fate is None:
            self.violate(f"a command was started that nobody submitted, in {started.cwd}")
            return
        self._check_alone(started)
        fate.starts.append(started)
        self.note("START", fate.request_id, fate.op, f"(start {len(fate.starts)})")
        if len(fate.starts) > 1:
            self.violate(f"{fate.request_id} was started {len(fate.starts)} times")
        if fate.op == "wandb_sync" and fate.approved is None:
            self.violate(f"{fate.request_id} was started without an approval after it was parked")
        if fate.approved is not None and (fate.rejected or 1e9) <= fate.approved:
            self.violate(f"{fate.request_id} was started although it had been rejected first")

    def _check_alone(self, started: "Started") -> None:
        """Whoever is well works in a working copy alone."""
        for other in (one for fate in self.fates.values() for one in fate.starts):
            both_well = all(self.processes[one.by].is_well for one in (started, other))
            if both_well and other.root == started.root and other.runs:
                self.violate(f"{started.by} works in {started.root} beside {other.by}")

    def _wrote(self, name: str, data: bytes) -> None:
        folder, _, entry = name.partition("/")
        request_id = layout.request_of(entry) or entry
        if folder == layout.INBOX and layout.request_of(entry):
            self._arrived(request_id, data)
        elif folder == layout.OUTBOX and layout.request_of(entry):
            self._answered(self.fate(request_id), data)
        elif folder == layout.PENDING and layout.request_of(entry):
            fate = self.fate(request_id)
            fate.parked = self.engine.now if fate.parked is None else fate.parked
        elif folder == layout.LEASE and not self.crowd:
            self._leased(int(entry), data)
        elif folder in (layout.APPROVED, layout.REJECTED) and request_id in self.fates:
            fate = self.fate(request_id)
            if fate.parked is not None and getattr(fate, folder) is None:
                setattr(fate, folder, self.engine.now)

    def _leased(self, generation: int, data: bytes) -> None:
        """A daemon serves from now on; the one before must not have been well."""
        taker = str(json.loads(data).get("daemon", ""))
        before = self._holder
        if before is not None and generation < before[0]:
            # Left by one who stood still for long: it counts for nothing.
            return
        self._holder = (generation, taker)
        if before is None or not before[1] or not taker or before[1] == taker:
            return
        holder = self.processes[before[1]]
        if holder.is_well:
            self.violate(f"{taker} took the lease from {holder.name}, who is well")

    def _arrived(self, request_id: str, data: bytes) -> None:
        if request_id in self.fates:
            return
        try:
            body = json.loads(data)
        except ValueError:
            body = {}
        fate = self.fate(request_id)
        fate.cwd, fate.op = str(body.get("cwd", "")), str(body.get("op", "?"))
        self.note("NEW", request_id, fate.op, fate.cwd)

    def _answered(self, fate: Fate, data: bytes) -> None:
        if data in fate.answers:
            return
        fate.answers.append(data)
        answer = Response.from_bytes(data, fate.request_id)
        self.note("ANSWER", fate.request_id, answer.final_state, f"by {answer.writer}")
        if len(fate.answers) > 1:
            self.violate(f"{fate.request_id} has a second answer")
        if answer.final_state == "crashed":
            self._check_crashed(fate, answer.writer or "")

    def _check_crashed(self, fate: Fate, writer: str) -> None:
        tokens = [Token.parse(entry) for entry in self.disk.list(layout.PROCESSING)]
        for token in tokens:
            owner = self.processes.get(token.owner) if token else None
            if token is None or (fate.repeated and token.stage == "claim"):
                continue  # Of a copy: that the first one has started is found out when it is to start.
            if owner and token.request_id == fate.request_id and owner.is_well:
                self.violate(f"{fate.request_id} called crashed, but {owner.name} is well")
        for started in fate.starts:
            on_one_host = self.processes[started.by].host is self.processes[writer].host
            if on_one_host and started.execution.poll() is None:
                self.violate(f"{fate.request_id} called crashed while it still runs there")

    def _removed(self, name: str) -> None:
        if self._holder is not None and name == f"{layout.LEASE}/{self._holder[0]:08d}":
            self._holder = None
        if name.startswith(f"{layout.OUTBOX}/") and name.endswith(".json") and not self.resting:
            self.violate(f"{name} was removed")
