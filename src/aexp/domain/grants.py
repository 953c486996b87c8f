"""Standing permissions: one operation, in one folder, to the places that a person saw, until a moment."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from aexp.domain.destinations import Destination
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

LEAST_S = 1.0
MOST_S = 86400.0
MOST_GRANTS = 100
"""Grants that may be live at one time."""
SHORT_CHARS = 4
"""How many characters of a grant's id people are shown, where there is no list to choose from."""
_SPAN = re.compile(r"([0-9]{1,7})([smhd])", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Scope:
    """What a grant is for, or what a request would do.

    Attributes:
        root: the folder that the operation has for itself: a working copy, or for wandb the folder itself.
        identity: what tells the folder from another in its place (see the workshop port).
        destinations: where it may connect, or would.
    """

    op: str
    root: str
    identity: str
    destinations: tuple[Destination, ...]

    def covers(self, asked: "Scope") -> bool:
        """Whether what is asked leads nowhere else, from the very same folder."""
        same = (self.op, self.root, self.identity) == (asked.op, asked.root, asked.identity)
        return same and bool(asked.destinations) and {*asked.destinations} <= {*self.destinations}


@dataclass(frozen=True)
class Grant:
    """A person's permission.

    Attributes:
        id: 16 hexadecimal digits, drawn by the daemon.
        seconds: how long it was given for.
        ends: when it ends, on the monotonic clock of this boot.
        ends_wall: when it ends, in seconds since 1970.
        boot: the machine and the boot whose monotonic clock ``ends`` is on.
        by: who gave it.
        keep: whether it outlives the daemon.
        uses: operations that were started under it.
    """

    id: str
    scope: Scope
    seconds: float
    ends: float
    ends_wall: float
    boot: str
    by: str
    keep: bool = False
    uses: int = 0

    def left_s(self, now: float, wall: float) -> float:
        """Seconds until it ends; 0 or less when it has.

        The clock that shows less counts: the monotonic one stands still while a machine sleeps, and the wall
        clock may be set back.

        Args:
            now: the monotonic clock.
            wall: seconds since 1970.
        """
        return min(self.ends - now, self.ends_wall - wall)

    def revived(self, boot: str, now: float, wall: float) -> "Grant | None":
        """The grant under another daemon; None when it has ended or was not to be kept.

        After a reboot only the wall clock can tell. One that shows a time before the grant was given was set
        back and says nothing. What is left then counts as newly given: no second reboot adds to it.
        """
        if not self.keep:
            return None
        again = self
        if boot != self.boot:
            if wall < self.ends_wall - self.seconds:
                return None
            left = self.ends_wall - wall
            again = replace(self, seconds=left, ends=now + left, boot=boot)
        return again if again.left_s(now, wall) > 0 else None

    def told(self, wall_end: float) -> str:
        """Which it is, in words: ``grant 3f2a of process 12 on login1, until …``."""
        return f"grant {self.id[:SHORT_CHARS]} of {self.by}, until {moment(wall_end)}"


class Grants:
    """The grants that are live. Does no I/O; the caller gives the time.

    Attributes:
        version: changes whenever a grant comes or goes.
    """

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._grants)

    @property
    def is_full(self) -> bool:
        """Whether one more may not be added."""
        return len(self._grants) >= MOST_GRANTS

    def add(self, grant: Grant) -> None:
        """From now on it counts, beside others for the same."""
        self._grants[grant.id] = grant
        self.version += 1

    def concerns(self, op: str, root: str) -> bool:
        """Whether there is any for this operation in this folder."""
        known = self._grants.values()
        return any(one.scope.op == op and one.scope.root == root for one in known)

    def covering(self, asked: Scope, now: float, wall: float) -> Grant | None:
        """The grant under which this may run now, of several the one that lasts longest."""
        fits = [one for one in self.live(now, wall) if one.scope.covers(asked)]
        return max(fits, key=lambda one: one.left_s(now, wall), default=None)

    def used(self, grant_id: str) -> Grant | None:
        """Count a use; the grant as it is now, None when it is gone."""
        known = self._grants.get(grant_id)
        if known is None:
            return None
        self._grants[grant_id] = replace(known, uses=known.uses + 1)
        return self._grants[grant_id]

    def live(self, now: float, wall: float) -> list[Grant]:
        """Those that have not ended, the one that ends first at the head."""
        live = [one for one in self._grants.values() if one.left_s(now, wall) > 0]
        return sorted(live, key=lambda one: one.left_s(now, wall))

    def expire(self, now: float, wall: float) -> list[Grant]:
        """Take out those that have ended."""
        over = [one for one in self._grants.values() if one.left_s(now, wall) <= 0]
        self.remove(one.id for one in over)
        return over

    def begin_with(self, prefix: str) -> list[Grant]:
        """Those whose id begins so."""
        return [one for known, one in self._grants.items() if known.startswith(prefix)]

    def remove(self, ids: Iterable[str]) -> None:
        """They count no more."""
        for grant_id in ids:
            self._grants.pop(grant_id, None)
            self.version += 1


def span(text: str) -> float:
    """Seconds in ``90s``, ``30m``, ``2h`` or ``1d``.

    Raises:
        SettingsError: it is none of these, or shorter or longer than a grant may be.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        shown = visible(text, limit=40)
        raise SettingsError(
            f"'{shown}' is no span of time.", "Give one such as 90s, 30m, 2h or 1d."
        )
    return checked_span(float(found[1]) * _UNITS[found[2]])


def checked_span(seconds: float) -> float:
    """The seconds, if a grant may last so long.

    Raises:
        SettingsError: it may not.
    """
    if not LEAST_S <= seconds <= MOST_S:
        raise SettingsError(
            "A grant lasts from one second to 24 hours.", "Give a span such as 90s, 30m, 2h or 1d."
        )
    return seconds


def moment(wall: float) -> str:
    """A date and time in this node's zone, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
