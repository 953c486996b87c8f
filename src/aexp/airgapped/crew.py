"""The parts of a daemon, put together once."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aexp.airgapped.admission import Admission
from aexp.airgapped.audit import Audit
from aexp.airgapped.burial import Burial
from aexp.airgapped.consent_desk import ConsentDesk
from aexp.airgapped.copies import Copies
from aexp.airgapped.doorkeeper import Doorkeeper
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.grant_desk import GrantDesk
from aexp.airgapped.heart import Heart
from aexp.airgapped.intake import Intake
from aexp.airgapped.jobs import Job
from aexp.airgapped.lease import Lease
from aexp.airgapped.locks import Locks
from aexp.airgapped.neighbours import Neighbours
from aexp.airgapped.notices import Notices
from aexp.airgapped.owners import Owners
from aexp.airgapped.pace import Pace
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.reception import Reception
from aexp.airgapped.recovery import Recovery
from aexp.airgapped.runner import Runner
from aexp.airgapped.starting import Starter
from aexp.airgapped.sweeper import Sweeper
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.upkeep import Upkeep
from aexp.domain import layout
from aexp.domain.consent import Mode
from aexp.domain.limits import Limits
from aexp.domain.validation import CwdPolicy
from aexp.ports.clock import Clock
from aexp.ports.consent import Decisions
from aexp.ports.executor import Executor
from aexp.ports.grants import GrantMemory
from aexp.ports.notifier import Notifier
from aexp.ports.pins import Pins
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.ports.workshop import Workshop


@dataclass(frozen=True)
class Outside:
    """The ports that a daemon works through."""

    storage: QueueStorage
    executor: Executor
    decisions: Decisions
    notifier: Notifier
    clock: Clock
    processes: Processes
    workshop: Workshop
    pins: Pins
    grants: GrantMemory


@dataclass(frozen=True)
class Rules:
    """What a daemon allows.

    Attributes:
        policy: where operations may work.
        most_at_once: commands that may run at the same time.
        strict: whether the first use of a working copy's remotes needs a person.
        limits: how many requests may wait.
    """

    policy: CwdPolicy
    most_at_once: int
    strict: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Crew:
    """Who does what.

    Attributes:
        lease: None where several may serve at once.
    """

    tokens: Tokens
    admission: Admission
    owners: Owners
    heart: Heart
    lease: Lease | None
    locks: Locks
    publisher: Publisher
    notices: Notices
    desk: ConsentDesk
    runner: Runner
    reception: Reception
    burial: Burial
    recovery: Recovery
    upkeep: Upkeep
    pace: Pace
    grants: GrantBook
    grants_heard: bool

    @property
    def holds(self) -> list[Callable[[], None]]:
        """What gives back what this daemon holds of the queue, one by one."""
        lease = [] if self.lease is None else [self.lease.release]
        return [self.locks.let_all_go, *lease]


def crew(
    outside: Outside,
    rules: Rules,
    audit: Audit,
    move_in: Callable[[], None],
) -> Crew:
    """The parts of one daemon.

    Args:
        move_in: makes the queue's folders; called again when they were deleted.
    """
    storage, clock, processes = outside.storage, outside.clock, outside.processes
    me = str(processes.me)
    facts = {"host": processes.hostname, "pid": processes.me.pid, "since": clock.wall()}
    pace = Pace(clock)
    tokens = Tokens(storage, me)
    owners = Owners(storage, processes, clock)
    mode = outside.decisions.mode
    told = {**facts, "consent": mode.value, "most_at_once": rules.most_at_once}
    heart = Heart(storage, me, told, clock)
    lease = None if storage.shared else Lease(storage, me, facts, owners, clock)
    locks = Locks(storage, me, owners)
    publisher = Publisher(tokens, clock, audit, consent=mode.described)
    admission = Admission(outside.workshop, outside.pins, audit, strict=rules.strict)
    flood = FloodAudit(audit, clock)
    grants = GrantBook(outside.workshop, outside.grants, clock, audit, processes.me.host)
    intake = Intake(tokens, publisher, rules.policy, admission, grants, clock, audit, flood)
    notices = Notices(outside.notifier, storage.url, audit)
    people = (outside.decisions, notices)
    desk = ConsentDesk(
        *(tokens, intake, publisher, *people, clock, audit, flood, rules.limits, pace, grants),
        Neighbours(storage, me, owners, clock, joins=mode is Mode.LOGIN),
    )
    starter = Starter(tokens, publisher, outside.executor, clock, audit, grants, intake.forget)

    def ask_again(job: Job) -> None:
        reception.ask_again(job)  # Which is made after the runner, and knows it.

    copies = Copies(locks, clock)
    runner = Runner(starter, publisher, clock, rules.most_at_once, grants, ask_again, copies)
    granting = GrantDesk(
        *(grants, outside.workshop, admission, rules.policy, clock, audit, desk.parked)
    )
    reception = Reception(tokens, intake, desk, runner, publisher, heart.pulse, audit, rules.limits)
    burial = Burial(tokens, outside.executor, processes, clock, audit)
    recovery = Recovery(tokens, owners, reception.readmit, reception.has, burial, clock, audit)
    sweeper = Sweeper(storage, clock, audit, locks)
    doorkeeper = Doorkeeper(storage, clock, audit, tokens.quarantine)
    upkeep = Upkeep(
        *(lease, heart, recovery, sweeper, move_in, clock, audit),
        *(doorkeeper, flood, lambda: storage.untrusted(layout.EVERY_FOLDER), locks),
    )
    return Crew(
        tokens=tokens,
        admission=admission,
        owners=owners,
        heart=heart,
        lease=lease,
        locks=locks,
        publisher=publisher,
        notices=notices,
        desk=desk,
        runner=runner,
        reception=reception,
        burial=burial,
        recovery=recovery,
        upkeep=upkeep,
        pace=pace,
        grants=grants,
        grants_heard=outside.decisions.hears_grants(granting),
    )
