"""One line on the terminal that is written over in place, and gone before anything else is written."""

import os
import sys

from aexp.cli.cells import cells, head
from aexp.cli.terminal import is_terminal

UNKNOWN = 80
_END_OF_LINE = "\033[K"
_END_OF_SCREEN = "\033[J"


class StatusLine:
    """The last line of standard error, as long as nothing else is written.

    What is drawn is shorter than the terminal is wide, so that no terminal wraps it. Where standard error is
    no terminal, or one that cannot go back in a line, nothing is ever drawn.
    """

    def __init__(self) -> None:
        self.possible = is_terminal(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"
        self._drawn = ""
        self._width = self._cells = 0

    @property
    def room(self) -> int:
        """Columns that may be drawn in."""
        try:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
        except OSError:
            columns = 0
        # A terminal that was never told its size says 0.
        return (columns or UNKNOWN) - 1

    def draw(self, text: str, styled: str | None = None) -> None:
        """Show the text in place of what was shown before; the same text again costs nothing.

        Args:
            text: one line of printable characters; what is too long for the terminal is cut.
            styled: the same with colours, written where it was not cut.
        """
        if not self.possible or not self._in_front():
            return
        room = self.room
        if (text, room) == (self._drawn, self._width):
            return
        cut = fitting(text, room, sys.stderr.encoding)
        shown = styled if styled is not None and cut == text else cut
        # Written first and cleared behind, in one piece: nothing is ever blank in between.
        _write(f"{self._to_its_beginning()}{shown}{_END_OF_LINE}")
        self._drawn, self._width, self._cells = text, room, cells(cut)

    def clear(self) -> None:
        """Take it away, so that something else can be written in its place."""
        if self._drawn:
            _write(f"{self._to_its_beginning()}{_END_OF_LINE}")
            self._drawn = ""

    def _to_its_beginning(self) -> str:
        above = max(self._cells - 1, 0) // (self.room + 1)
        if not above or os.environ.keys() & {"XTERM_VERSION", "STY"}:
            # These two cut a line when the terminal becomes narrower; all others break it.
            return "\r"
        return f"\r\033[{above}A{_END_OF_SCREEN}"

    @staticmethod
    def _in_front() -> bool:
        """Whether the terminal is ours: with ``&`` behind the command it is the shell's."""
        try:
            return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
        except OSError:
            return False


def fitting(text: str, room: int, encoding: str) -> str:
    """The text in characters that the terminal has, in no more than so many columns; what is cut says so.

    >>> fitting("正在接收", 5, "utf-8"), fitting("正在", 9, "ascii")
    ('正在…', '??')
    """
    text = text.encode(encoding, "replace").decode(encoding)
    end = "…" if "…".encode(encoding, "replace") != b"?" else "."
    return head(text, room, end) if room > 0 else ""


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
