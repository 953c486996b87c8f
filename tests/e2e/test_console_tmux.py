"""The person's side on a real terminal: the console by its keys, and the plain prompt without it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_terminal import Terminal, needs_tmux
from tests.site import Site

pytestmark = needs_tmux


@pytest.fixture
def terminal(site: Site) -> Iterator[Terminal]:
    made = Terminal(site)
    yield made
    made.close()


def keys(terminal: Terminal, text: str) -> None:
    """Type it without Enter."""
    terminal._tmux("send-keys", "-l", text)


def digits(terminal: Terminal) -> str:
    """The first four of the digest that the screen shows last."""
    return re.findall(r"digest +([0-9a-f]{64})", terminal.screen())[-1][:4]


def ask(site: Site) -> str:
    """Leave a request that waits for consent; its id."""
    site.relay("wandb-sync", "--no-wait")
    site.until("it waits", lambda: site.json("pending")["pending"])
    found: str = site.json("pending")["pending"][-1]["request_id"]
    return found


def state(site: Site, request_id: str) -> str:
    found: str = site.json("show", request_id)["state"]
    return found


def test_a_request_is_seen_approved_followed_and_found_in_the_history_by_keys(
    site: Site, terminal: Terminal
) -> None:
    go = site.repo / ".git/go"
    os.mkfifo(go)
    site.wandb(f'printf "uploading 10%%\\ruploading 70%%\\r"; read word < {go}; echo "all $word"')
    site.serve()
    terminal.aexp("relay", "console")
    terminal.shows("NOTHING WAITS")
    request_id = ask(site)
    terminal.shows("WAITING FOR YOU (1)")
    terminal.shows("sends      wandb/offline-run")
    keys(terminal, "a")
    terminal.shows("Approve this?")
    keys(terminal, "nope")
    terminal.press("Enter")
    terminal.shows("nothing was approved")
    assert state(site, request_id) == "pending"
    keys(terminal, digits(terminal))
    terminal.press("Enter")
    terminal.shows(f"Approved {request_id[:8]}: wandb_sync")
    terminal.shows("RUNNING (1)")
    terminal.shows("| uploading 70%")
    assert "uploading 10%" not in terminal.screen()
    go.write_text("done\n")
    terminal.shows(f"{request_id[:8]}  ok")
    terminal.shows("NOTHING RUNS")
    keys(terminal, "q")
    terminal.shows("[ended 0]")
    assert state(site, request_id) == "completed"


def test_a_rejection_by_keys_tells_its_reason_and_ctrl_c_leaves(
    site: Site, terminal: Terminal
) -> None:
    site.wandb()
    site.serve()
    request_id = ask(site)
    terminal.aexp("relay", "console", "--no-bell")
    terminal.shows("WAITING FOR YOU (1)")
    keys(terminal, "r")
    terminal.shows("Reject this?")
    keys(terminal, "not before Monday")
    terminal.press("Enter")
    terminal.shows(f"Rejected {request_id[:8]}")
    site.until("it is rejected", lambda: state(site, request_id) == "rejected")
    assert "not before Monday" in site.json("show", request_id)["error"]
    terminal.press("C-c")
    terminal.shows("[ended 0]")
    assert "Traceback" not in terminal.screen()


def test_a_grant_by_keys_lets_what_waits_and_what_comes_run(site: Site, terminal: Terminal) -> None:
    site.wandb()
    site.serve()
    request_id = ask(site)
    terminal.aexp("relay", "console")
    terminal.shows("WAITING FOR YOU (1)")
    keys(terminal, "g")
    terminal.shows("For how long")
    keys(terminal, "30m")
    terminal.press("Enter")
    terminal.shows("Grant this?")
    keys(terminal, digits(terminal))
    terminal.press("Enter")
    terminal.shows("Granted ")
    site.until("it ran", lambda: state(site, request_id) == "completed")
    terminal.shows("NOTHING WAITS")
    terminal.shows("granted ")
    site.offline_run("cd34ef56")
    assert site.relay("wandb-sync").returncode == 0
    terminal.shows("2 used")
    keys(terminal, "q")
    terminal.shows("[ended 0]")


@pytest.fixture
def key(site: Site) -> Path:
    """A key with a passphrase, by which alone a daemon of the site takes approvals."""
    key, signers = site.home / "key", site.home / "signers"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-C", "", "-f", key], check=True
    )
    signers.write_text(f"ada {key.with_suffix('.pub').read_text()}")
    site.wandb()
    site.serve("--consent", "signed", "--allowed-signers", str(signers))
    return key


def approve(terminal: Terminal) -> None:
    """Approve what the cursor is on by the digits that are shown."""
    keys(terminal, "a")
    terminal.shows("Approve this?")
    keys(terminal, digits(terminal))
    terminal.press("Enter")


def test_a_passphrase_is_asked_for_on_the_terminal_and_the_console_comes_back(
    site: Site, terminal: Terminal, key: Path
) -> None:
    request_id = ask(site)
    terminal.aexp("relay", "console", "--key", str(key))
    terminal.shows("sends      wandb/offline-run")
    approve(terminal)
    terminal.shows("Enter passphrase")
    keys(terminal, "open sesame")
    terminal.press("Enter")
    terminal.shows(f"Signed for {request_id[:8]}")
    site.until("it ran", lambda: state(site, request_id) == "completed")
    terminal.shows("NOTHING WAITS")
    keys(terminal, "q")
    terminal.shows("[ended 0]")


def test_after_a_wrong_passphrase_the_console_says_so_and_the_right_one_still_counts(
    site: Site, terminal: Terminal, key: Path
) -> None:
    request_id = ask(site)
    terminal.aexp("relay", "console", "--key", str(key))
    terminal.shows("sends      wandb/offline-run")
    approve(terminal)
    terminal.shows("Enter passphrase")
    keys(terminal, "wrong")
    terminal.press("Enter")
    terminal.shows("ssh-keygen did not sign with")
    assert "WAITING FOR YOU (1)" in terminal.screen()
    assert state(site, request_id) == "pending"
    approve(terminal)
    # The first question still stands above; what is typed before the second one is thrown away.
    terminal.shows("Enter passphrase", times=2)
    keys(terminal, "open sesame")
    terminal.press("Enter")
    terminal.shows(f"Signed for {request_id[:8]}")
    site.until("it ran", lambda: state(site, request_id) == "completed")
    keys(terminal, "q")
    terminal.shows("[ended 0]")


@pytest.mark.usefixtures("key")
def test_without_a_key_the_console_says_how_to_name_one_and_goes_on(
    site: Site, terminal: Terminal
) -> None:
    request_id = ask(site)
    terminal.aexp("relay", "console")
    terminal.shows("sends      wandb/offline-run")
    approve(terminal)
    terminal.shows("no key was named")
    terminal.shows("next: Give --key")
    assert state(site, request_id) == "pending"
    keys(terminal, "r")
    terminal.shows("Reject this?")
    terminal.press("Enter")
    terminal.shows(f"Rejected {request_id[:8]}")
    keys(terminal, "q")
    terminal.shows("[ended 0]")


def test_it_draws_with_the_terminals_own_colours_and_with_none_when_none_are_wanted(
    site: Site, terminal: Terminal
) -> None:
    terminal.aexp("relay", "console")
    terminal.shows("No daemon serves this queue")
    assert "\x1b[31m" in terminal.screen(colours=True)
    assert not re.search(r"\x1b\[[0-9;]*[34]8[;:]", terminal.screen(colours=True))
    keys(terminal, "q")
    terminal.shows("[ended 0]")
    terminal.clear()
    terminal.type("export", "NO_COLOR=1")
    terminal.aexp("relay", "console", rest="; echo [again $?]")
    terminal.shows("No daemon serves this queue")
    assert not re.search(r"\x1b\[([0-9;]*;)?[349][0-8][;m]", terminal.screen(colours=True))
    keys(terminal, "q")
    terminal.shows("[again 0]")


def test_without_the_extra_it_says_how_to_get_it_and_what_does_without(
    site: Site, terminal: Terminal, tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    (absent / "textual").mkdir(parents=True)
    (absent / "textual/__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'textual'\", name='textual')\n"
    )
    terminal.type("export", f"PYTHONPATH={absent}")
    terminal.aexp("relay", "console")
    terminal.shows("[ended 78]")
    screen = terminal.screen()
    assert "error: The console needs Textual" in screen
    assert "pip install 'textual>=8.2.6'" in screen
    assert "aexp relay approve -i" in screen
    assert "Traceback" not in screen


def test_the_plain_prompt_walks_through_what_waits_on_a_dumb_terminal(
    site: Site, terminal: Terminal
) -> None:
    site.wandb()
    site.serve()
    first, second = ask(site), ask(site)
    terminal.type("export", "TERM=dumb")
    terminal.aexp("relay", "approve", "-i")
    terminal.shows("q quits")
    assert f"request    {first}" in terminal.screen()
    terminal.type("x")
    terminal.type("a")
    terminal.shows("type the first 4 digits")
    terminal.type("nope")
    terminal.shows("nothing was approved")
    assert state(site, first) == "pending"
    terminal.type("a")
    terminal.type(digits(terminal))
    terminal.shows(f"approved {first}")
    terminal.shows(f"request    {second}")
    terminal.type("g")
    terminal.shows("For how long")
    terminal.type("never")
    terminal.shows("is no span of time")
    terminal.type("r")
    terminal.shows("Reason")
    terminal.type("not", "now")
    terminal.shows(f"rejected {second}")
    terminal.shows("Nothing else waits.")
    terminal.shows("[ended 0]")
    site.until("both are over", lambda: state(site, second) == "rejected")
    site.until("it ran", lambda: state(site, first) == "completed")
    assert "not now" in site.json("show", second)["error"]
    assert "\x1b" not in terminal.screen()


def test_the_plain_prompt_grants_for_a_while(site: Site, terminal: Terminal) -> None:
    site.wandb()
    site.serve()
    request_id = ask(site)
    terminal.aexp("relay", "approve", "-i")
    terminal.shows("q quits")
    terminal.type("g")
    terminal.shows("For how long")
    terminal.type("30m")
    terminal.shows("To grant, type")
    terminal.type(digits(terminal))
    terminal.shows("granted ")
    terminal.shows("[ended 0]")
    site.until("it ran", lambda: state(site, request_id) == "completed")


def test_ctrl_c_skip_and_quit_leave_everything_undecided(site: Site, terminal: Terminal) -> None:
    site.wandb()
    site.serve()
    request_id = ask(site)
    for typed in ("s", "q", ""):
        terminal.clear()
        terminal.aexp("relay", "approve", "-i", request_id[:6])
        terminal.shows("q quits")
        terminal.type(*([typed] if typed else []))
        terminal.shows("[ended 0]")
    terminal.clear()
    terminal.aexp("relay", "approve", "-i")
    terminal.shows("q quits")
    terminal.type("a")
    terminal.shows("type the first 4 digits")
    terminal.press("C-c")
    terminal.shows("[ended 130]")
    assert "Traceback" not in terminal.screen()
    assert state(site, request_id) == "pending"


def test_without_a_terminal_nothing_is_asked_and_nothing_approved(site: Site) -> None:
    site.wandb()
    site.serve()
    request_id = ask(site)
    asked = site.relay("approve", "-i")
    assert asked.returncode == 78
    assert "standard input is no terminal" in asked.stderr
    console = site.relay("console")
    assert console.returncode == 78
    assert "aexp relay approve -i" in console.stderr
    assert site.relay("approve").returncode == 2
    assert site.relay("approve", "-i", "--yes").returncode == 2
    assert state(site, request_id) == "pending"
