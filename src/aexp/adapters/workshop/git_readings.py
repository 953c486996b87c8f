"""What was read of a working copy a moment ago, for a request that starts right after it was surveyed."""

import time
from collections import OrderedDict
from collections.abc import Callable

from aexp.adapters.workshop.git_layout import GitLayout
from aexp.adapters.workshop.git_study import GitStudy

FRESH_S = 0.1
"""Seconds. What changes the working copy within them could as well do it right after a second reading."""
MOST_KEPT = 256

Reading = tuple[GitLayout, GitStudy]


class Readings:
    """The last readings, by the request that they were made for.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[str, tuple[float, Reading]] = OrderedDict()

    def keep(self, request_id: str, reading: Reading) -> None:
        """Remember the reading for a moment."""
        self._kept[request_id] = (self._now(), reading)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def pop(self, request_id: str) -> Reading | None:
        """The reading for this request, once, while it is fresh."""
        made, reading = self._kept.pop(request_id, (float("-inf"), None))
        return reading if self._now() - made < FRESH_S else None
