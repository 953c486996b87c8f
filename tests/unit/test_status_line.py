"""What is drawn in place fits into one line of the terminal, whatever it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.cli.cells import cells
from aexp.cli.status_line import fitting

printable = st.text(st.characters().filter(str.isprintable), max_size=60)


@pytest.mark.thorough
@given(printable, st.integers(0, 40), st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_nothing_is_wider_than_its_room_or_strange_to_the_terminal(
    text: str, room: int, encoding: str
) -> None:
    shown = fitting(text, room, encoding)
    assert cells(shown) <= room
    shown.encode(encoding)


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("fetch runs, 12 s", 20, "fetch runs, 12 s"),
        ("fetch runs, 12 s", 6, "fetch…"),
        ("正在接收对象", 12, "正在接收对象"),
        ("正在接收对象", 7, "正在接…"),
        ("e\u0301tat", 4, "e\u0301tat"),
    ],
)
def test_a_text_is_cut_by_the_columns_that_it_takes(text: str, room: int, shown: str) -> None:
    assert fitting(text, room, "utf-8") == shown
