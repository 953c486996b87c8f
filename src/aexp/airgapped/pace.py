"""How busy a daemon has been of late, and what it therefore looks at now.

A file server pays for every look, and hundreds of daemons wait for a request that does not come. So what a
quiet daemon does only to be on the safe side is done once a minute, and what tells of a change (an event,
a request, a person) makes it look at everything.
"""

from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.domain.polling import daemon_wait, markers_wait
from aexp.ports.clock import Clock

THOROUGH_EVERY_S = 60.0
BUSY_FOR_S = 30.0
"""Seconds after the last activity in which every round of upkeep is thorough."""
STOOD_STILL_S = 2.5 * BEAT_INTERVAL_S
"""Seconds between two rounds of upkeep after which this process has stood still, and asks where it is."""


class Pace:
    """Told of what happens, asked what is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._active = clock.monotonic()
        self._thorough = self._round = float("-inf")
        self._markers = float("-inf")

    @property
    def quiet_s(self) -> float:
        """Seconds since something happened."""
        return self._clock.monotonic() - self._active

    @property
    def pause_s(self) -> float:
        """Seconds until the next look, on a local disk."""
        return daemon_wait(self.quiet_s)

    def acted(self) -> None:
        """Something happened."""
        self._active = self._clock.monotonic()

    def woken(self) -> None:
        """Something may have happened: the next look is at everything."""
        self._markers = float("-inf")

    def markers_due(self) -> bool:
        """Whether the files by which people decide are looked at this time."""
        now = self._clock.monotonic()
        if now < self._markers:
            return False
        self._markers = now + markers_wait(self.quiet_s)
        return True

    def thorough_due(self, *, watching: bool) -> bool:
        """Whether this round of upkeep is one of those that leave nothing out.

        Args:
            watching: whether there is somebody to watch, so that every round is.
        """
        now = self._clock.monotonic()
        stood_still = now - self._round > STOOD_STILL_S
        self._round = now
        if watching or self.quiet_s < BUSY_FOR_S or stood_still or now >= self._thorough:
            self._thorough = now + THOROUGH_EVERY_S
            return True
        return False
