"""A real notebook in a real kernel: the magic, results as values, await, and nothing printed by itself."""

from typing import Any, NoReturn

import nbformat
import pytest
from nbclient import NotebookClient

from aexp.cli.jupyter import relay
from aexp.cli.jupyter_words import HELP, OFFERED, options_of
from aexp.domain.errors import SettingsError
from tests.site import Site

PENDING = "import time\nwhile handle.state.value != 'pending':\n    time.sleep(0.02)\n"
"""In a cell: wait until the daemon has put it to a person."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def executed(site: Site, *cells: str) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, in a kernel that was started in the working copy."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(site.repo)}},
    )
    env = {**site.env, "IPYTHONDIR": str(site.state / "ipython"), "PYTHONWARNINGS": "default"}
    done = client.execute(env=env)
    return [cell["outputs"] for cell in done["cells"]]


def text(outputs: list[dict[str, Any]]) -> str:
    """The plain text of a cell's one value."""
    (value,) = outputs
    assert value["output_type"] == "execute_result"
    assert "<script" not in value["data"]["text/html"]
    return str(value["data"]["text/plain"])


def printed(outputs: list[dict[str, Any]]) -> str:
    """All that a cell printed."""
    assert {one["output_type"] for one in outputs} == {"stream"}
    return "".join(one["text"] for one in outputs)


def text_plain(outputs: list[dict[str, Any]]) -> str:
    """A cell's one value, where it is a plain one."""
    return str(outputs[0]["data"]["text/plain"])


def test_a_day_in_a_notebook(site: Site) -> None:
    site.serve()
    theirs = site.colleague("theirs.txt")
    loaded, pulled, status, pushed, awaited, handle, daemon = executed(
        site,
        "%load_ext aexp",
        "%relay pull",
        "standing = %relay status\nprint(standing.up)",
        "%relay push -b nowhere",
        "from aexp.airgapped import RelayClient\nawait RelayClient().submit('git_status')",
        "%relay fetch --no-wait",
        "%relay status",
    )
    assert loaded == []
    assert text(pulled).startswith("ok git_pull in")
    assert site.git("rev-parse", "HEAD") == theirs
    assert status[0]["text"] == "True\n"
    assert text(pushed).startswith("failed git_push in")
    assert text(awaited).startswith("ok git_status in")
    assert text(handle).startswith("request ")
    assert text(daemon).startswith("up    daemon on ")


def test_errors_are_errors_and_say_what_to_do(site: Site) -> None:
    _, down, wrong, seen = executed(
        site,
        "%load_ext aexp",
        "%relay pull",
        "%relay pull --force",
        "from aexp.airgapped import RelayDownError\nRelayDownError('Down.', 'Start one.')",
    )
    assert [one["ename"] for one in (*down, *wrong)] == ["RelayDownError", "SettingsError"]
    assert "aexp relay up" in down[0]["evalue"]
    assert "--timeout" in wrong[0]["evalue"]
    what, after, _ = down[0]["traceback"]
    assert what == f"RelayDownError: No daemon serves {site.queue}; nothing was sent."
    assert after == "next: Start one on the login node: aexp relay up"
    # IPython prints exceptions in its own way; a browser shows ours.
    assert "Start one." in seen[0]["data"]["text/html"]


def test_verbs_and_options_are_completed(site: Site) -> None:
    lines = ("%relay pu", "%relay push --b", "%relay show ")
    site.serve()
    cells = ["%load_ext aexp\nimport warnings\nwarnings.simplefilter('ignore')"]
    cells[0] += "\none = %relay fetch --no-wait\nprint(one.id)"
    cells += [f"print(get_ipython().complete('', {line!r}, {len(line)})[1])" for line in lines]
    request, verbs, options, ids = executed(site, *cells)
    assert "push" in verbs[0]["text"]
    assert "pull" in verbs[0]["text"]
    assert "--branch" in options[0]["text"]
    assert "--queue" in ids[0]["text"]
    assert request[0]["text"].strip()[:8] in ids[0]["text"]


def test_an_error_that_ends_a_cell_is_two_or_three_lines_until_its_traceback_is_asked_for(
    site: Site,
) -> None:
    site.wandb()
    site.serve()
    late, whole, awaited, raised, other = executed(
        site,
        f"%load_ext aexp\nhandle = %relay wandb-sync --no-wait\n{PENDING}handle.result(0)",
        "%tb",
        "handle.cancel()\nawait handle",
        "try:\n    handle.result()\nexcept Exception:\n    raise",
        "raise ValueError('ours')",
    )
    assert [one["ename"] for one in (*late, *whole)] == ["RelayTimeoutError"] * 2
    what, _, where = late[0]["traceback"]
    assert what.startswith("RelayTimeoutError: ")
    assert where.startswith("request ")
    assert where.endswith("; %tb shows the traceback")
    assert "handle.py" in "\n".join(whole[0]["traceback"])
    for outputs in (awaited, raised):
        assert outputs[-1]["ename"] == "RelayCancelledError"
        assert "handle.py" not in "\n".join(outputs[-1]["traceback"])
    assert "Traceback" in "\n".join(other[0]["traceback"])


def test_requests_are_listed_shown_waited_for_and_stopped(site: Site) -> None:
    site.wandb()
    site.serve()
    (site.repo / "new.txt").write_text("new")
    _, done, listed, shown, logged, waited, gone, again, bare, helped = executed(
        site,
        "%load_ext aexp\none = %relay git-status --no-wait\nid = one.id",
        "one.result().ok",
        "%relay ls -n 5",
        "%relay show $id",
        "%relay log -f $id",
        "%relay wait $id",
        f"handle = %relay wandb-sync --no-wait\n{PENDING}id = handle.id[:8]\n%relay cancel $id",
        "%relay wait $id",
        "%relay",
        "%relay ls --help",
    )
    assert text_plain(done) == "True"
    assert "git_status" in printed(listed)
    assert "returncode 0" in printed(shown)
    assert "? new.txt" in printed(logged)
    assert text(waited).startswith("ok git_status in")
    assert "was withdrawn" in printed(gone)
    assert again[-1]["ename"] == "RelayCancelledError"
    assert "cancel ID" in printed(bare)
    assert printed(helped).count("--open") == 1
    assert "\x1b" not in printed(helped)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("pul", "%relay does not know the verb pul. Did you mean pull? Verbs: "),
        ("status --cwd x", "Options of status: --queue; a value"),
        ("push --bran x", "Did you mean --branch? "),
        ("approve ab", "%relay does not offer approve. In a terminal: aexp relay approve."),
        ("serve", "%relay does not offer serve. In a terminal: aexp relay serve."),
        ("show", "Missing argument 'ID'. aexp relay ls lists them. See %relay show --help."),
        ("ls --opn", "See %relay ls --help."),
        ("push -b 'x", "%relay cannot read this: No closing quotation. Close the quotes."),
    ],
)
def test_what_is_no_verb_or_option_is_told_with_what_was_meant(line: str, what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        relay(line)
    assert what in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "--cwd," not in str(caught.value) or "status" not in line


def test_the_help_and_the_docstring_name_every_verb_and_option() -> None:
    for told in (HELP, relay.__doc__ or ""):
        for word in (*OFFERED, *options_of("push")):
            assert word in told


def test_ctrl_c_ends_the_waiting_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], site: Site
) -> None:
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(site.repo)
    site.serve()

    def interrupted(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("aexp.airgapped.handle.AnswerWait.look", interrupted)
        assert relay("fetch") is None
    told = capsys.readouterr().out
    short = told.split("%relay wait ")[1].split(",")[0]
    assert told == (
        f"Only the waiting ended, request {short} goes on: "
        f"%relay wait {short}, or %relay cancel {short}.\n"
    )
    assert relay(f"wait {short}").ok  # type: ignore[union-attr]
