"""The life of a request: one table of states and events, one pure function over it."""

from enum import StrEnum
from types import MappingProxyType

from aexp.domain.errors import TransitionError

CANCELLED = "The request was cancelled before it started."
NOT_TAKEN_UP = "No daemon took it up."
CONSENT_EXPIRES_S = 24 * 3600.0
"""Seconds after which a request that nobody decided on expires."""


APPROVAL_EXPIRES_S = 3600.0
"""Seconds after which an approval that has not led to a start counts no more."""


class Mode(StrEnum):
    """What counts as a person's approval."""

    LOGIN = "login"  # a decision over a socket of the login node
    FILE = "file"  # a file in the queue, as in the original layout
    SIGNED = "signed"  # a file in the queue with a signature by a pinned key
    ACL = "acl"  # a name in the queue that the storage's server lets only those who decide write

    @property
    def described(self) -> str:
        """The mode as it is shown, with its weakness."""
        return "file (forgeable)" if self is Mode.FILE else self.value


class State(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    PENDING = "pending"
    APPROVED = "approved"
    RUNNING = "running"
    COMPLETED = "completed"
    INVALID = "invalid"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    FAILED_TO_START = "failed-to-start"
    CRASHED = "crashed"


class Event(StrEnum):
    """What can happen to a request."""

    REFUSE = "refuse"  # the validation said no
    ADMIT = "admit"  # allowed without asking anybody
    ASK = "ask"  # a person must decide
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"
    START = "start"
    START_FAIL = "start-fail"
    EXIT = "exit"  # the program ended by itself, with whatever status
    OVERRUN = "overrun"  # the program was ended at its time limit
    LOSE = "lose"  # the daemon that ran it is gone


FINAL = frozenset(
    {
        State.COMPLETED,
        State.INVALID,
        State.REJECTED,
        State.EXPIRED,
        State.CANCELLED,
        State.TIMED_OUT,
        State.FAILED_TO_START,
        State.CRASHED,
    }
)
"""A request in one of these is answered and never moves again."""

# APPROVED still gives way to a rejection: a person who changes their mind before the program
# starts is heard, and of two markers that lie there together the rejection wins.
TABLE = MappingProxyType(
    {
        (State.RECEIVED, Event.REFUSE): State.INVALID,
        (State.RECEIVED, Event.ADMIT): State.APPROVED,
        (State.RECEIVED, Event.ASK): State.PENDING,
        (State.RECEIVED, Event.EXPIRE): State.EXPIRED,
        (State.RECEIVED, Event.CANCEL): State.CANCELLED,
        (State.PENDING, Event.APPROVE): State.APPROVED,
        (State.PENDING, Event.REJECT): State.REJECTED,
        (State.PENDING, Event.REFUSE): State.INVALID,
        (State.PENDING, Event.EXPIRE): State.EXPIRED,
        (State.PENDING, Event.CANCEL): State.CANCELLED,
        (State.APPROVED, Event.APPROVE): State.APPROVED,
        # The grant under which it would have run has ended before its turn.
        (State.APPROVED, Event.ASK): State.PENDING,
        (State.APPROVED, Event.REJECT): State.REJECTED,
        (State.APPROVED, Event.REFUSE): State.INVALID,
        (State.APPROVED, Event.EXPIRE): State.EXPIRED,
        (State.APPROVED, Event.CANCEL): State.CANCELLED,
        (State.APPROVED, Event.START): State.RUNNING,
        (State.APPROVED, Event.LOSE): State.APPROVED,
        (State.APPROVED, Event.START_FAIL): State.FAILED_TO_START,
        (State.RUNNING, Event.START_FAIL): State.FAILED_TO_START,
        (State.RUNNING, Event.EXIT): State.COMPLETED,
        (State.RUNNING, Event.OVERRUN): State.TIMED_OUT,
        (State.RUNNING, Event.CANCEL): State.CANCELLED,
        (State.RUNNING, Event.LOSE): State.CRASHED,
    }
)


def transition(state: State, event: Event) -> State:
    """The state after the event.

    Raises:
        TransitionError: the table has no such move.
    """
    after = TABLE.get((state, event))
    if after is None:
        raise TransitionError(
            f"A request that is {state} cannot {event}.",
            "This is a defect in aexp; please report it.",
        )
    return after


def decide(*, approved: bool, rejected: bool, expired: bool) -> Event | None:
    """What a person's markers and the time say together: rejection first, then approval."""
    if rejected:
        return Event.REJECT
    if approved:
        return Event.APPROVE
    return Event.EXPIRE if expired else None
