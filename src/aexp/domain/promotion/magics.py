"""What only IPython understands, commented out line by line, so that line numbers stay what they were."""

import re
from dataclasses import dataclass

_KEPT_BODIES = frozenset({"time", "capture", "prun"})
"""Magics whose cell is ordinary Python that leaves its names behind."""

_CELL_MAGIC = re.compile(r"%%([\w.]+)")
# What may stand before a `=`: names, attributes, and items by a name, a number or a text.
_TARGET = r"""(?:[\w.,\s*\[\]]|\[(?:'[^'\\]*'|"[^"\\]*")\])+="""
_TIME = re.compile(rf"(\s*(?:{_TARGET}\s*)?)%time\s+(\S.*)")
# None of these can begin a statement of Python.
_ESCAPE = re.compile(r"\s*[%!?/,;]")
_ASSIGNED = re.compile(rf"\s*{_TARGET}\s*(?:!|%[A-Za-z_])")
_HELP = re.compile(r"\s*%{0,2}[\w.*\[\]]+\?{1,2}\s*")
_QUOTES = ("'''", '"""', "'", '"')
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


@dataclass(frozen=True)
class CommentedOut:
    """A line that does not run in the script: its number in the cell, from 1, and its text."""

    line: int
    text: str


def plain_python(source: str) -> tuple[str, tuple[CommentedOut, ...]]:
    """The cell as Python alone, and what was commented out for that.

    ``%time`` before a statement or a value, and ``%%time``, ``%%capture`` and ``%%prun`` above a cell are
    taken off, which changes nothing else. Under any other ``%%magic`` the whole cell is commented out.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    # IPython takes the first line's indentation off every line that has it.
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip(" \t"))]
    lines = [line.removeprefix(indent) for line in lines]
    found = _CELL_MAGIC.match(lines[first])
    if found and found[1] not in _KEPT_BODIES:
        told = CommentedOut(first + 1, f"{lines[first].strip()}, with all that is below it")
        return "\n".join(f"# {line}".rstrip() for line in lines), (told,)
    return _line_by_line(lines)


def _line_by_line(lines: list[str]) -> tuple[str, tuple[CommentedOut, ...]]:
    kept: list[str] = []
    out: list[CommentedOut] = []
    state, goes_on = _State(), False
    for number, line in enumerate(lines, 1):
        # A shell line goes on behind a backslash, as a statement does.
        if goes_on or (not state.open and _for_ipython(line)):
            kept.append(f"# {line}" if goes_on else _commented(line))
            if not _TIME.fullmatch(line) and not _CELL_MAGIC.match(line):
                out.append(CommentedOut(number, line.strip()))
            goes_on = line.endswith("\\")
        else:
            kept.append(line)
            state.read(line)
    return "\n".join(kept), tuple(out)


def _for_ipython(line: str) -> bool:
    return bool(_ESCAPE.match(line) or _ASSIGNED.match(line) or _HELP.fullmatch(line))


def _commented(line: str) -> str:
    timed = _TIME.fullmatch(line)
    if timed:
        return f"{timed[1]}{timed[2]}  # %time"
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    # A block must not lose its only statement.
    return f"{indent}pass  # {text}" if indent else f"# {text}"


class _State:
    """Whether a statement goes on behind the lines read so far: in a string, in brackets, by a backslash."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        self._joined = False

    @property
    def open(self) -> bool:
        return bool(self._quote) or self._depth > 0 or self._joined

    def read(self, line: str) -> None:
        at = 0
        self._joined = False
        while at < len(line):
            at += self._in_string(line, at) if self._quote else self._outside(line, at)
        # A string in single quotes ends with its line, unless a backslash joins the next one.
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""

    def _in_string(self, line: str, at: int) -> int:
        if line[at] == "\\":
            return 2
        if line.startswith(self._quote, at):
            length = len(self._quote)
            self._quote = ""
            return length
        return 1

    def _outside(self, line: str, at: int) -> int:
        if line[at] == "#":
            return len(line)
        for quote in _QUOTES:
            if line.startswith(quote, at):
                self._quote = quote
                return len(quote)
        self._depth = max(0, self._depth + _DEPTH.get(line[at], 0))
        self._joined = line[at:] == "\\"
        return 1
