"""Writing to standard output and error as click does it, for commands that do without click."""

import codecs
import json
import os
import re
import sys
from typing import Any, TextIO

from aexp.domain.errors import AexpError

SCHEMA = 1
"""The version of everything that ``--json`` prints."""

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
_SEQUENCE = re.compile(r"\033\[[0-?]*[ -/]*[@-~]")


def style(text: str, fg: str, *, bold: bool = False) -> str:
    """The text in a colour, for :func:`echo`."""
    thick = "\033[1m" if bold else ""
    return f"\033[{_COLOURS[fg]}m{thick}{text}\033[0m"


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Write the text at once; its colours only where a terminal shows them (see no-color.org)."""
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        return
    _make_writable(stream)
    told = f"{text}\n" if nl else text
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        told = _SEQUENCE.sub("", told)
    stream.write(told)
    stream.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end; Python has no stream where it was closed before the start."""
    return stream is not None and stream.isatty()


def print_json(body: dict[str, Any]) -> None:
    """One JSON object on standard output, with the version of its shape."""
    whole = {"schema": SCHEMA, **body}
    told = json.dumps(whole, ensure_ascii=False, default=str)
    try:
        told.encode()
    except UnicodeEncodeError:
        # A file's name that is no text is half a character here; JSON can spell that out.
        told = json.dumps(whole, default=str)
    echo(told)


def show_error(error: AexpError) -> None:
    """What happened, and what to do next, on standard error."""
    echo(f"{style('error:', 'red', bold=True)} {error.what}", err=True)
    if error.hint:
        echo(f"{style('  next:', 'cyan')} {error.hint}", err=True)


def show_note(text: str) -> None:
    """What the relay has to say beside the operation's output, on standard error."""
    echo(f"{style('note:', 'yellow')} {text}", err=True)


def _make_writable(stream: TextIO) -> None:
    """Let a stream that would fail at the first letter beyond ASCII write UTF-8."""
    if stream.encoding and codecs.lookup(stream.encoding).name == "ascii":
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[attr-defined]
