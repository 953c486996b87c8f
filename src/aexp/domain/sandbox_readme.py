"""Reading a sandbox's README: what its author has stated so far, and what is still a placeholder."""

import re
from dataclasses import dataclass
from itertools import takewhile

from aexp.domain.sandbox_starter import stages_in

STATEMENT = "Directional statement"
RISKS = "Shortcut risks"
CALIBRATION = "calibration"
MAX_CHARS = 4000
"""Of a statement; what is longer is none."""
_STAGES = "Stages"

# What is never closed reaches to the end, as it does for whoever shows the file.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^##[ \t]+([^ \t\n].*)$", re.MULTILINE)
_ASIDE = re.compile(r"^[-*+][ \t]+I (?:expect|would)\b.*", re.MULTILINE | re.DOTALL | re.I)
# Not a box to tick, a link, a token such as [PAD], or something that begins with a digit: an interval or a
# citation.
_LATER = r"(?:TODO|TBD|FIXME|XXX)"
_CAPITALS = rf"(?!{_LATER}\])[A-Z][A-Z0-9_]+\]"
_PLACEHOLDER = re.compile(
    rf"(?<!\])\[(?!\s*[xX]?\s*\])(?!\s*[-+]?[\d^@])(?!{_CAPITALS})"
    r"[^\[\]\n]*(?:\n[^\[\]\n]+)*\](?![(\[:])"
)
_ITEM = re.compile(r"^(?:\d+[.)]|[-*+])[ \t]+", re.MULTILINE)
_ONLY_LATER = re.compile(rf"[\W_]*(?:{_LATER}[\W_]*)*")
_SUB_ITEM = re.compile(r"\n[ \t]+[-*+][ \t]+")
_LABEL = re.compile(
    r"(?:notice|mitigat|detect|catch|caught|guard|check)[^:.]{0,40}:\s*(?P<text>\S.*)", re.I
)


@dataclass(frozen=True)
class Placeholder:
    """What is still to be filled in: its text in one line, and the line, from 1, in which it begins."""

    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.text} (line {self.line})"


@dataclass(frozen=True)
class Risk:
    """A way in which the result could look right for the wrong reason.

    Attributes:
        filled: whether no placeholder is left in it.
        mitigated: whether it says how one would notice.
    """

    filled: bool
    mitigated: bool


def prose(readme: str) -> str:
    """The README without comments and without blocks and spans of code; its lines keep their numbers."""
    text = readme.replace("\r\n", "\n")
    for hidden in (_COMMENT, _FENCED, _SPAN):
        text = hidden.sub(_only_lines, text)
    return text


def _only_lines(hidden: "re.Match[str]") -> str:
    # A space in each line keeps what stands around from falling into two paragraphs.
    return "\n ".join("" for _ in hidden[0].split("\n"))


def title_in(readme: str) -> str:
    """What the first heading says after the folder's name; empty when there is none."""
    heading = next((line for line in readme.splitlines() if line.startswith("# ")), "# ")[
        2:
    ].strip()
    _, dash, title = heading.partition(" — ")
    return title.strip() if dash else heading


def section(readme: str, heading: str) -> str | None:
    """What stands below a heading of the second level, or None when there is no such heading."""
    wanted = heading.casefold()
    return next((part.body for part in _parts(readme)[1:] if part.name == wanted), None)


def placeholders(text: str) -> list[str]:
    """What still stands in square brackets to be filled in, each in one line."""
    return [" ".join(found.split()) for found in _PLACEHOLDER.findall(text)]


def statement_in(readme: str) -> str | None:
    """The directional statement in one line, without emphasis; None when there is no such part."""
    body = section(readme, STATEMENT)
    if body is None:
        return None
    paragraphs = [" ".join(part.split()) for part in _ASIDE.sub("", body).split("\n\n")]
    found = next((part for part in paragraphs if part), "")
    return found[:MAX_CHARS].replace("**", "").strip()


def drop_rule_in(readme: str) -> str:
    """What the author says would make them drop the idea; empty when nothing is said."""
    items = (" ".join(item.split()) for item in _ITEM.split(section(readme, STATEMENT) or "")[1:])
    return next((item for item in items if "drop" in item.casefold()), "")[:MAX_CHARS]


def risks_in(readme: str) -> tuple[Risk, ...] | None:
    """The shortcut risks, in their order; None when there is no such part."""
    body = section(readme, RISKS)
    if body is None:
        return None
    return tuple(_risk(item) for item in _ITEM.split(body)[1:])


def _risk(item: str) -> Risk:
    pieces = [" ".join(piece.split()) for piece in _SUB_ITEM.split(f"\n{item}")]
    # What is in bold names the risk, and may well be called "Leakage check:".
    told = [
        found["text"]
        for piece in pieces
        if (found := _LABEL.search(re.sub(r"\*\*.*?\*\*", "", piece)))
    ]
    mitigated = any(not placeholders(text) and not _ONLY_LATER.fullmatch(text) for text in told)
    return Risk(filled=not placeholders(item), mitigated=mitigated)


def calibrated(readme: str) -> bool:
    """Whether the stage of calibration is ticked off."""
    stages = stages_in(section(readme, _STAGES) or "")
    return any(stage.done for stage in stages if CALIBRATION in stage.name.casefold())


def left_open(readme: str) -> list[Placeholder]:
    """The placeholders in what has to be filled in before the first result, but for the risks."""
    before = takewhile(lambda part: part.name != _STAGES.casefold(), _parts(readme))
    return [
        Placeholder(" ".join(found[0].split()), part.line + part.body.count("\n", 0, found.start()))
        for part in before
        if part.name != RISKS.casefold()
        for found in _PLACEHOLDER.finditer(part.body)
    ]


@dataclass(frozen=True)
class _Part:
    """A heading of the second level in lower case, what is below it, and the line in which that begins."""

    name: str
    body: str
    line: int


def _parts(readme: str) -> list[_Part]:
    """The parts; the first is what stands above every heading, and has no name."""
    top, *rest = _HEADING.split(prose(readme))
    parts, line = [_Part("", top, 1)], 1 + top.count("\n")
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        parts.append(_Part(name.rstrip(" \t#").casefold(), body, line))
        line += body.count("\n")
    return parts
