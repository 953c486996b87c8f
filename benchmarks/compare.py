"""Two runs side by side: what got better, what got worse, and what is only noise.

A figure is flagged when it is the relay's own, not a baseline, and got worse by more than the noise: half of
what the two runs' samples spread together, which is when their ranges, laid around the medians, no longer
touch; by more than a twentieth in any case, or a quarter where there is but one sample; and by more than the
figure's grain.

What has a baseline is judged by its ratio to the first of them, the one that a slower machine slows as much:
its samples were taken in turns with the figure's, so this ratio spreads less than either. What broke in the
new run counts as worse; what was only not measured, and a target that is missed now, is told.
"""

from collections.abc import Collection
from dataclasses import dataclass

from benchmarks.machine import COMPARABLE
from benchmarks.results import Figure, Ratio, Results, Series
from benchmarks.table import number

FLOOR = 0.05
LONE_FLOOR = 0.25


@dataclass(frozen=True)
class Change:
    """One figure in both runs.

    Attributes:
        factor: the new median divided by the old one.
        noise: how much of a change may be noise, in what the figure is judged by.
        verdict: ``worse`` (flagged), ``better``, or empty for noise.
    """

    figure: Figure
    old: float
    new: float
    factor: float
    noise: float
    verdict: str

    @property
    def worse(self) -> bool:
        """Whether it is flagged."""
        return self.verdict == "worse"


def changes(old: Results, new: Results) -> list[Change]:
    """What both runs measured, in the order of the new one."""
    found = []
    for figure in new.figures:
        before = old.find(figure.name)
        if before is not None:
            found.append(_change(before, figure))
    return found


def differences(old: Results, new: Results) -> list[str]:
    """What makes the two runs hard to compare: other machines, and what one of them lacks."""
    told = [
        f"{fact}: {old.machine.get(fact, '?')}, now {new.machine.get(fact, '?')}"
        for fact in COMPARABLE
        if old.machine.get(fact) != new.machine.get(fact)
    ]
    gone = [figure.name for figure in old.figures if new.find(figure.name) is None]
    return [
        *told,
        *(f"not measured any more: {name}" for name in gone),
        *(f"target missed now: {name}" for name in _newly_missed(old, new)),
    ]


def _newly_missed(old: Results, new: Results) -> list[str]:
    def missed(run: Results) -> dict[str, bool]:
        return {one.name: any(t.met is False for t in one.targets) for one in run.figures}

    before = missed(old)
    return [name for name, bad in missed(new).items() if bad and before.get(name) is False]


def render(found: list[Change], different: list[str], failed: Collection[str] = ()) -> str:
    """A table, and what is flagged below it.

    Args:
        failed: the measures that broke in the new run.
    """
    lines = [f"{'':<36}{'old':>9}{'new':>10}  {'unit':<9}{'new/old':>8}{'noise':>9}"]
    lines += [_line(change) for change in found]
    lines += ["", *(f"note: {text}" for text in different)]
    flagged = [change.figure.name for change in found if change.worse]
    flagged += [f"{name} (it broke)" for name in failed]
    lines.append(f"WORSE: {', '.join(flagged)}" if flagged else "nothing got worse beyond noise")
    return "\n".join(lines)


def _line(change: Change) -> str:
    name = change.figure.name if change.figure.ours else f"({change.figure.name})"
    noise = f"±{change.noise:.0%}"
    return (
        f"{name:<36}{number(change.old):>9}{number(change.new):>10}  {change.figure.unit:<9}"
        f"{change.factor:>8.2f}{noise:>9}  {change.verdict}"
    ).rstrip()


def _change(old: Figure, new: Figure) -> Change:
    factor, noise = _factor(old, new), _noise(old, new, new.grain)
    judged, band, less_is_better = factor, noise, new.better == "less"
    ratios = _first_ratios(old, new)
    if ratios is not None:
        before, now = ratios
        judged, band = _factor(before, now), _noise(before, now)
        less_is_better = less_is_better != now.inverted
    verdict = ""
    if new.ours and abs(judged - 1) > band:
        verdict = "worse" if (judged > 1) == less_is_better else "better"
    return Change(new, old.median, new.median, factor, band, verdict)


def _first_ratios(old: Figure, new: Figure) -> tuple[Ratio, Ratio] | None:
    """The ratio to the baseline that comes first, in both runs; None where one has none or another one."""
    if not old.ratios or not new.ratios or old.ratios[0].to != new.ratios[0].to:
        return None
    return old.ratios[0], new.ratios[0]


def _factor(old: Series, new: Series) -> float:
    if old.median == new.median:
        return 1.0
    return new.median / old.median if old.median else float("inf")


def _noise(old: Series, new: Series, grain: float = 0.0) -> float:
    lone = min(len(old.samples), len(new.samples)) == 1
    floor = LONE_FLOOR if lone else FLOOR
    if not old.median:
        return float("inf") if new.median <= grain else floor
    width = (old.most - old.least + new.most - new.least) / 2
    return max(max(width, grain) / abs(old.median), floor)
