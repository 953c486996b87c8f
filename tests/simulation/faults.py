"""What goes wrong in a run, and when: decided by the seed alone.

Each run has only some kinds of faults (swarm testing): runs with everything at once reach less.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

CHANGE_RISK = 0.06
"""The chance that a call which changes something of a request or the lease meets a fault."""
LOOK_RISK = 0.003
RESERVED_BYTES = 4000
"""What one reserved text may hold on a full disk (see the port)."""


class Fault(StrEnum):
    """Each strikes at one port call, before or after the call did its work."""

    CRASH = "crash"  # the process is gone
    PAUSE = "pause"  # it stands still for minutes, unaware
    STALL = "stall"  # one slow reply
    ERROR = "error"  # the call fails and nothing was done
    LOST = "lost"  # the call fails although all was done
    STOP = "stop"  # SIGTERM: a daemon begins to end in good order


_BUDGET = {Fault.CRASH: 5, Fault.PAUSE: 3, Fault.STOP: 2}
"""How many of a kind a run may have, so that it stays short. Others have no limit."""
_WEIGHTS = {
    "daemon": (Fault.CRASH, Fault.PAUSE, Fault.STALL, Fault.ERROR, Fault.LOST, Fault.STOP),
    "client": (Fault.CRASH, Fault.PAUSE, Fault.STALL, Fault.ERROR, Fault.LOST),
    "person": (Fault.STALL, Fault.ERROR, Fault.LOST),
}


@dataclass(frozen=True)
class Strike:
    """One fault at one call."""

    fault: Fault
    after: bool
    seconds: float = 0.0


class Faults:
    """The faults of one run.

    Args:
        dice: the run's dice.
        hosts: names of the nodes that may lose the storage for a while.

    Attributes:
        calm_at: the second from which nothing goes wrong any more.
        latency: seconds that a call takes in the mean.
    """

    def __init__(self, dice: random.Random, hosts: list[str]) -> None:
        self._dice = dice
        self.calm_at = dice.uniform(40.0, 120.0)
        self.latency = dice.choice([0.002, 0.02, 0.1])
        self.ghosts = dice.random() < 0.5
        self._kinds = {fault for fault in Fault if dice.random() < 0.6}
        self._left = dict(_BUDGET)
        self._full = self._span() if dice.random() < 0.3 else (0.0, 0.0)
        cut = dice.choice(hosts) if dice.random() < 0.3 else ""
        self._cut = {cut: self._span()}

    def draw(self, kind: str, now: float, *, changes: bool) -> Strike | None:
        """What goes wrong with this call of a process of this kind, if anything does."""
        dice = self._dice
        if now >= self.calm_at or dice.random() >= (CHANGE_RISK if changes else LOOK_RISK):
            return None
        open_kinds = [f for f in _WEIGHTS[kind] if f in self._kinds and self._left.get(f, 1) > 0]
        if not open_kinds:
            return None
        fault = dice.choice(open_kinds)
        if fault in self._left:
            self._left[fault] -= 1
        after = fault is Fault.LOST or (fault is not Fault.ERROR and dice.random() < 0.5)
        seconds = (
            dice.uniform(60.0, 300.0) if fault is Fault.PAUSE else dice.choice([0.5, 3.0, 20.0])
        )
        return Strike(fault, after, seconds)

    def is_full(self, now: float) -> bool:
        """Whether nothing new can be written now."""
        return self._full[0] <= now < self._full[1]

    def is_cut_off(self, host: str, now: float) -> bool:
        """Whether this node has lost the storage."""
        begins, ends = self._cut.get(host, (0.0, 0.0))
        return begins <= now < ends

    def pace(self) -> float:
        """Seconds for one call; now and then a server is busy."""
        dice = self._dice.random()
        return self.latency * (dice * 2 if dice < 0.97 else 20.0)

    def _span(self) -> tuple[float, float]:
        begins = self._dice.uniform(5.0, self.calm_at)
        return begins, min(begins + self._dice.uniform(5.0, 70.0), self.calm_at + 30.0)
