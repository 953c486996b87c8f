"""Being told by a real daemon: in a real tmux, on a real terminal, by a real command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.domain.serving import pending_option, session_name
from tests.site import Site
from tests.told import ONE, Screen, Tmux, needs_tmux
from tests.world import executable

SERVE = (sys.executable, "-P", "-m", "aexp", "relay", "serve")


@pytest.fixture
def tmux(site: Site) -> Iterator[Tmux]:
    made = Tmux(site.home)
    yield made
    made.close()


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    yield made
    made.close()


def in_window(site: Site, tmux: Tmux, *args: str, **env: str) -> str:
    """Serve in a window of tmux that nobody looks at; the window."""
    values = {**site.env, "NO_COLOR": "1", **env}
    given = [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
    window = tmux.run("new-window", "-d", "-P", "-F", "#{window_id}", *given, *SERVE, *args).strip()
    site.until("it serves", lambda: " serves " in pane(tmux, window))
    return window


def pane(tmux: Tmux, window: str) -> str:
    return tmux.run("capture-pane", "-p", "-J", "-t", window)


def end_of(folder: Path) -> str:
    """A folder as a notification has room for it."""
    text = str(folder)
    return text if len(text) <= 64 else f"...{text[-61:]}"


def wait_for_consent(site: Site) -> str:
    """A request that waits; its id."""
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    return request_id


@needs_tmux
def test_in_tmux_the_bell_rings_a_message_comes_and_the_status_line_counts(
    site: Site, tmux: Tmux
) -> None:
    site.wandb()
    tmux.run(
        "set-option", "-g", "status-right", "#{?@aexp_pending,aexp: #{@aexp_pending} waiting,}"
    )
    window = in_window(site, tmux)
    first = wait_for_consent(site)
    site.until("it is counted", lambda: tmux.pending == "1")
    site.until(
        "the bell has rung",
        lambda: tmux.run("display", "-p", "-t", window, "#{window_bell_flag}") == "1\n",
    )
    message = f"aexp: wandb_sync waits for consent: aexp relay approve {first[:8]}".encode()
    site.until("the message is shown", lambda: message in tmux.screen.seen())
    shown = pane(tmux, window)
    assert "consent: wandb_sync wandb/offline-run" in shown
    assert f"  next: aexp relay approve {first[:8]}, or aexp relay reject {first[:8]}\n" in shown
    # What tmux does not pass on is not printed either.
    assert "notify;aexp" not in shown
    second = wait_for_consent(site)
    site.until("both are told", lambda: b"aexp: 2 requests wait" in tmux.screen.seen())
    assert tmux.pending == "2"
    site.relay("reject", first)
    site.until("one is counted", lambda: tmux.pending == "1")
    before = len(tmux.screen.seen())
    tmux.screen.press(b"x")
    site.until("the status line has it", lambda: b"aexp: 1 waiting" in tmux.screen.seen()[before:])
    site.relay("approve", second)
    site.until("none is counted", lambda: tmux.pending == "")
    site.offline_run("ef567890")
    wait_for_consent(site)
    site.until("it is counted", lambda: tmux.pending == "1")
    tmux.run("send-keys", "-t", window, "C-c")
    site.until("the daemon's end clears it", lambda: tmux.pending == "")
    assert "notice-failed" not in site.trail()


@needs_tmux
def test_with_passthrough_the_notification_leaves_tmux(site: Site, tmux: Tmux) -> None:
    site.wandb()
    tmux.run("set-option", "-g", "allow-passthrough", "on")
    window = in_window(site, tmux, "--notify", "osc")
    # It lets through what the visible pane says.
    tmux.run("select-window", "-t", window)
    request_id = wait_for_consent(site)
    text = (
        f"wandb_sync waits for consent: aexp relay approve {request_id[:8]}, in {end_of(site.repo)}"
    )
    for sequence in (f"\x1b]9;aexp: {text}\x07", f"\x1b]777;notify;aexp;{text}\x07"):
        site.until(
            f"{sequence!r} comes out", lambda told=sequence: told.encode() in tmux.screen.seen()
        )
    assert tmux.run("display", "-p", "-t", window, "#{window_bell_flag}") == "0\n"


@needs_tmux
def test_a_requester_has_no_say_in_tmux(site: Site, tmux: Tmux) -> None:
    site.wandb()
    folder = site.home / "#(touch evil);%H#{pid}"
    site.git("clone", "-q", str(site.origin), str(folder), cwd=site.home)
    (site.repo / "wandb").rename(folder / "wandb")
    window = in_window(site, tmux)
    done = site.relay("wandb-sync", "-C", str(folder), "--no-wait")
    assert done.returncode == 0
    shown = b"/__touch evil___H__pid_"
    site.until("the message is shown", lambda: shown in tmux.screen.seen())
    assert not list(site.home.rglob("evil"))
    assert "#(touch evil);%H#{pid}" in pane(tmux, window)


@needs_tmux
def test_what_a_killed_daemon_left_in_the_status_line_is_mended_by_the_next(
    site: Site, tmux: Tmux
) -> None:
    tmux.run("set-option", "-g", "@aexp_pending", "3")
    in_window(site, tmux)
    site.until("it is cleared", lambda: tmux.pending == "")


@needs_tmux
def test_two_queues_in_one_tmux_do_not_overwrite_each_others_count(site: Site, tmux: Tmux) -> None:
    site.wandb()
    other = str(site.home / "my queue")
    option = pending_option(session_name(other, default=False))
    in_window(site, tmux)
    window = in_window(site, tmux, "--queue", other)
    wait_for_consent(site)
    site.until("it is counted", lambda: tmux.pending == "1")
    site.offline_run("cd34ef56")
    for _ in range(2):
        assert site.relay("wandb-sync", "--no-wait", "--queue", other).returncode == 0

    def counted() -> str:
        return tmux.run("display-message", "-p", f"#{{?{option},#{{{option}}},none}}").strip()

    site.until("the other queue's are counted", lambda: counted() == "2")
    assert tmux.pending == "1"
    tmux.run("send-keys", "-t", window, "C-c")
    site.until("the daemon's end clears its own", lambda: counted() == "none")
    assert tmux.pending == "1"


@needs_tmux
def test_a_daemon_outside_tmux_tells_it_when_it_is_named(site: Site, tmux: Tmux) -> None:
    site.wandb()
    folder = site.home / "tm"
    folder.mkdir()
    place = folder / f"tmux-{os.geteuid()}"
    place.mkdir(mode=0o700)
    (place / "default").symlink_to(tmux.socket)
    daemon = site.serve("--notify", "tmux", env={"TMUX_TMPDIR": str(folder)})
    wait_for_consent(site)
    site.until("it is counted", lambda: tmux.pending == "1")
    site.end(daemon)
    assert tmux.pending == ""
    assert not (site.queue / "consent.log").exists()


def serve_on(site: Site, screen: Screen, *args: str) -> "subprocess.Popen[bytes]":
    """A daemon whose standard error is a terminal."""
    env = {**site.env, "TERM": "xterm-256color", "NO_COLOR": "1"}
    daemon = subprocess.Popen([*SERVE, *args], env=env, cwd=site.home, stderr=screen.slave)
    site.daemons.append(daemon)  # type: ignore[arg-type]
    site.until("it serves", lambda: b" serves " in screen.seen())
    return daemon


def test_a_terminal_gets_the_line_the_notifications_and_the_bell(
    site: Site, screen: Screen
) -> None:
    site.wandb()
    serve_on(site, screen)
    request_id = wait_for_consent(site)
    short = request_id[:8]
    text = f"wandb_sync waits for consent: aexp relay approve {short}, in {end_of(site.repo)}"
    told = f"\x1b]9;aexp: {text}\x07\x1b]777;notify;aexp;{text}\x07\x07"
    site.until("all of it has come", lambda: told.encode() in screen.seen())
    lines = screen.seen().decode().partition("\x1b]9")[0].splitlines()
    assert lines[-2:] == [
        f"consent: wandb_sync wandb/offline-run-20260102_030405-ab12cd34 in {site.repo} waits for you",
        f"  next: aexp relay approve {short}, or aexp relay reject {short}",
    ]
    assert "digest=" in lines[-3]
    assert len(lines[-3].split("digest=")[1].split()[0]) == 8


@pytest.mark.parametrize("ways", ["none", "no-line,no-osc,no-bell"])
def test_what_is_switched_off_is_silent(site: Site, screen: Screen, ways: str) -> None:
    site.wandb()
    serve_on(site, screen, "--notify", ways)
    wait_for_consent(site)
    assert site.relay("git-status").returncode == 0
    site.until("the trail is shown", lambda: b"done op=git_status" in screen.seen())
    assert b"\x1b" not in screen.seen()
    assert b"\x07" not in screen.seen()
    assert b"consent:" not in screen.seen()
    assert (site.queue / "consent.log").exists() == (ways != "none")


def test_a_daemon_on_a_stopped_terminal_serves_on_and_says_what_is_missing(
    site: Site, screen: Screen
) -> None:
    site.wandb()
    daemon = serve_on(site, screen)
    screen.stop()
    wait_for_consent(site)
    for _ in range(3):
        assert site.relay("git-status", "--timeout", "30").returncode == 0
    assert "takes nothing" in site.trail()
    assert site.trail().count("notice-failed") == 1
    screen.go_on()
    assert site.relay("git-status").returncode == 0
    site.until("the gap is told", lambda: b" lines left out" in screen.seen())
    assert site.end(daemon) == 0  # type: ignore[arg-type]


def test_the_owners_command_is_run_and_told_all(site: Site) -> None:
    site.wandb()
    hook = executable(
        site.home / "bin/tell", "#!/bin/sh\nenv > $HOME/heard.new; mv $HOME/heard.new $HOME/heard\n"
    )
    daemon = site.serve("--notify-hook", "~/bin/tell")
    request_id = wait_for_consent(site)
    heard = site.home / "heard"
    site.until("the hook has run", heard.exists)
    found = dict(line.split("=", 1) for line in heard.read_text().splitlines())
    (waiting,) = site.json("pending")["pending"]
    assert found["AEXP_REQUEST_ID"] == request_id
    assert found["AEXP_DIGEST"] == waiting["digest"]
    assert found["AEXP_CLIENT"] == waiting["client"]
    assert found["AEXP_CWD"] == str(site.repo)
    assert (found["AEXP_PENDING"], found["AEXP_QUEUE"]) == ("1", str(site.queue))
    # The command that it is given works as it stands.
    done = site.aexp(*found["AEXP_APPROVE"].split()[1:])
    assert done.returncode == 0, done.stderr
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")
    hook.write_text("#!/bin/sh\necho no room; exit 3\n")
    site.offline_run("ef567890")
    wait_for_consent(site)
    site.until("its failure is told", lambda: "ended with 3: no room" in site.trail())
    assert site.end(daemon) == 0


def test_serving_once_tells_before_it_ends(site: Site) -> None:
    site.wandb()
    executable(site.home / "tell", "#!/bin/sh\necho $AEXP_PENDING >> $HOME/heard\n")
    (site.queue / "inbox").mkdir(parents=True)
    body = f'{{"op": "wandb_sync", "args": [], "cwd": "{site.repo}"}}'
    (site.queue / f"inbox/{ONE}.json").write_text(body)
    done = site.relay("serve", "--once", env={"AEXP_RELAY_NOTIFY_HOOK": "~/tell"})
    assert done.returncode == 0, done.stderr
    assert (site.home / "heard").read_text() == "1\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--notify", "bel"), "Did you mean bell?"),
        (("--notify-hook", "~/.relay/tell"), "lies in the queue"),
        (("--notify-hook", "tell"), "absolute path"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_before_anything_is_made(
    site: Site, args: tuple[str, ...], said: str
) -> None:
    if "lies" in said:
        executable(site.queue / "tell", "#!/bin/sh\n")
    done = site.relay("serve", *args)
    assert done.returncode == 78
    assert said in done.stderr
    assert not (site.queue / "daemon.log").exists()


def test_the_original_command_tells_by_the_environment(site: Site) -> None:
    site.wandb()
    executable(site.home / "tell", "#!/bin/sh\necho $AEXP_OP > $HOME/heard\n")
    env = {"AEXP_RELAY_NOTIFY": "hook", "AEXP_RELAY_NOTIFY_HOOK": "~/tell"}
    site.serve(command=("aexp.airgapped", "daemon"), env=env)
    wait_for_consent(site)
    site.until("the hook has run", (site.home / "heard").exists)
    assert not (site.queue / "consent.log").exists()


def test_a_hook_that_hangs_holds_up_neither_requests_nor_the_end(site: Site) -> None:
    site.wandb()
    executable(
        site.home / "tell",
        "#!/bin/sh\ntrap '' TERM\necho $$ > $HOME/pid\nwhile :; do sleep 1; done\n",
    )
    daemon = site.serve("--notify-hook", "~/tell")
    wait_for_consent(site)
    pid = site.home / "pid"
    site.until("the hook runs", lambda: pid.exists() and pid.read_text().strip())
    assert site.relay("git-status", "--timeout", "30").returncode == 0
    assert site.end(daemon) == 0
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
