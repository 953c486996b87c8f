"""How the demo looks: one line a step, what was said below it; plain text when piped."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_DIM, _BOLD, _RED, _GREEN, _YELLOW = "2", "1", "31", "32", "33"
_INDENT = " " * 6
_LONG_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


class DemoError(Exception):
    """A step did not go as it must."""


@dataclass
class Step:
    """What there is to tell about one step.

    Attributes:
        outcome: what came of it, in one word.
        said: lines worth showing, such as a program's own words.
    """

    outcome: str = "ok"
    said: list[str] = field(default_factory=list)

    def quote(self, text: str) -> None:
        """Show the lines of a program's output below the step."""
        self.said += [line.rstrip() for line in text.splitlines() if line.strip()]


class Screen:
    """Prints the story; only here are colours and widths known.

    Attributes:
        home: a path that is shown as ``~`` from now on; ids of requests are shown as their first 8 digits.
    """

    def __init__(self) -> None:
        asked = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._colour = asked and sys.stdout.isatty()
        self._began = time.monotonic()
        self.steps = 0
        self.home = ""

    def title(self, text: str) -> None:
        """A heading with an empty line before it."""
        print(f"\n{self._paint(text, _BOLD)}", flush=True)

    def text(self, line: str) -> None:
        """A line of plain words."""
        print(line, flush=True)

    def evidence(self, line: str, indent: str = "  ") -> None:
        """A line that a program wrote: shortened, and dim on a terminal."""
        short = _LONG_ID.sub(r"\1", line.replace(self.home, "~") if self.home else line)
        print(f"{indent}{self._paint(short, _DIM)}".rstrip(), flush=True)

    @contextmanager
    def step(self, where: str, command: str) -> Iterator[Step]:
        """Time what is done inside, and print the step when it is over, however it ends."""
        step = Step()
        self.steps += 1
        began = time.monotonic()
        try:
            yield step
        except BaseException as exc:
            step.outcome = "FAILED" if isinstance(exc, DemoError) else "ended"
            self._line(where, command, time.monotonic() - began, step, _RED)
            raise
        colour = _GREEN if step.outcome == "ok" else _YELLOW
        self._line(where, command, time.monotonic() - began, step, colour)

    def failure(self, text: str) -> None:
        """Why the demo ends early."""
        print(f"\n{self._paint('The demo failed.', _RED)} {text}", flush=True)

    def end(self, text: str) -> None:
        """The last line."""
        took = time.monotonic() - self._began
        print(f"\n{self._paint(text, _GREEN)} {self.steps} steps in {took:.1f} s.", flush=True)

    def _line(self, where: str, command: str, seconds: float, step: Step, colour: str) -> None:
        outcome = self._paint(f"{step.outcome:<9}", colour)
        print(f"  {self.steps:>2}  {where:<7}  {seconds:5.2f} s  {outcome}  {command}", flush=True)
        for line in step.said:
            self.evidence(line, _INDENT)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text else text
