"""What a measure is given: how thorough to be, where to work, and whom to tell."""

import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.results import Figure

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Bench:
    """One run in progress.

    Attributes:
        scratch: a folder on the filesystem that is to be measured.
        quick: whether to show the shape of things in a minute or two rather than to measure them.
        skipped: what could not be measured here, and why.
    """

    scratch: Path
    quick: bool = False
    skipped: dict[str, str] = field(default_factory=dict)

    def pick(self, full: T, quick: T) -> T:
        """``full``, or ``quick`` in a quick run."""
        return quick if self.quick else full

    def folder(self) -> Path:
        """A new, empty folder."""
        return Path(tempfile.mkdtemp(dir=self.scratch))

    def skip(self, what: str, why: str) -> None:
        """Note that something is not measured; the rest goes on."""
        self.skipped[what] = why
        self.say(f"skipped {what}: {why}")

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        print(f"  {text}", file=sys.stderr, flush=True)


Rest = Generator[float, None, list[Figure]]
"""A measure that yields once: the seconds for which what it has set up is to be left alone."""

Measure = Callable[[Bench], list[Figure] | Rest]
