"""Is somebody there? Judged from sightings of a beat, on the reader's own clock alone.

Clocks of two nodes disagree, so nothing here compares them: a daemon is alive while its beat
*changes*. The writer's wall clock serves once, as a hint that a first sight looks old.
"""

from dataclasses import dataclass
from enum import StrEnum

BEAT_INTERVAL_S = 5.0
PATIENCE_S = 30.0
"""Seconds without a change after which a daemon counts as down."""
GRACE_S = 1.5 * BEAT_INTERVAL_S
"""Seconds in which a beat that looks old at first sight must change."""
GONE_S = 2.0
"""Seconds that a beat may be absent once it was seen: a clean hand-over takes less."""
READER_STALL_S = 10.0
"""A gap between two looks after which the reader doubts itself and starts its time again."""


class Verdict(StrEnum):
    """What the sightings so far say."""

    ALIVE = "alive"
    UNSURE = "unsure"
    DOWN = "down"


@dataclass
class BeatWatch:
    """Collects sightings of one beat and judges them.

    Attributes:
        patience_s: seconds without a change until the verdict is DOWN.
        grace_s: the same for a beat that looked old when it was first seen.
        gone_s: the same for a beat that was seen and is absent.
        at_once: whether a beat that is absent at first sight counts as one that has ended.
        looks: how many sightings there have been since the last change.
    """

    patience_s: float = PATIENCE_S
    grace_s: float = GRACE_S
    gone_s: float = GONE_S
    at_once: bool = True
    looks: int = 0
    _beat: bytes | None = None
    _since: float = 0.0
    _last_look: float | None = None
    _changed: bool = False
    _old: bool = False

    def see(self, beat: bytes | None, now: float, *, looks_old: bool = False) -> Verdict:
        """Judge one more sighting.

        Args:
            beat: the beat's content, None when it is absent after a fresh listing.
            now: the reader's own monotonic clock, in seconds.
            looks_old: whether the beat's own date is more than ``PATIENCE_S`` away; used once.
        """
        first = self._last_look is None
        stalled = self._last_look is not None and now - self._last_look > READER_STALL_S
        self._last_look = now
        if first:
            self._beat, self._since, self._old = beat, now, looks_old
            return Verdict.DOWN if beat is None and self.at_once else Verdict.UNSURE
        if beat != self._beat:
            self._changed = beat is not None
            self._beat, self._since, self._old, self.looks = beat, now, False, 0
        elif stalled:
            self._since = now
        self.looks += 1
        return self._judge(now - self._since)

    def _judge(self, unchanged_s: float) -> Verdict:
        if self._beat is None:
            return Verdict.DOWN if unchanged_s >= self.gone_s else Verdict.UNSURE
        if unchanged_s >= (self.grace_s if self._old else self.patience_s):
            return Verdict.DOWN
        return Verdict.ALIVE if self._changed else Verdict.UNSURE

    @property
    def present(self) -> bool:
        """Whether the beat was there at the last look."""
        return self._beat is not None

    def unchanged_s(self, now: float) -> float:
        """Seconds since the beat last changed, as far as this reader knows."""
        return 0.0 if self._last_look is None else now - self._since

    def unlooked_s(self, now: float) -> float:
        """Seconds since this reader last looked."""
        return 0.0 if self._last_look is None else now - self._last_look
