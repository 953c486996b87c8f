"""The few numbers that stand for many."""

import statistics
from collections.abc import Sequence

DIGITS = 5


def rounded(value: float) -> float:
    """The value with as many digits as a measurement of this kind deserves."""
    return float(f"{value:.{DIGITS}g}")


def quantile(samples: Sequence[float], part: float) -> float:
    """The value below which ``part`` of the samples lie, between two neighbours in proportion.

    Args:
        samples: at least one, in any order.
        part: from 0 (the smallest) to 1 (the largest).

    Raises:
        ValueError: there are no samples.
    """
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(samples: Sequence[float]) -> float:
    """The middle one.

    Raises:
        ValueError: there are no samples.
    """
    return float(statistics.median(samples))


def paired_ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """``over`` divided by ``under``, repetition by repetition.

    What slows the machine in one repetition slows both, so it cancels out. Where there are not as many of
    the one as of the other, each is divided by the median.

    Raises:
        ValueError: one of them has no samples, or ``under`` holds a zero.
    """
    if len(over) != len(under):
        under = [median(under)] * len(over)
    if not over or not all(under):
        raise ValueError("nothing to divide by")
    return [one / other for one, other in zip(over, under, strict=True)]
