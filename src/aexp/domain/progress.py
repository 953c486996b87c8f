"""Output that is still coming: from the bytes of a growing log to finished lines."""

import codecs
import re

MAX_HELD = 64 * 1024
"""Characters of a line without an end from which on it is given in pieces."""
_RECENT = 200
_OF_GIT = re.compile(
    r"(?:remote: )?(?:"
    r"[A-Z][a-z]+(?: [a-z]+){1,3}: +(?:\d+|\d+% \(\d+/\d+\)(?:, [\d.]+ \w+(?: \| [\d.]+ \w+/s)?)?), "
    r"(?:done|completed with \d+ local objects?)\."
    r"|Delta compression using up to \d+ threads?"
    r"|Total \d+ \(delta \d+\), reused \d+ \(delta \d+\)(?:, pack-reused \d+(?: \(from \d+\))?)?"
    r")\s*"
)
"""What git says of its own work where somebody watches, and leaves out of a pipe."""
_MAY_BE_OF_GIT = ("done.", " local object", "Delta compression", "Total ")
"""One of these is in each such line."""


class LogText:
    """The output in a log whose bytes come in pieces, wherever they are cut.

    The log's own first line, ``$ command  (cwd=…)``, is left out. What is no UTF-8 is replaced.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._heading: bytes | None = b""

    def feed(self, data: bytes) -> str:
        """The text of what comes next."""
        return self._decoder.decode(self._after_heading(data))

    @property
    def unfinished(self) -> str:
        """What the first bytes of a character stand for if the rest of it never comes."""
        return self._decoder.getstate()[0].decode("utf-8", "replace")

    def _after_heading(self, data: bytes) -> bytes:
        if self._heading is None:
            return data
        data = self._heading + data
        if not data.startswith(b"$ "):
            whole = not b"$ ".startswith(data)
            self._heading = None if whole else data
            return data if whole else b""
        _, end, rest = data.partition(b"\n")
        self._heading = None if end else b"$ "
        return rest


class ProgressLines:
    r"""Text to lines, of each only its last state; git's progress is left out once it has come to its end.

    A carriage return goes back to the beginning of the line: what comes after it stands in place of what
    stood before it. A line is given when it has ended, so of progress only the last state is; the last
    line of all may have no end.

    >>> lines = ProgressLines()
    >>> lines.feed("10%\r20%\r"), lines.feed("done\nnext"), lines.close()
    ([], ['done\n'], ['next'])

    Attributes:
        chars: characters given so far.
    """

    def __init__(self) -> None:
        self._held = ""
        self._recent = ""
        self.chars = 0

    def feed(self, text: str) -> list[str]:
        r"""The lines that have ended by now, each with its ``\n``."""
        *ended, rest = (self._held + text).split("\n")
        states = map(_last_state, ended)
        lines = self._given([f"{state}\n" for state in states if not _OF_GIT.fullmatch(state)])
        # Whether a carriage return at the end replaces the line or belongs to its end is not known yet.
        self._held = _last_state(rest) + ("\r" if rest.endswith("\r") else "")
        return [*lines, *self.close()] if len(self._held) > MAX_HELD else lines

    def feed_whole(self, text: str) -> str:
        """The same as :meth:`feed` in one piece, without taking apart what no line of progress is in."""
        whole = self._held + text
        if "\r" in whole or any(word in whole for word in _MAY_BE_OF_GIT):
            return "".join(self.feed(text))
        end = whole.rfind("\n") + 1
        ended, self._held = whole[:end], whole[end:]
        return "".join(
            [*self._given([ended]), *(self.close() if len(self._held) > MAX_HELD else ())]
        )

    def close(self) -> list[str]:
        """The last state of a line without an end, if there is one."""
        rest, self._held = self.current, ""
        return self._given([rest] if rest else [])

    def go_on(self, text: str) -> list[str]:
        """What was given goes on with this, to its end; in place of the line that has not ended yet."""
        self._held = ""
        return [*self.feed(text), *self.close()]

    @property
    def current(self) -> str:
        """The line that has not ended yet, as it stands now."""
        return _last_state(self._held)

    def begins(self, text: str) -> bool:
        """Whether the text goes on from what was given, as far as its end can tell."""
        return self.chars <= len(text) and text.endswith(self._recent, 0, self.chars)

    def ends(self, text: str, unfinished: str = "") -> bool:
        """Whether the text has the end that has come, so that nothing of it is missing.

        Args:
            unfinished: what comes after it if nothing more comes.
        """
        come = (self._recent + _last_state(self._held + unfinished))[-_RECENT:]
        return bool(come) and text.endswith(come)

    def _given(self, lines: list[str]) -> list[str]:
        self.chars += sum(map(len, lines))
        for line in lines[-_RECENT:]:
            self._recent = (self._recent + line[-_RECENT:])[-_RECENT:]
        return lines


def collapsed(text: str) -> str:
    r"""The whole text with the last state alone of each line.

    >>> collapsed("10%\r20%\rdone\n")
    'done\n'
    """
    lines = ProgressLines()
    return "".join([*lines.feed(text), *lines.close()])


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
