"""The line that a promotion leaves in the sandbox's README, so that people and programs find it again.

    - Promoted: 2026-11-25 · `00_feasibility.ipynb` → `scripts/E012_lr_warmup.py` (E012)

It stands in the list at the README's top, right after the status. One line a promotion, oldest first.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible

_LINE = re.compile(
    r"- Promoted: (?P<day>\d{4}-\d{2}-\d{2}) · `(?P<notebook>[^`]+)` → `(?P<script>[^`]+)`"
    r"(?: \((?P<experiment>E\d+)\))?"
)
_STATUS = "- Status:"
_FENCES = ("```", "~~~")


@dataclass(frozen=True)
class Promotion:
    """One notebook's way out of a sandbox.

    Attributes:
        day: when.
        notebook: its path, relative to the sandbox.
        script: the path of what was made of it, relative to the repository.
        experiment: the tracked experiment (``E012``), or None.
    """

    day: date
    notebook: str
    script: str
    experiment: str | None = None

    def line(self) -> str:
        """The line of the README, without its end.

        Raises:
            SandboxError: a path or the experiment cannot be written in such a line.
        """
        for path in (self.notebook, self.script):
            if (
                not path
                or "`" in path
                or any(unicodedata.category(char)[0] in "CZ" for char in path if char != " ")
            ):
                raise SandboxError(
                    f"The path '{visible(path)}' cannot stand in the README's line on promotions.",
                    "Rename the file: without ` and without control characters.",
                )
        experiment = f" ({self.experiment})" if self.experiment else ""
        told = (
            f"- Promoted: {self.day.isoformat()} · `{self.notebook}` → `{self.script}`{experiment}"
        )
        if not _LINE.fullmatch(told):
            raise SandboxError(
                f"'{visible(self.experiment or '')}' is not the id of an experiment.",
                "Give one such as E012.",
            )
        return told


def promotions(readme: str) -> tuple[Promotion, ...]:
    """The promotions that a sandbox's README tells of, in its order; blocks of code do not count."""
    found = (_read(line) for line in _prose(readme.splitlines()).values())
    return tuple(promotion for promotion in found if promotion)


def with_promotion(readme: str, promotion: Promotion) -> str:
    """The README with this promotion's line; as it was when it has that very line already.

    The line goes after the last one of its kind, else after the status, else to the end. Nothing else
    is touched, and its end of line is that of the line before.
    """
    told = promotion.line()
    lines = readme.splitlines(keepends=True)
    prose = {at: line.rstrip("\r\n") for at, line in _prose(lines).items()}
    if told in prose.values():
        return readme
    before = [at for at, line in prose.items() if _read(line)]
    before = before or [at for at, line in prose.items() if line.startswith(_STATUS)][:1]
    end = "\r\n" if readme.endswith("\r\n") else "\n"
    if not before:
        gap = "" if not readme else end if readme.endswith("\n") else end * 2
        return f"{readme}{gap}{told}{end}"
    place = lines[before[-1]]
    end = place[len(place.rstrip("\r\n")) :] or end
    lines[before[-1]] = f"{place.rstrip(chr(13) + chr(10))}{end}{told}{end}"
    return "".join(lines)


def _prose(lines: list[str]) -> dict[int, str]:
    """Number to line of those that lie in no fenced block of code."""
    kept: dict[int, str] = {}
    fence = ""
    for at, line in enumerate(lines):
        mark = line.lstrip()[:3]
        if fence or mark in _FENCES:
            fence = mark if not fence else "" if mark == fence else fence
        else:
            kept[at] = line
    return kept


def _read(line: str) -> Promotion | None:
    found = _LINE.fullmatch(line.rstrip())
    if not found:
        return None
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        return None
    return Promotion(day, found["notebook"], found["script"], found["experiment"])
