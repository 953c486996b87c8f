"""How a daemon lets time pass between two turns: until something calls it, or it is time to look."""

import random
from collections.abc import Sequence

from aexp.airgapped.crew import Crew, Outside
from aexp.domain.errors import RelayStorageError
from aexp.domain.polling import DAEMON_BUSY_S, jittered

WOKEN_BEFORE = 0.9
"""The part of a wait before the end of which something must have ended it."""
FAILING_FIRST_S, FAILING_MOST_S = 0.1, 5.0
HOPEFUL = 5
"""Turns in a row after which one that does not stay gives up on a storage that fails."""


class Pauses:
    """Sleeps on everything that may call the daemon; longer and longer while the storage fails.

    Attributes:
        failure: how the storage failed in the last turn; None while all is well.
    """

    def __init__(self, outside: Outside, crew: Crew) -> None:
        self._outside = outside
        self._crew = crew
        self._failures = 0
        self.failure: RelayStorageError | None = None

    @property
    def trouble(self) -> str | None:
        """What the storage said when it failed."""
        return None if self.failure is None else str(self.failure)

    @property
    def may_recover(self) -> bool:
        """Whether the storage fails, and has not done so for long."""
        return 0 < self._failures < HOPEFUL

    def went_well(self) -> None:
        """A turn came to its end."""
        self._failures = 0
        self.failure = None

    def went_wrong(self, failure: RelayStorageError) -> bool:
        """The storage failed in a turn; True when it had not before."""
        self._failures += 1
        self.failure = failure
        return self._failures == 1

    def pause(self, wake: Sequence[int]) -> None:
        """Let time pass.

        Args:
            wake: descriptors that end the pause as well when they become readable.
        """
        ends = (self._outside.executor, self._outside.decisions, self._crew.notices)
        also = [descriptor for end in ends for descriptor in end.descriptors()]
        wait, clock = self._wait_s(), self._outside.clock
        began = clock.monotonic()
        self._outside.storage.wait(self._crew.reception.folders, wait, [*also, *wake])
        if clock.monotonic() - began < WOKEN_BEFORE * wait:
            self._crew.pace.woken()

    def _wait_s(self) -> float:
        if self._failures:
            return float(min(FAILING_FIRST_S * 2.0 ** min(self._failures, 6), FAILING_MOST_S))
        # The dice only keep many daemons from looking in step.
        wait = jittered(self._crew.pace.pause_s, random.random())  # noqa: S311
        wait *= self._outside.storage.profile.poll_scale
        return min(wait, self._crew.heart.due_in_s + DAEMON_BUSY_S)
