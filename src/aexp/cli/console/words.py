"""What a console says, as plain lines for a width; no Textual, no markup."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from aexp.airgapped.console.picture import Past, Picture, Running
from aexp.airgapped.inspection import RequestView
from aexp.cli.cells import cells, head, padded
from aexp.cli.cutting import folder, host_of, tail
from aexp.domain.consent import State
from aexp.domain.decisions import Waiting
from aexp.domain.grant_offers import GrantLine
from aexp.domain.text import age

NARROW = 66
"""Columns below which a request that waits takes two lines."""
ROOMY = 90
"""Columns from which on operations get half of what there is more."""
ID_CHARS = 8
_OP_CHARS = 26
_AGE_CHARS = 7
_HOST_CHARS = 12
_PLAIN, _DIM, _BAD = "", "dim", "ansi_red"


@dataclass(frozen=True)
class Words:
    """Turns what is to be shown into lines.

    Attributes:
        width: columns.
        home: the path that is shown as ``~``.
    """

    width: int
    home: str

    def waiting(self, one: Waiting, now: float) -> str:
        """A request that waits: one line, or two where there is little room."""
        short, old = one.request_id[:ID_CHARS], coarse_age(one.since, now)
        operation = " ".join([one.op, *one.args])
        if self.width < NARROW:
            room = self.width - ID_CHARS - len(old) - 4
            return f"{short}  {_head(operation, room)}  {old}\n  {self._folder(one.cwd, 2)}"
        parts = (
            short,
            padded(_head(operation, self._op_chars), self._op_chars),
            f"{old:>{_AGE_CHARS}}",
            padded(_head(host_of(one.client), _HOST_CHARS), _HOST_CHARS),
        )
        begin = "  ".join(parts) + "  "
        return begin + self._folder(one.cwd, cells(begin))

    def grant(self, one: GrantLine) -> str:
        """What runs without a question, until when, and how that is ended."""
        begin = f"granted {one.short} until {_clock(one.until)}: {one.op}, {one.uses} used, "
        return _head(begin + self._folder(one.root, cells(begin)), self.width)

    def running(self, found: Iterable[Running], now: float, lines: int) -> list[tuple[str, str]]:
        """What runs, each with the last ``lines`` of its output; the text of a line, and its style."""
        told: list[tuple[str, str]] = []
        for one in found:
            told.append((self._running(one.view, now), _PLAIN))
            tail = one.tail[-lines:] if lines else ()
            told += [(f"  | {_head(line, self.width - 4)}", _DIM) for line in tail]
        return told

    def past(self, one: Past) -> tuple[str, str]:
        """A request that is over: its line and the line's style."""
        fine = one.state is State.COMPLETED and one.returncode == 0
        status = "ok" if fine else str(one.state or "?")
        if one.state is State.COMPLETED and one.returncode:
            status = f"failed {one.returncode}"
        if self.width < NARROW:
            begin = f"{_clock(one.at)} {status:<8} {one.op} "
            return begin + self._folder(one.cwd, cells(begin)), _PLAIN if fine else _BAD
        operation = _head(" ".join(filter(None, [one.op, one.args])), self._op_chars)
        short = one.request_id[:ID_CHARS]
        begin = f"{_clock(one.at)}  {short}  {status:<10}  {padded(operation, self._op_chars)}  "
        decided = f"approved: {one.decided}" if one.decided else ""
        told = f"  {one.error or decided}" if one.error or decided else ""
        folder = self._folder(one.cwd, cells(begin) + min(cells(told), self.width // 4))
        return _head(f"{begin}{folder}{told}", self.width), _PLAIN if fine else _BAD

    @property
    def _op_chars(self) -> int:
        return _OP_CHARS + max(self.width - ROOMY, 0) // 2

    def _running(self, view: RequestView, now: float) -> str:
        state = "waits its turn" if view.state is State.APPROVED else ""
        old = coarse_age(view.when, now)
        operation = _head(" ".join([view.op, *view.args]), self._op_chars)
        begin = "  ".join(filter(None, [view.request_id[:ID_CHARS], operation, old, state])) + "  "
        return _head(begin + self._folder(view.cwd, cells(begin)), self.width)

    def _folder(self, cwd: str, used: int) -> str:
        """A folder in what room is left. Its end is what tells it from its neighbours."""
        return tail(folder(cwd, self.home), max(self.width - used, 8))


def headline(picture: Picture) -> str:
    """The first line: how the daemon stands."""
    return f"aexp relay  {picture.standing.what}"


def coarse_age(then: float | None, now: float) -> str:
    """An age that changes once a minute at most, so that nothing is drawn anew for it."""
    if then is None:
        return "?"
    seconds = now - then
    if seconds < 60:
        return "<1 min"
    return "1 min" if seconds < 120 else age(seconds)


def _clock(at: float | None) -> str:
    try:
        return time.strftime("%H:%M", time.localtime(at)) if at is not None else "  ?  "
    except (OverflowError, ValueError, OSError):
        return "  ?  "


def _head(text: str, room: int) -> str:
    return head(text, max(room, 4))
