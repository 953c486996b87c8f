"""Everything that a console shows, as it was at one moment; all of it is safe to show."""

from dataclasses import dataclass

from aexp.airgapped.inspection import RequestView
from aexp.domain.consent import State
from aexp.domain.decisions import Waiting
from aexp.domain.grant_offers import GrantLine


@dataclass(frozen=True)
class Alert:
    """Something that a person must know before all else.

    Attributes:
        next: what to do, where there is something.
    """

    what: str
    next: str = ""


@dataclass(frozen=True)
class Standing:
    """How the daemon stands.

    Attributes:
        up: whether one serves, as far as its beat tells.
        what: the same in a few words, with its host and what counts as an approval.
        alerts: what is wrong.
    """

    up: bool
    what: str
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What would be decided on.

    Attributes:
        lines: the petition, a field a line.
        alert: what the person must know of it: where it came from, or why it cannot be shown.
    """

    request_id: str
    lines: tuple[str, ...] = ()
    alert: Alert | None = None


@dataclass(frozen=True)
class Running:
    """A request that runs, or that waits for its turn.

    Attributes:
        tail: the last lines of its output.
    """

    view: RequestView
    tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """A request that is over.

    Attributes:
        at: when it was answered, in seconds since 1970; None when that is not known.
        decided: how a person approved it; empty where nobody was asked.
        error: what went wrong, for people.
    """

    request_id: str
    at: float | None
    state: State | None
    op: str
    args: str = ""
    cwd: str = ""
    decided: str = ""
    returncode: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Picture:
    """One look.

    Attributes:
        at: when, in seconds since 1970 on this node's clock.
        waiting: what waits for a person, the oldest first.
        preview: what would be decided on, of the one that was asked for or the oldest.
        grants: what runs without a question for a while, the one that ends first at the head.
        running: the oldest first.
        history: the latest first.
        alert: why some of it is older than the rest.
    """

    at: float
    standing: Standing
    waiting: tuple[Waiting, ...] = ()
    preview: Preview | None = None
    grants: tuple[GrantLine, ...] = ()
    running: tuple[Running, ...] = ()
    history: tuple[Past, ...] = ()
    alert: Alert | None = None

    def digest_of(self, request_id: str) -> str | None:
        """The digest of what waits under that id, empty if it is not known; None when nothing does."""
        return next((one.digest for one in self.waiting if one.request_id == request_id), None)
