"""What an operation's output looks like while it comes."""

import pytest

from aexp.cli.render import show_lines, show_result
from aexp.cli.telling import Voice
from aexp.domain.output import BoundedOutput
from aexp.domain.requests import RelayResult


@pytest.mark.parametrize(
    ("pieces", "printed"),
    [
        (["a long ", "line\n", "the next\n"], "a long line\nthe next\n"),
        (["no end of line"], "no end of line\n"),
        ([], ""),
    ],
)
@pytest.mark.parametrize("on_terminal", [False, True])
def test_output_comes_out_as_it_was_and_ends_its_last_line(
    pieces: list[str],
    printed: str,
    on_terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: on_terminal)
    assert show_lines(pieces) is bool(pieces)
    assert capsys.readouterr().out == printed


def told_after(stdout: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said on standard error after a failure that nothing more is known of."""
    failed = RelayResult("ab12cd34" * 4, "git_fetch", 1, stdout, 1.0)
    show_result(failed, as_json=False, voice=Voice.NORMAL, url="file:///q")
    return capsys.readouterr().err


def test_a_failure_whose_words_were_shown_whole_is_not_told_to_be_looked_at_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told_after("fatal: odd\n", capsys) == "failed git_fetch in 1.0 s, returncode 1\n"


def test_a_failure_that_was_not_shown_whole_says_where_the_rest_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = BoundedOutput(limit=20)
    output.add(b"x" * 50)
    output.close()
    assert "  next: see all that it said: aexp relay log ab12cd34" in told_after(
        output.text("logs/x"), capsys
    )
    assert "  next: it said nothing; aexp relay doctor" in told_after("", capsys)
