"""The README's line on a promotion: written once, read back, nothing else touched."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain.errors import SandboxError
from aexp.domain.sandbox_promoted import Promotion, promotions, with_promotion
from aexp.domain.sandbox_texts import README

ONE = Promotion(date(2026, 11, 25), "00_feasibility.ipynb", "scripts/E012_probe.py", "E012")
TWO = Promotion(date(2026, 11, 26), "plots/two words.ipynb", "src/plots.py")


def test_the_line_looks_as_it_is_documented() -> None:
    assert ONE.line() == (
        "- Promoted: 2026-11-25 · `00_feasibility.ipynb` → `scripts/E012_probe.py` (E012)"
    )
    assert TWO.line() == "- Promoted: 2026-11-26 · `plots/two words.ipynb` → `src/plots.py`"


def test_a_new_readme_tells_of_no_promotion() -> None:
    assert promotions(README) == ()


def test_promotions_stand_after_the_status_in_the_order_in_which_they_were_made() -> None:
    told = with_promotion(with_promotion(README, ONE), TWO)

    assert promotions(told) == (ONE, TWO)
    lines = told.splitlines()
    at = lines.index(ONE.line())
    assert lines[at - 1].startswith("- Status:")
    assert lines[at + 1] == TWO.line()
    assert [line for line in lines if line not in (ONE.line(), TWO.line())] == README.splitlines()


def test_the_same_promotion_is_told_once() -> None:
    once = with_promotion(README, ONE)
    assert with_promotion(once, ONE) == once


@pytest.mark.parametrize(
    ("readme", "told"),
    [
        ("", "{}\n"),
        ("# Mine\n", "# Mine\n\n{}\n"),
        ("# Mine", "# Mine\n\n{}\n"),
        ("# Mine\r\n- Status: open\r\nend\r\n", "# Mine\r\n- Status: open\r\n{}\r\nend\r\n"),
        ("# Mine\n- Status: open", "# Mine\n- Status: open\n{}\n"),
        ("```\n- Status: open\n```\n", "```\n- Status: open\n```\n\n{}\n"),
    ],
)
def test_a_readme_of_any_kind_takes_the_line_and_keeps_its_ends(readme: str, told: str) -> None:
    assert with_promotion(readme, ONE) == told.format(ONE.line())


def test_an_example_in_a_block_of_code_is_no_promotion() -> None:
    assert promotions(f"```\n{ONE.line()}\n```\n{TWO.line()}\n") == (TWO,)
    assert promotions(ONE.line().replace("2026-11-25", "2026-13-25")) == ()


@pytest.mark.parametrize("path", ["", "a`b.ipynb", "a\nb.ipynb", "a\x1b[2J.ipynb"])
def test_a_path_that_cannot_stand_in_the_line_is_refused(path: str) -> None:
    with pytest.raises(SandboxError, match="Rename the file"):
        with_promotion(README, Promotion(ONE.day, path, "src/x.py"))


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(SandboxError, match="such as E012"):
        Promotion(ONE.day, "a.ipynb", "a.py", "E12; rm").line()


@given(st.text(), st.text(), st.text())
def test_whatever_is_written_is_read_back(before: str, notebook: str, script: str) -> None:
    promotion = Promotion(ONE.day, notebook, script)
    try:
        told = with_promotion("# Mine\n- Status: open\n" + before.replace("`", ""), promotion)
    except SandboxError:
        return
    assert promotion in promotions(told)
