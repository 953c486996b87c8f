"""Where a measure notes its samples, and makes figures of them in the end."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import stats
from benchmarks.results import Figure, Limit, Ratio


@dataclass(frozen=True)
class Against:
    """A baseline that a figure is to be divided by, or to divide when ``inverted``."""

    to: str
    limit: Limit | None = None
    inverted: bool = False


def times(to: str, *, at_most: float | None = None, at_least: float | None = None) -> Against:
    """``figure / to``, with a target if one is given."""
    return Against(to, _limit(at_most, at_least))


def better_than(to: str, *, at_least: float | None = None) -> Against:
    """``to / figure``: how many times less the figure is than ``to``."""
    return Against(to, _limit(None, at_least), inverted=True)


def _limit(at_most: float | None, at_least: float | None) -> Limit | None:
    if at_most is None and at_least is None:
        return None
    return Limit(at_most=at_most, at_least=at_least)


class Sheet:
    """The samples of one measure.

    Args:
        measure: its name, which every figure's name begins with.
    """

    def __init__(self, measure: str) -> None:
        self._measure = measure
        self._samples: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, what: str, *values: float) -> None:
        """Note values: one for each repetition."""
        self._samples[what].extend(values)

    def add_latencies(self, what: str, values: Sequence[float]) -> None:
        """Note the median and the 99th percentile of one repetition's latencies."""
        self.add(f"{what}.p50".lstrip("."), stats.quantile(values, 0.5))
        self.add(f"{what}.p99".lstrip("."), stats.quantile(values, 0.99))

    def has(self, what: str) -> bool:
        """Whether anything was noted."""
        return what in self._samples

    def figure(self, what: str, unit: str, *against: Against, **about: Any) -> Figure:
        """The figure that the noted values make.

        Args:
            against: its baselines, by what they were noted under.
            about: more of a :class:`~benchmarks.results.Figure`'s fields.

        Raises:
            ValueError: nothing was noted.
        """
        if what not in self._samples:
            raise ValueError(f"{self._measure}.{what} was not measured")
        ratios = tuple(self._ratio(what, baseline) for baseline in against)
        samples = tuple(self._samples[what])
        name = f"{self._measure}.{what}"
        return Figure(name=name, unit=unit, samples=samples, ratios=ratios, **about)

    def baseline(self, what: str, unit: str, **about: Any) -> Figure:
        """The same for something that is not the relay's."""
        return self.figure(what, unit, ours=False, **about)

    def _ratio(self, what: str, against: Against) -> Ratio:
        over, under = self._samples[what], self._samples[against.to]
        if against.inverted:
            over, under = under, over
        return Ratio(
            to=f"{self._measure}.{against.to}",
            samples=tuple(stats.paired_ratios(over, under)),
            inverted=against.inverted,
            limit=against.limit,
        )
