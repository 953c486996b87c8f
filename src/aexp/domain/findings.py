"""What one check found: a level, what was seen, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from aexp.domain.text import visible

_MOST_CHARS = 5000  # A path of 4096 bytes is shown whole: it may be part of what to type.


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found, in words that are safe to show.

    Attributes:
        name: the check.
        what: what was seen.
        fix: what to do about it; empty when there is nothing to do.
    """

    name: str
    level: Level
    what: str
    fix: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", visible(self.what, limit=_MOST_CHARS))
        object.__setattr__(self, "fix", visible(self.fix, limit=_MOST_CHARS))


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be had.

    Attributes:
        why: the reason, as the end of a sentence.
    """

    why: str


def ok(name: str, what: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(name, Level.OK, what)


def warn(name: str, what: str, fix: str) -> Finding:
    """A check that found what may become a trouble."""
    return Finding(name, Level.WARN, what, fix)


def fail(name: str, what: str, fix: str) -> Finding:
    """A check that found why the relay does not work, or soon will not."""
    return Finding(name, Level.FAIL, what, fix)


def worst(findings: Iterable[Finding]) -> Level:
    """The highest level of them all."""
    order = [*Level]
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
