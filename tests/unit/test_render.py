"""What an operation's output looks like while it comes."""

import pytest

from aexp.cli.render import show_lines


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
