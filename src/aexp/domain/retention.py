"""What may be deleted, and when, without asking any file for its date.

Dates of files come from other nodes' clocks and cost a look-up each. Instead the daemon notes, once for
each name, the day on which it first saw it: one ledger a day, ``sweep/<YYYY-MM-DD>``, a name a line. What
a ledger lists may go once the ledger is older than the retention.
"""

import datetime as dt
import io
from collections.abc import Iterable, Iterator

from aexp.domain import layout

KEEP_DAYS = 7
SWEPT = (
    layout.OUTBOX,
    layout.REPLIED,
    layout.LOG,
    layout.APPROVED,
    layout.REJECTED,
    layout.STALE,
    layout.CANCEL,
    layout.WAITING,
    layout.BAD,
    layout.SCRATCH,
)
"""The folders in which nothing stays for ever."""
SWEPT_SHARED = (*SWEPT, layout.STARTED)
"""The same where several daemons may serve."""


def ledger(day: dt.date) -> str:
    """The name of a day's ledger."""
    return f"{layout.SWEEP}/{day.isoformat()}"


def lines(data: bytes) -> Iterator[str]:
    """The names in a ledger that lie in a folder which may be swept; anything else is ignored."""
    for line in io.BytesIO(data):
        # As file names are decoded: a name that is no text must come back as it was.
        name = line.removesuffix(b"\n").decode("utf-8", "surrogateescape")
        if _sweepable(name):
            yield name


def _sweepable(name: str) -> bool:
    folder, slash, entry = name.partition("/")
    return (
        bool(slash) and folder in SWEPT_SHARED and entry not in ("", ".", "..") and "/" not in entry
    )


def entry(names: Iterable[str]) -> bytes:
    """Names as they are appended to a ledger."""
    return "".join(f"{name}\n" for name in names if "\n" not in name).encode(
        "utf-8", "surrogateescape"
    )


def due(entries: Iterable[str], today: dt.date) -> list[str]:
    """The ledgers (entries of ``sweep/``) whose names have been there for longer than the retention."""
    oldest = today - dt.timedelta(days=KEEP_DAYS)
    return sorted(name for name in entries if (day := _day(name)) is not None and day < oldest)


def current(entries: Iterable[str], today: dt.date) -> list[str]:
    """The ledgers that may still hold what is there: at most a day away from the retention's span."""
    span = dt.timedelta(days=KEEP_DAYS + 1)
    return sorted(
        name for name in entries if (day := _day(name)) is not None and abs(day - today) <= span
    )


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(name)
    except ValueError:
        return None
