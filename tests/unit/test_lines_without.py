"""Output without the lines that begin in a certain way, in whatever pieces it comes."""

import pytest

from aexp.adapters.workshop.lines_without import LinesWithout

SAID = (
    b"Rebasing (1/1)\rhint: over\rAuto\nhi\nhint\nhint:\nhint: a\n"
    b" hint: kept\nhinted\nremote: hint: kept\nhint: b"
)
SHOWN = b"Rebasing (1/1)\rAuto\nhi\nhint\n hint: kept\nhinted\nremote: hint: kept\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_only_lines_that_begin_so_are_left_out(size: int) -> None:
    lines = LinesWithout(b"hint:")
    pieces = [SAID[at : at + size] for at in range(0, len(SAID), size)]
    assert b"".join(map(lines.of, pieces)) + lines.rest() == SHOWN


def test_a_line_without_an_end_is_shown_as_soon_as_it_can_be_told_apart() -> None:
    lines = LinesWithout(b"hint:")
    assert [lines.of(piece) for piece in (b"hin", b"ge", b"s")] == [b"", b"hinge", b"s"]
    assert lines.of(b"\nhi") + lines.rest() == b"\nhi"


def test_without_a_beginning_everything_is_shown() -> None:
    lines = LinesWithout(b"")
    assert lines.of(SAID) + lines.rest() == SAID
