"""Private git directories that are kept for the next request like the last.

Making one takes longer than most questions to git. Nothing but the link of the index is needed of it for an
operation that does not write, and such an operation may not write into it either: so it can serve again, as
long as what was read of the working copy is the same to the byte.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aexp.adapters.workshop.git_house import GitHouse, discard_house
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.destinations import Destination

MOST_KEPT = 64
"""Working copies whose last directory is kept."""
KEPT_FOR_S = 3600.0
"""Seconds; what cleans up old files of a machine waits for days."""


@dataclass(frozen=True)
class _Kept:
    study: GitStudy
    destinations: tuple[Destination, ...]
    made: float
    house: GitHouse


class KeptHouses:
    """The directories that nobody is in at the moment, at most one for a working copy.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[Path, _Kept] = OrderedDict()

    def take(
        self, study: GitStudy, destinations: Sequence[Destination], build: Callable[[], GitHouse]
    ) -> GitHouse:
        """One for this reading of a working copy: a kept one, or one that ``build`` makes.

        Closing it keeps it. While somebody is in it nobody else gets it.
        """
        found, wanted = self._kept.pop(study.layout.root, None), tuple(destinations)
        if found is not None:
            if self._still_fits(found) and (found.study, found.destinations) == (study, wanted):
                return found.house
            discard_house(found.house.path)
        return replace(build(), leave=partial(self._keep, study, wanted, self._now()))

    def _still_fits(self, kept: _Kept) -> bool:
        return self._now() - kept.made < KEPT_FOR_S and kept.house.path.is_dir()

    def _keep(
        self, study: GitStudy, destinations: tuple[Destination, ...], made: float, house: GitHouse
    ) -> None:
        before = self._kept.pop(study.layout.root, None)
        self._kept[study.layout.root] = _Kept(study, destinations, made, house)
        if before is None and len(self._kept) > MOST_KEPT:
            _, before = self._kept.popitem(last=False)
        if before is not None:
            discard_house(before.house.path)
