"""Room for requests, answers and logs: what is free, and what of it is this user's to take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aexp.domain.findings import Finding, Unknown, fail, ok, warn
from aexp.domain.text import age, amount

LEAST_BYTES = 64 << 20
LEAST_INODES = 1000
MOST_USED = 0.9
"""The part of a quota from which on it is nearly used up."""
_SPACE_FIX = "Free space or inodes there: see `df -h`, `df -i` and `quota -s`."
_QUOTA_FIX = (
    "Remove or move what you do not need (`du -xsh ~/* ~/.[!.]* | sort -h`), or ask for more."
)


@dataclass(frozen=True)
class Space:
    """What is free on a filesystem; ``inodes`` is None where it does not count them."""

    bytes: int
    inodes: int | None


@dataclass(frozen=True)
class Usage:
    """What one user has of bytes or files, and may have.

    Attributes:
        soft: may be exceeded until the grace is over; 0 for no such limit.
        hard: can never be exceeded; 0 for no such limit.
        grace_s: seconds of grace that are left (none below 0); None when the soft limit is not exceeded, or
            when it is not known.
    """

    used: int
    soft: int = 0
    hard: int = 0
    grace_s: float | None = None

    @property
    def limit(self) -> int:
        """What counts in the end; 0 for no limit."""
        return self.hard or self.soft

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be had."""
        reached = 0 < self.hard <= self.used
        return reached or (self.is_in_grace and self.grace_s is not None and self.grace_s <= 0)

    @property
    def is_in_grace(self) -> bool:
        """Whether more is used than may stay."""
        return 0 < self.soft < self.used

    @property
    def is_nearly_over(self) -> bool:
        """Whether there is little left, or more used than may stay."""
        return self.is_in_grace or 0 < self.limit * MOST_USED <= self.used


@dataclass(frozen=True)
class Quota:
    """The quota of one user on a filesystem."""

    bytes: Usage
    files: Usage


def judge_space(name: str, space: Space) -> Finding:
    """Whether there is room for requests, answers and logs."""
    counted = "" if space.inodes is None else f", {space.inodes} inodes"
    told = f"{space.bytes / (1 << 20):.0f} MiB free{counted} (a quota may leave less)"
    inodes = LEAST_INODES if space.inodes is None else space.inodes
    if space.bytes <= 0 or inodes <= 0:
        return fail(name, f"the filesystem is full: {told}", _SPACE_FIX)
    if space.bytes < LEAST_BYTES or inodes < LEAST_INODES:
        return warn(name, f"little room is left: {told}", _SPACE_FIX)
    return ok(name, told)


def judge_quota(name: str, quota: Quota | Unknown) -> Finding:
    """Whether this user's quota leaves room."""
    if isinstance(quota, Unknown):
        return ok(name, f"not known: {quota.why}")
    told = "; ".join(_told(quota))
    both = (quota.bytes, quota.files)
    if any(one.is_over for one in both):
        return fail(name, f"your quota is used up: {told}", _QUOTA_FIX)
    if any(one.is_nearly_over for one in both):
        return warn(name, f"your quota is nearly used up: {told}", _QUOTA_FIX)
    return ok(name, told)


def _told(quota: Quota) -> Iterator[str]:
    yield _used(quota.bytes, amount, "") + _grace(quota.bytes)
    yield _used(quota.files, str, " files") + _grace(quota.files)


def _used(usage: Usage, shown: Callable[[int], str], noun: str) -> str:
    if not usage.limit:
        return f"{shown(usage.used)}{noun}, no limit"
    part = 100 * usage.used // usage.limit
    return f"{shown(usage.used)} of {shown(usage.limit)}{noun} ({part} %)"


def _grace(usage: Usage) -> str:
    if not usage.is_in_grace:
        return ""
    if usage.grace_s is None:
        return ", over the soft limit"
    left = f"{age(usage.grace_s)} of grace left" if usage.grace_s > 0 else "no grace left"
    return f", over the soft limit with {left}"
