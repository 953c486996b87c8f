"""What the programs that know quotas print, read column by column.

``quota -w -p`` (quota(1)) and ``lfs quota -q`` (lfs-quota(1)) give a line for each filesystem with the
same eight columns at its end: used, soft, hard, grace; first for blocks of 1 KiB, then for files.
"""

import re
from collections.abc import Callable

from aexp.domain.checkup.space import Quota, Usage

BLOCK_BYTES = 1024
_COLUMNS = 8
_NUMBER = re.compile(r"[0-9]{1,19}")
_SPAN = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?")
_SPAN_S = (604800, 86400, 3600, 60, 1)

Grace = Callable[[str], float | None]


def quota_report(text: str, now: float) -> Quota | None:
    """What ``quota -w -p -v`` says of one filesystem; None when it cannot be understood.

    Args:
        now: seconds since 1970, against which the end of a grace is given.
    """

    def grace(column: str) -> float | None:
        return float(column) - now if _NUMBER.fullmatch(column) and column != "0" else None

    return _one_line(text, grace)


def lfs_report(text: str) -> Quota | None:
    """What ``lfs quota -q`` says; None when it cannot be understood, or says itself that it is inaccurate."""
    return _one_line(text, _lfs_grace)


def _one_line(text: str, grace: Grace) -> Quota | None:
    # A long path of the mount point stands in a line of its own, and words of the tool in others.
    found = [quota for line in text.splitlines() if (quota := _columns(line.split(), grace))]
    return found[0] if len(found) == 1 else None


def _columns(words: list[str], grace: Grace) -> Quota | None:
    columns = words[-_COLUMNS:]
    if len(columns) < _COLUMNS:
        return None
    blocks, files = _usage(columns[:4], grace, BLOCK_BYTES), _usage(columns[4:], grace, 1)
    return None if blocks is None or files is None else Quota(blocks, files)


def _usage(columns: list[str], grace: Grace, unit: int) -> Usage | None:
    # A star marks what is over a limit. What lfs puts in brackets is inaccurate, and is no number here.
    numbers = [column.removesuffix("*") for column in columns[:3]]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    used, soft, hard = (int(number) * unit for number in numbers)
    return Usage(used, soft, hard, grace(columns[3]) if 0 < soft < used else None)


def _lfs_grace(column: str) -> float | None:
    if column in ("none", "expired"):
        return 0.0
    found = _SPAN.fullmatch(column)
    if found is None or not any(found.groups()):
        return None
    return float(
        sum(int(part or 0) * size for part, size in zip(found.groups(), _SPAN_S, strict=True))
    )
