"""Two runs side by side: what got better, what got worse, and what is only noise.

A figure is flagged when all of this holds:

- it is the relay's own, not a baseline;
- its median got worse by more than the noise: half of what the two runs' samples spread together, which is
  when their ranges, laid around the medians, no longer touch; by more than a twentieth in any case, or a
  quarter where there is but one sample; and by more than the figure's grain;
- so did one of its ratios to a baseline of the same run, if it has any. A machine that is slower today is
  slower for the baselines too.
"""

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
        noise: what of ``factor - 1`` may be noise.
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
    return [*told, *(f"not measured any more: {name}" for name in gone)]


def render(found: list[Change], different: list[str]) -> str:
    """A table, and what is flagged below it."""
    lines = [f"{'':<36}{'old':>9}{'new':>10}  {'unit':<9}{'new/old':>8}{'noise':>9}"]
    lines += [_line(change) for change in found]
    lines += ["", *(f"note: {text}" for text in different)]
    flagged = [change.figure.name for change in found if change.worse]
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
    verdict = ""
    if new.ours and abs(factor - 1) > noise:
        got_worse = (factor > 1) == (new.better == "less")
        if not got_worse:
            verdict = "better"
        elif _ratios_agree(old, new):
            verdict = "worse"
    return Change(new, old.median, new.median, factor, noise, verdict)


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


def _ratios_agree(old: Figure, new: Figure) -> bool:
    """Whether a ratio got worse as well, or there is none that both have."""
    before = {ratio.to: ratio for ratio in old.ratios}
    pairs = [(before[ratio.to], ratio) for ratio in new.ratios if ratio.to in before]
    return not pairs or any(_ratio_worse(one, two, new.better) for one, two in pairs)


def _ratio_worse(old: Ratio, new: Ratio, better: str) -> bool:
    factor = _factor(old, new)
    if abs(factor - 1) <= _noise(old, new):
        return False
    less_is_better = (better == "less") != new.inverted
    return (factor > 1) == less_is_better
