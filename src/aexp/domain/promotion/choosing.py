"""Which cells of a notebook are promoted."""

import re
from dataclasses import dataclass, field, replace
from itertools import takewhile

from aexp.domain.errors import SandboxError
from aexp.domain.ipynb import Cell, Notebook
from aexp.domain.text import visible

PARAMETERS = "parameters"
"""The tag of the cell whose values become options, as papermill has it."""
EXPORT = re.compile(r"#[ \t]*\|[ \t]*exporti?[ \t]*")
"""The comment that marks a cell in the notebook itself, as nbdev has it."""
_RANGE = re.compile(r"(\d{1,9})(?:(-)(\d{0,9}))?", re.ASCII)


@dataclass(frozen=True)
class Picked:
    """A cell, and its number: 1 for the topmost, whatever its kind.

    Attributes:
        along: whether nobody chose it, and only its tag ``parameters`` brings it.
    """

    number: int
    cell: Cell
    along: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """Its id, or its number where it has none."""
        return self.cell.id or str(self.number)

    def __str__(self) -> str:
        # Before format 4.5 an id could be any text.
        name = visible(self.cell.id or "", limit=64)
        return f"cell {self.number}" + (f" ({name})" if name else "")


def all_cells(notebook: Notebook) -> tuple[Picked, ...]:
    """Every cell with its number."""
    return tuple(Picked(number, cell) for number, cell in enumerate(notebook.cells, 1))


def chosen(
    notebook: Notebook, *, cells: str | None = None, tag: str | None = None
) -> tuple[Picked, ...]:
    """The cells to promote, in the notebook's order, the cell of parameters always among them.

    Args:
        notebook: where to choose from.
        cells: numbers, ranges and ids with commas between: ``3,5-8,10-,train``.
        tag: those with this tag. With neither, those that begin with ``#| export``.

    Raises:
        SandboxError: nothing was chosen, or something that is not there.
    """
    every = all_cells(notebook)
    wanted = _listed(every, cells) if cells is not None else _marked(every, tag)
    if not any(_runs(one) for one in every if one.number in wanted):
        raise _nothing(every, cells, tag)
    return tuple(
        one if one.number in wanted else replace(one, along=True)
        for one in every
        if (one.number in wanted or PARAMETERS in one.cell.tags) and one.cell.kind != "raw"
    )


def without_mark(source: str) -> str:
    """The source without the line that marks it for export."""
    lines = source.split("\n")
    comments = takewhile(lambda line: not line.strip() or line.lstrip().startswith("#"), lines)
    head = [*comments]
    return "\n".join(
        [*(line for line in head if not EXPORT.fullmatch(line.strip())), *lines[len(head) :]]
    )


def _listed(every: tuple[Picked, ...], cells: str) -> set[int]:
    wanted: set[int] = set()
    for word in filter(None, (part.strip() for part in cells.split(","))):
        # An id may look like a range, and a number like an id: numbers go first, then ids.
        named = {one.number for one in every if one.cell.id == word and not word.isdecimal()}
        wanted |= named or _range(word, every)
    return wanted


def _range(word: str, every: tuple[Picked, ...]) -> set[int]:
    count = len(every)
    found = _RANGE.fullmatch(word)
    if not found:
        raise SandboxError(
            f"There is no cell '{visible(word)}'.",
            "Give numbers (1 is the topmost cell, text counts too), ranges or ids: 3,5-8,train. "
            f"{_ids(every)}",
        )
    first = int(found[1])
    last = int(found[3]) if found[3] else count if found[2] else first
    if first > last:
        raise SandboxError(
            f"The cells {visible(word)} go backwards.",
            f"Give the smaller number first: {last}-{first}.",
        )
    if not 1 <= first <= last <= count:
        raise SandboxError(
            f"There are no cells {visible(word)}: the notebook has {count}, counted from 1.",
            "1 is the topmost cell; text cells count too.",
        )
    return set(range(first, last + 1))


def _ids(every: tuple[Picked, ...]) -> str:
    """The ids that there are, for a hint."""
    ids = [visible(one.cell.id, limit=64) for one in every if one.cell.id]
    more = f" and {len(ids) - 20} more" if len(ids) > 20 else ""
    return f"The ids: {', '.join(ids[:20])}{more}." if ids else "No cell has an id."


def _marked(every: tuple[Picked, ...], tag: str | None) -> set[int]:
    if tag is not None:
        return {one.number for one in every if tag in one.cell.tags}
    return {one.number for one in every if one.cell.kind == "code" and _exported(one.cell.source)}


def _exported(source: str) -> bool:
    for line in source.splitlines():
        if EXPORT.fullmatch(line.strip()):
            return True
        if line.strip() and not line.lstrip().startswith("#"):
            return False
    return False


def _runs(one: Picked) -> bool:
    return one.cell.kind == "code" and bool(one.cell.source.strip())


def _nothing(every: tuple[Picked, ...], cells: str | None, tag: str | None) -> SandboxError:
    code = ", ".join(str(one) for one in every if _runs(one)) or "none"
    if cells is not None:
        what = f"No cell of code is among '{visible(cells)}'."
    elif tag is not None:
        what = f"No cell of code has the tag '{visible(tag)}'."
    else:
        what = "No cell begins with `#| export`."
    ways = "Choose with --cells, with --tag, or by a first line `#| export`."
    return SandboxError(what, f"{ways} Cells of code: {visible(code, limit=500)}.")
