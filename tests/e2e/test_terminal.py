"""What a person sees, on a real terminal: tmux runs it, its screen is read."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import RedisServer
from tests.site import Site, slow_git, stand_in

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)
pytestmark = needs_tmux


class Terminal:
    """A terminal of 110 columns with a shell of the site in it."""

    def __init__(self, site: Site, *shell: str) -> None:
        self.site = site
        self._socket = str(site.home / "tmux.sock")
        env = {**site.env, "TERM": "xterm-256color", "PS1": "$ "}
        self._tmux(
            "new-session",
            "-d",
            "-x",
            "110",
            "-y",
            "40",
            "-c",
            str(site.repo),
            *(shell or ("sh",)),
            env=env,
        )

    def _tmux(self, *args: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *args],
            env=env or self.site.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def type(self, *command: str, rest: str = "") -> None:
        self._tmux("send-keys", "-l", shlex.join(command) + rest)
        self._tmux("send-keys", "Enter")

    def aexp(self, *args: str, rest: str = "; echo [ended $?]") -> None:
        self.type(sys.executable, "-P", "-m", "aexp", *args, rest=rest)

    def keys(self, text: str, key: str) -> None:
        self._tmux("send-keys", "-l", text)
        self.press(key)

    def clear(self) -> None:
        """Take what ended off the screen, so that the next thing that is shown is new."""
        self.type("clear")
        self.site.until("the screen is clear", lambda: "[ended" not in self.screen())

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def screen(self, *, colours: bool = False) -> str:
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def below(self, text: str) -> str:
        """What stands on the screen below the last line that has the text."""
        return self.screen().rpartition(f"{text}\n")[2].strip()

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", "40")

    def shows(self, text: str, *, times: int = 1) -> None:
        """Wait until the screen has the text, and so often."""
        try:
            self.site.until(
                f"the screen shows {text!r}", lambda: self.screen().count(text) >= times
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{self.screen()}") from error

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def terminal(site: Site) -> Iterator[Terminal]:
    made = Terminal(site)
    yield made
    made.close()


def test_a_push_shows_gits_words_and_one_line_of_how_it_went(
    site: Site, terminal: Terminal
) -> None:
    site.serve()
    site.commit("mine")
    terminal.aexp("relay", "push")
    terminal.shows("[ended 0]")
    screen = terminal.screen()
    assert "main -> main" in screen
    assert re.search(r"(?m)^ok git_push in [0-9.]+ m?s$", screen)


def test_the_daemon_shows_its_trail_and_ends_with_ctrl_c(site: Site, terminal: Terminal) -> None:
    terminal.aexp("relay", "serve")
    terminal.shows("aexp relay serves")
    assert site.relay("git-status").returncode == 0
    terminal.shows("done op=git_status")
    terminal.press("C-c")
    terminal.shows("[ended 0]")
    screen = terminal.screen()
    assert "Traceback" not in screen
    assert all(line.strip() == "^C" for line in screen.splitlines() if "^C" in line), screen


def test_ctrl_c_while_waiting_says_how_to_go_on(site: Site, terminal: Terminal) -> None:
    site.wandb()
    site.serve()
    terminal.aexp("relay", "wandb-sync")
    terminal.shows("waits for consent")
    terminal.press("C-c")
    terminal.shows("[ended 130]")
    screen = terminal.screen()
    assert "wandb_sync waits for consent, " not in screen
    assert "wandb_sync still waits for consent as" in screen
    assert "next: aexp relay approve" in screen
    assert "Traceback" not in screen


def test_ctrl_c_while_following_takes_the_line_away_and_says_how_to_go_on(
    site: Site, terminal: Terminal
) -> None:
    slow_git(site)
    site.serve()
    request_id = site.relay("fetch", "--no-wait").stdout.strip()
    terminal.aexp("relay", "log", "-f", request_id)
    terminal.shows(f"{request_id[:8]} runs, submitted")
    terminal.press("C-c")
    terminal.shows("[ended 130]")
    screen = terminal.screen()
    assert f"{request_id[:8]} runs" not in screen
    assert f"Only the following ended; {request_id} goes on." in screen


def test_a_long_operation_says_that_it_runs_and_goes_on_after_ctrl_c(
    site: Site, terminal: Terminal
) -> None:
    note = slow_git(site)
    site.serve()
    terminal.aexp("relay", "fetch")
    terminal.shows("git_fetch runs as")
    assert note.exists()
    terminal.press("C-c")
    terminal.shows("[ended 130]")
    assert "git_fetch goes on as" in terminal.screen()
    (row,) = site.json("ls")["requests"]
    assert row["state"] == "running"
    site.until(
        "the log has its output",
        lambda: "fetching" in site.json("show", row["request_id"])["stdout"],
    )


def test_output_is_shown_as_it_comes(site: Site, terminal: Terminal) -> None:
    real, go = shutil.which("git"), site.repo / ".git/go"
    os.mkfifo(go)
    stand_in(
        site,
        f'#!/bin/sh\ncase "$*" in *fetch*) echo "counting"; printf "half\\rall of it\\n"; read word < {go}; '
        f'echo "and $word";; *) exec {real} "$@";; esac\n',
    )
    site.serve()
    terminal.aexp("relay", "fetch")
    terminal.shows("all of it")
    assert "[ended 0]" not in terminal.screen()
    go.write_text("done\n")
    terminal.shows("[ended 0]")
    shown = terminal.screen()
    assert "and done" in shown
    assert "half" not in shown
    assert "ok git_fetch in" in shown


BAR = "Receiving objects ━━━━━━━━━━━━╸                   42% 420/1000, 1.2 MiB | 3 MiB/s"


def receiving(site: Site) -> Path:
    """A git for the daemon whose fetch stands at 42 % until a word is written to the fifo, then says it."""
    go = site.repo / ".git/go"
    os.mkfifo(go)
    stand_in(
        site,
        '#!/bin/sh\ncase "$*" in *fetch*) echo before; '
        'printf "Receiving objects:   1%% (10/1000)\\r"; '
        'printf "Receiving objects:  42%% (420/1000), 1.2 MiB | 3 MiB/s\\r"; '
        f'read word < {go}; printf "Receiving objects: 100%% (1000/1000), done.\\n"; echo "$word";; '
        f'*) exec {shutil.which("git")} "$@";; esac\n',
    )
    return go


def test_progress_is_a_bar_below_the_output_and_gone_at_the_end(
    site: Site, terminal: Terminal
) -> None:
    go = receiving(site)
    site.serve()
    terminal.type("export", "NO_COLOR=1")
    terminal.aexp("relay", "fetch")
    terminal.shows(BAR)
    assert terminal.below("before") == BAR
    go.write_text("after\n")
    terminal.shows("[ended 0]")
    screen = terminal.screen()
    assert "before\nafter\nok git_fetch in" in screen
    assert "42%" not in screen


def test_a_terminal_that_becomes_narrower_shows_one_line_of_progress(
    site: Site, terminal: Terminal
) -> None:
    go = receiving(site)
    site.serve()
    terminal.type("export", "NO_COLOR=1")
    terminal.aexp("relay", "fetch")
    terminal.shows(BAR)
    terminal.resize(40)
    terminal.shows(" 42%\n")
    assert terminal.screen().count("42%") == 1
    terminal.resize(110)
    terminal.shows(BAR)
    assert terminal.screen().count("42%") == 1
    go.write_text("after\n")
    terminal.shows("[ended 0]")
    assert "42%" not in terminal.screen()


def test_into_a_pipe_goes_the_output_alone_while_the_terminal_shows_progress(
    site: Site, terminal: Terminal
) -> None:
    go = receiving(site)
    site.serve()
    terminal.type("export", "NO_COLOR=1")
    terminal.aexp("relay", "fetch", rest=" > out.txt; echo [ended $?]")
    terminal.shows(BAR)
    go.write_text("after\n")
    terminal.shows("[ended 0]")
    assert "42%" not in terminal.screen()
    told = (site.repo / "out.txt").read_text()
    assert told == "before\nafter\n"


def test_who_is_quiet_sees_neither_bar_nor_state(site: Site, terminal: Terminal) -> None:
    go = receiving(site)
    site.serve()
    terminal.aexp("relay", "fetch", "-q")
    terminal.shows("before")
    request_id = site.json("ls")["requests"][0]["request_id"]
    # Time for two seconds of status, had there been one.
    site.relay("wait", request_id, "--timeout", "2.5")
    assert terminal.below("before") == ""
    go.write_text("after\n")
    terminal.shows("[ended 0]")
    assert "ok git_fetch" not in terminal.screen()


def test_a_request_behind_another_one_says_which(site: Site, terminal: Terminal) -> None:
    note = slow_git(site)
    site.serve()
    first = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)
    terminal.aexp("relay", "pull")
    terminal.shows(f"git_pull waits behind {first[:8]} (git_fetch), which runs in this folder")
    terminal.shows(", waiting for 2 s")
    rows = {row["op"]: row for row in site.json("ls")["requests"]}
    assert (rows["git_pull"]["waits_for"], rows["git_pull"]["behind"]) == ("request", first)
    assert f"behind {first[:8]} (git_fetch)" in site.relay("ls", "--open").stdout
    site.relay("cancel", first)
    terminal.shows("[ended 0]")
    assert "waits behind" not in terminal.screen()


@pytest.mark.parametrize("columns", [100, 80, 60])
def test_tables_do_not_wrap(site: Site, terminal: Terminal, columns: int) -> None:
    site.wandb()
    site.serve()
    run = "wandb/offline-run-20260102_030405-ab12cd34"
    asked = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", lambda: site.json("show", asked)["state"] == "pending")
    terminal.resize(columns)
    for verb in ("pending", "ls"):
        terminal.aexp("relay", verb, rest=f"; echo [{verb} $?]")
        terminal.shows(f"[{verb} 0]")
        _, heading, after = terminal.screen().rpartition("\nID ")
        assert heading
        told = after.splitlines()
        assert told[1].startswith(asked[:8])
        assert "wandb_sync" in told[1]
        # What a wrapped line would have left stands nowhere.
        assert told[2].startswith(("  next:", f"[{verb} 0]"))
    whole = site.relay("pending").stdout
    assert run in whole
    assert str(site.repo) in whole


def test_a_terminal_that_cannot_go_back_is_told_in_lines(site: Site, terminal: Terminal) -> None:
    note = slow_git(site)
    site.serve()
    terminal.type("export", "TERM=dumb")
    terminal.aexp("relay", "fetch")
    terminal.shows("git_fetch runs as")
    assert note.exists()
    terminal.press("C-c")
    terminal.shows("[ended 130]")
    assert terminal.screen().count("git_fetch runs as") == 1


def test_a_very_long_output_keeps_its_end_on_the_terminal(site: Site, terminal: Terminal) -> None:
    site.wandb("seq 1 400000; echo the very end")
    site.serve()
    terminal.aexp("relay", "wandb-sync")
    terminal.shows("waits for consent")
    (waiting,) = site.json("pending")["pending"]
    site.relay("approve", waiting["request_id"])
    terminal.shows("[ended 0]")
    assert "the very end" in terminal.screen()


def test_an_error_is_two_lines(site: Site, terminal: Terminal) -> None:
    terminal.aexp("relay", "pull")
    terminal.shows("[ended 69]")
    assert "error: No daemon serves" in terminal.screen()
    assert "next: Start one on the login node" in terminal.screen()


def test_escape_sequences_in_output_do_not_reach_the_terminal(
    site: Site, terminal: Terminal
) -> None:
    site.wandb(r"printf 'safe\033[2J\033]0;title\007 text\n'")
    site.serve()
    terminal.aexp("relay", "wandb-sync")
    terminal.shows("waits for consent")
    (waiting,) = site.json("pending")["pending"]
    site.relay("approve", waiting["request_id"])
    terminal.shows("[ended 0]")
    assert r"safe\x1b[2J\x1b]0;title\x07 text" in terminal.screen()


def test_no_color_is_honoured(site: Site, terminal: Terminal) -> None:
    terminal.aexp("relay", "status")
    terminal.shows("[ended 69]")
    assert "\x1b[31m" in terminal.screen(colours=True)
    terminal.clear()
    terminal.type("export", "NO_COLOR=1")
    terminal.aexp("relay", "status", rest="; echo [again $?]")
    terminal.shows("[again 69]")
    assert "\x1b[31m" not in terminal.screen(colours=True)
    assert "down  there is no beat" in terminal.screen()


def test_a_queue_without_a_folder_shows_short_lines_as_well(
    site: Site, terminal: Terminal, redis_server: RedisServer
) -> None:
    queue = redis_server.url("terminal", options="&open=yes")
    terminal.aexp("relay", "serve", "--queue", queue)
    terminal.shows("aexp relay serves")
    request_id = site.relay("git-status", "--no-wait", "--queue", queue).stdout.strip()
    terminal.shows("done op=git_status")
    screen = terminal.screen()
    assert re.search(rf"^\d\d:\d\d:\d\d {request_id[:8]} received", screen, re.MULTILINE), screen
    assert request_id not in screen
    assert " INFO " not in screen
    terminal.press("C-c")
    terminal.shows("[ended 0]")
