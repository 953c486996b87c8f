"""Lines of progress that say how much is done, and the bar that shows them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.cli.progress_bar import bar
from aexp.domain.percentages import Percentage, percentage_of

RECEIVING = "Receiving objects:  42% (420/1000), 1.2 MiB | 3 MiB/s"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (RECEIVING, ("Receiving objects", 0.42, "420/1000, 1.2 MiB | 3 MiB/s")),
        ("remote: Counting objects: 100% (4/4), done.        ", ("Counting objects", 1.0, "4/4, done.")),
        ("Uploading LFS objects:  50% (1/2), 9 MB", ("Uploading LFS objects", 0.5, "1/2, 9 MB")),
        ("Rebasing (3/10)", ("Rebasing", 0.3, "3/10")),
        ("Filtering content: 900% (9/1)", ("Filtering content", 1.0, "9/1")),
    ],
)  # fmt: skip
def test_what_git_says_of_its_progress_is_understood(
    line: str, found: tuple[str, float, str]
) -> None:
    assert percentage_of(line) == Percentage(*found)


@pytest.mark.parametrize(
    "line",
    ["", "Fetching origin", "x (a/b)", "Rebasing (1/0)", "100%", "50% (1/2)", f"{'x' * 61}: 1% (1/2)",
     f"Receiving: 1% (1/2){'x' * 200}", " 12 files changed (+1/-1)"],
)  # fmt: skip
def test_other_lines_are_no_progress(line: str) -> None:
    assert percentage_of(line) is None


@given(st.floats(0, 1), st.integers(12, 120))
def test_a_bar_is_never_longer_than_there_is_room(done: float, room: int) -> None:
    found = Percentage("Receiving", done, "420/1000, 1.2 MiB | 3 MiB/s")
    plain, styled = bar(found, max(room, 15), "utf-8")
    assert len(plain) <= max(room, 15)
    assert len(re.sub(r"\x1b\[[0-9;]*m", "", styled)) == len(plain)
    assert f"{done:.0%}" in plain


def test_the_details_go_before_the_title_does() -> None:
    found = percentage_of(RECEIVING)
    assert found is not None
    shown = [bar(found, room, "utf-8")[0] for room in (100, 40, 24)]
    assert (
        shown[0]
        == "Receiving objects ━━━━━━━━━━━━╸                   42% 420/1000, 1.2 MiB | 3 MiB/s"
    )
    assert shown[1].startswith("Receiving objects ━━")
    assert shown[1].endswith(" 42%")
    assert shown[2] == "Receiving objects  42%"


def test_a_terminal_without_the_characters_gets_others() -> None:
    assert bar(Percentage("Receiving", 0.5, "1/2"), 80, "ascii")[0].isascii()


def test_no_colour_is_used_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    found = Percentage("Receiving", 0.5, "1/2")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in bar(found, 80, "utf-8")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in bar(found, 80, "utf-8")[1]
