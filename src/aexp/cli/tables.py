"""Tables that are never wider than the terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from aexp.cli.cells import cells, head
from aexp.cli.cutting import folder, host_of, operation, tail

Column = Sequence[str]
"""The cells of one column; the first is its heading."""

_GAP = 2
_IDS = frozenset({"ID", "REQUEST"})
_STEPS = (
    # At first so that what is to be typed next still stands in a note.
    *(("NOTE", 48), ("FACTS", 48), ("TITLE", 32), ("GOES TO", 32)),
    *(("OPERATION", 32), ("WHERE", 24), ("OPERATION", 11), ("FROM", 8), ("WHERE", 10)),
    *(("TITLE", 20), ("SLUG", 24), ("TITLE", 12), ("SLUG", 16), ("TITLE", 8)),
)
"""Which column gives way first, and down to how many columns; then all do, from the left."""
_LEAST = MappingProxyType(
    {
        **{"OPERATION": 11, "WHERE": 10, "STATE": 16, "SLUG": 12, "TIME": 24},
        # A day or a size of which a part is missing says nothing.
        **{"DATE": 10, "COMMIT": 10, "SIZE": 10},
    }
)
_LEAST_CELLS = 8
_SPARED = (
    *("KEPT", "USES", "RC", "FROM", "GIVEN BY", "AGE", "WHO"),
    *("LARGE", "PROMOTED", "NB", "SIZE"),
)
"""What is left out first where the least of each is too wide; then from the right."""
_NO_WORD = frozenset({"", "-"})
_CUTS: Mapping[str, Callable[[str, int], str]] = MappingProxyType(
    {"OPERATION": operation, "WHERE": tail}
)


def fitted(rows: Sequence[Sequence[str]], width: int, home: str) -> list[tuple[str, ...]]:
    """The rows, short enough to stand beside each other. Ids are never cut.

    Clients are shown by their host, folders with ``~`` for the home. Columns without a word in them are left
    out where that helps; others only where even the least of each is too wide.

    Args:
        rows: the first holds the headings, which say what is in a column and how it is cut.
        width: columns of the terminal, at least 40.
        home: the path that is shown as ``~``.
    """
    table: list[Column] = [_short(column, home) for column in zip(*rows, strict=True)]
    if _total(map(_widest, table)) > width:
        table = [column for column in table if not _NO_WORD.issuperset(column[1:])] or table[:1]
    while _total(map(_least, table)) > width and (spared := _spared(table)) is not None:
        table.remove(spared)
    *widths, room = _widths(table, width)
    cut = [*map(_cut, table, widths)]
    # A path or an operation may need less than it was given; the last column says it best.
    spare = sum(widths) - sum(map(_widest, cut))
    return [*zip(*cut, _cut(table[-1], room + spare), strict=True)]


def _short(column: Column, home: str) -> Column:
    """What is said in fewer words at any width."""
    means: dict[str, Callable[[str], str]] = {"FROM": host_of, "WHERE": partial(folder, home=home)}
    shorten = means.get(column[0])
    return column if shorten is None else [column[0], *map(shorten, column[1:])]


def _widths(table: Sequence[Column], width: int) -> list[int]:
    """How wide each column may be, for all of them to fit."""
    widths = [*map(_widest, table)]
    over = _total(widths) - width
    for heading, floor in (*_STEPS, *((column[0], 0) for column in table)):
        for number, column in enumerate(table):
            if column[0] == heading and over > 0:
                given = min(over, max(widths[number] - max(floor, _least(column)), 0))
                widths[number] -= given
                over -= given
    return widths


def _spared(table: Sequence[Column]) -> Column | None:
    """The column that is missed least; None when only ids are left."""
    known = {column[0]: column for column in table if column[0] not in _IDS}
    named = (known[heading] for heading in _SPARED if heading in known)
    return next(named, [*known.values()][-1] if known else None)


def _cut(column: Column, room: int) -> Column:
    shorten = _CUTS.get(column[0], head)
    return [head(column[0], room), *(shorten(cell, room) for cell in column[1:])]


def _widest(column: Column) -> int:
    return max(map(cells, column))


def _least(column: Column) -> int:
    """The fewest columns that say something."""
    widest, heading = _widest(column), column[0]
    if heading in _IDS:
        return widest
    return min(widest, max(len(heading), _LEAST.get(heading, _LEAST_CELLS)))


def _total(widths: Iterable[int]) -> int:
    """The length of a line."""
    known = [*widths]
    return sum(known) + _GAP * (len(known) - 1)
