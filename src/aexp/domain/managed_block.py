"""Our part of a file that is the user's: between two marker lines, and nothing outside of them is ours."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Markers:
    """The lines around a block.

    Attributes:
        begin: the first line; a line that begins so is taken for it, whatever follows.
        note: what follows on that line, for people.
        end: the last line.
    """

    begin: str
    note: str
    end: str

    def around(self, text: str) -> str:
        """The block with its markers; LF, with a line end at the end."""
        return f"{self.begin} {self.note}\n{text.rstrip()}\n{self.end}\n"

    @property
    def torn(self) -> str:
        """Why nothing can be done to a file, in a few words."""
        return "its marker lines are not one pair"

    def held(self, text: str) -> "str | Torn | None":
        """The block of a file; None where there is none."""
        parts = split(text, self)
        return parts if isinstance(parts, Torn) else parts.block or None

    def put_in(self, text: str, ours: str) -> str:
        """See :func:`put_in`."""
        return put_in(text, ours, self)

    def glue(self, text: str) -> str:
        """See :func:`glue`."""
        return glue(text)

    def taken_out(self, text: str, glued: str) -> str:
        """See :func:`taken_out`."""
        return taken_out(text, self, glued)


class Torn(Enum):
    """A file whose markers are not one pair in order; nobody but the user can mend it."""

    TORN = "torn"


TORN = Torn.TORN


@dataclass(frozen=True)
class Split:
    """A file around its block; the three together are the file.

    Attributes:
        block: with its marker lines; empty where there is none.
    """

    before: str
    block: str
    after: str


def split(text: str, markers: Markers) -> Split | Torn:
    """The file before, in and after its block; without one, all of it is before."""
    lines = text.splitlines(keepends=True)
    begins = [n for n, line in enumerate(lines) if line.strip().startswith(markers.begin)]
    ends = [n for n, line in enumerate(lines) if line.strip() == markers.end]
    if not begins and not ends:
        return Split(text, "", "")
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        return TORN
    first, last = begins[0], ends[0] + 1
    return Split("".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:]))


def put_in(text: str, block: str, markers: Markers) -> str:
    """The file with this block in the place of the one that it has, or at its end; with its own line ends.

    Args:
        text: a file whose markers are not torn.
    """
    parts = _whole(text, markers)
    ours = block if lf(text) == text else block.replace("\n", "\r\n")
    if parts.block:
        return parts.before + ours + parts.after
    return text + glue(text) + ours


def glue(text: str) -> str:
    """What stands between the end of a file and a block: so that the block has an empty line before it."""
    end = "\n" if lf(text) == text else "\r\n"
    if not text:
        return ""
    return end if text.endswith("\n") else end * 2


def taken_out(text: str, markers: Markers, glued: str) -> str:
    """The file without its block, and without what was put between.

    Args:
        text: a file whose markers are not torn.
        glued: what :func:`glue` was when the block was put in.
    """
    parts = _whole(text, markers)
    ends = {glued, lf(glued), lf(glued).replace("\n", "\r\n")}
    found = max((end for end in ends if parts.before.endswith(end)), key=len, default="")
    before = parts.before.removesuffix(found)
    if before and parts.after and not before.endswith("\n"):
        # The last line had no end; what was written below the block since must not become a part of it.
        before += found[: len(found) // 2]
    return before + parts.after


def _whole(text: str, markers: Markers) -> Split:
    parts = split(text, markers)
    if isinstance(parts, Torn):
        raise ValueError(f"torn markers: {markers.begin}")  # noqa: TRY004 -- The value is wrong.
    return parts


def lf(text: str) -> str:
    """The text with line ends as we write them, for comparing."""
    return text.replace("\r\n", "\n")
