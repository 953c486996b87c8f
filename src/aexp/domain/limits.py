"""How much may wait: enough for people and their agents, not enough to bury a login node."""

from dataclasses import dataclass

MOST_AT_ONCE = 4
"""Operations that may run at the same time, where nothing else was asked for."""


@dataclass(frozen=True)
class Limits:
    """What may wait at one time. What comes beyond is refused at once.

    Attributes:
        ready: requests that wait to run, in all.
        ready_per_client: the same for one client.
        pending: requests that wait for a person, in all.
        pending_per_copy: the same for one working copy.
    """

    ready: int = 4000
    ready_per_client: int = 2000
    pending: int = 100
    pending_per_copy: int = 20

    def too_many_ready(self, in_all: int, of_client: int) -> str | None:
        """Why one more may not wait to run, None when it may."""
        if in_all >= self.ready:
            return f"{in_all} requests wait to run already, and no more may"
        if of_client >= self.ready_per_client:
            return f"{of_client} requests of this client wait to run already, and no more may"
        return None

    def too_many_pending(self, in_all: int, of_copy: int) -> str | None:
        """Why one more may not wait for a person, None when it may."""
        if in_all >= self.pending:
            return f"{in_all} requests wait for a person already, and no more may"
        if of_copy >= self.pending_per_copy:
            return f"{of_copy} requests of this working copy wait for a person already, and no more may"
        return None
