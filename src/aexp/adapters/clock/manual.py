"""A clock that stands still until somebody moves it: virtual time for tests and simulations."""

from collections.abc import Callable

from aexp.ports.clock import Clock


class ManualClock(Clock):
    """Time passes only through :meth:`advance` and :meth:`sleep`, and then at once.

    Args:
        start: what both clocks show at first, in seconds.
        tick: called after every move of the clock; a test puts the rest of its world here, so that one
            actor's sleep is the other actors' turn.
    """

    def __init__(
        self, start: float = 1_000_000.0, tick: Callable[[], object] | None = None
    ) -> None:
        self._now = start
        self._ticking = False
        self.skew = 0.0
        self.tick = tick

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self.skew

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, then give the rest of the world its turn."""
        self._now += max(seconds, 0.0)
        # The world's turn may itself sleep; that moves the clock but starts no turn inside the turn.
        if self.tick is not None and not self._ticking:
            self._ticking = True
            try:
                self.tick()
            finally:
                self._ticking = False
