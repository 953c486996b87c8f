"""Results, handles and errors as a notebook shows them: plain and HTML, harmless, without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.airgapped import RelayDownError, RelayResult, RelayTimeoutError
from aexp.cli.render import show_daemon
from aexp.domain.notebook import FOLDED_FROM
from tests.world import World

HOSTILE = "<script>alert(1)</script>\x1b[2Kgone\u202e"


def shown(thing: object) -> tuple[str, str]:
    """What IPython would be given: plain, and HTML."""
    made = thing._repr_mimebundle_(include=None, exclude=None)  # type: ignore[attr-defined]
    assert made.keys() == {"text/plain", "text/html"}
    assert "<script" not in made["text/html"]
    assert not any(char in text for text in made.values() for char in "\x1b\u202e")
    return made["text/plain"], made["text/html"]


@contextmanager
def as_a_cell_ends() -> Iterator[list[str]]:
    """What IPython would show of the error that ends the block, if the error says it."""
    lines: list[str] = []
    try:
        yield lines
    except Exception as error:
        if hasattr(error, "_render_traceback_"):
            lines += error._render_traceback_()
        raise


def test_a_result_says_how_it_went_and_shows_its_output() -> None:
    plain, html = shown(RelayResult("a" * 32, "git_pull", 0, "Already up to date.\n", 0.4))
    assert plain == "ok git_pull in 0.4 s\nAlready up to date."
    assert "<b" in html
    assert "<pre" in html
    assert "<details" not in html


def test_a_failure_says_why_and_what_to_do_next() -> None:
    failed = RelayResult(
        "a" * 32,
        "git_push",
        1,
        "rejected\n",
        1.0,
        ("note",),
        "login",
        "not-fast-forward",
        "Rebase.",
    )
    plain, html = shown(failed)
    first, *rest = plain.splitlines()
    assert first == "failed git_push in 1.0 s, returncode 1 (not-fast-forward)"
    assert rest == ["note: note", "next: Rebase.", "rejected"]
    assert "<b>next</b> Rebase." in html


def test_a_push_of_no_branch_says_so_and_what_to_do(home: Path) -> None:
    said = b"error: src refspec refs/heads/nope does not match any\n"
    world = World(home, plan=lambda _: Plan(output=said, returncode=1))
    world.serve()
    plain, html = shown(world.client().push("nope"))
    assert "returncode 1 (no-such-branch)\n" in plain
    assert "\nnext: There is no local branch nope: `git branch` lists them.\n" in plain
    assert "(no-such-branch)" in html
    assert "<b>next</b> There is no local branch nope" in html


def test_long_output_is_folded_and_nothing_in_it_acts() -> None:
    output = "\n".join([HOSTILE] * FOLDED_FROM)
    plain, html = shown(RelayResult("a" * 32, "git_status", 0, output, 0.1, (HOSTILE,)))
    assert f"<summary>{FOLDED_FROM} lines of output</summary>" in html
    assert html.count("&lt;script&gt;") == FOLDED_FROM + 1
    assert plain.count("\\x1b[2K") == FOLDED_FROM + 1


def test_of_endless_output_the_middle_is_left_out_and_all_lines_are_counted() -> None:
    output = "the first\n" + "x\n" * 5_000_000 + "the last\n"
    plain, html = shown(RelayResult("a" * 32, "git_status", 0, output, 0.1))
    assert len(html) < 200_000
    assert "<summary>5000002 lines of output</summary>" in html
    assert plain.splitlines()[1] == "the first"
    assert "characters left out here; stdout of the result has them" in plain
    assert plain.endswith("\nthe last")


def test_a_handle_says_how_its_request_stands(world: World) -> None:
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(1)
    plain, html = shown(handle)
    assert plain == f"request {handle.id}, state pending"
    assert handle.id in html


def test_a_handle_of_nothing_says_so(world: World) -> None:
    plain, _ = shown(world.client().handle("0" * 32))
    assert "state not known" in plain
    assert "There is no request" in plain


@pytest.mark.parametrize("kind", [RelayDownError, RelayTimeoutError])
def test_an_error_says_what_to_do_next(kind: type[RelayDownError]) -> None:
    plain, html = shown(kind(f"No daemon {HOSTILE}.", "Start one: aexp relay up"))
    assert plain.startswith(f"{kind.__name__}: No daemon")
    assert plain.endswith("next: Start one: aexp relay up")
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("request_id", [None, "a" * 32])
def test_an_error_that_ends_a_cell_is_what_next_and_the_request(request_id: str | None) -> None:
    with pytest.raises(RelayTimeoutError), as_a_cell_ends() as lines:
        raise RelayTimeoutError(f"No answer {HOSTILE}.", "Wait on.", request_id)
    what, after, where = lines
    assert what.startswith("RelayTimeoutError: No answer <script>")
    assert not any(char in what for char in "\x1b\u202e")
    assert after == "next: Wait on."
    assert where == (f"request {request_id}; " if request_id else "") + "%tb shows the traceback"


def test_an_error_that_nobody_handles_leaves_its_traceback_to_ipython() -> None:
    error = RelayDownError("Down.", "Start one.")
    assert not hasattr(error, "_render_traceback_")
    with pytest.raises(ValueError, match="theirs"), as_a_cell_ends() as lines:
        raise ValueError("theirs") from error
    assert lines == []
    assert not hasattr(error, "_render_traceback_")


@pytest.mark.parametrize("serving", [True, False])
def test_a_daemon_is_shown_as_the_command_line_shows_it(
    world: World, serving: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if serving:
        world.serve()
        world.client().submit("wandb_sync")
        world.pass_time(1)
    view = world.client().daemon()
    plain, html = shown(view)
    show_daemon(view)
    told = capsys.readouterr().out
    assert plain.startswith(told.rstrip())
    assert plain.splitlines()[-1].startswith(
        "next: aexp relay pending" if serving else "next: Only this process"
    )
    assert ('<b style="color:#1a7f37">up</b>' in html) is serving


def test_both_names_of_git_status_are_that_of_the_working_copy(world: World) -> None:
    world.serve()
    client = world.client()
    assert [client.git_status().op, client.status().op] == ["git_status"] * 2
