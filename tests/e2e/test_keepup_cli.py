"""``aexp relay up|down|restart|service``: real tmux, real daemons, and hostile files in the queue."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import Site, slow_git
from tests.world import executable

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)


@pytest.fixture
def tmux_site(tmp_path: Path) -> Iterator[Site]:
    """A site with a tmux server of its own."""
    site = Site(tmp_path / "höme-of-ada")
    site.env["TMUX_TMPDIR"] = str(tmp_path)
    yield site
    for pid in serving(site):
        os.kill(pid, signal.SIGKILL)
    tmux(site, "kill-server")
    site.close()


def serving(site: Site) -> list[int]:
    """Every daemon of the site that runs, in tmux or not."""
    mark = f"AEXP_RELAY_STATE={site.state}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                environ = (entry / "environ").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if b"serve" in words and mark in environ:
                found[int(entry.name)] = parent
    # A child that is about to become git or tmux has its parent's words until it is.
    return [pid for pid, parent in found.items() if parent not in found]


def tmux(site: Site, *args: str) -> str:
    done = subprocess.run(
        ["tmux", "-u", *args], env=site.env, capture_output=True, text=True, check=False
    )
    return done.stdout


def environ_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def words_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


def forged(site: Site, pid: int, host: str = "") -> None:
    """The queue's every word on who serves it names this process, as one that lives."""
    from aexp.adapters.processes import ProcProcesses, start_of
    from aexp.domain.identity import ProcessId

    machine = ProcProcesses().me.host
    name = str(ProcessId.new(host or machine, pid, start_of(pid)))
    beat = {"wall": time.time(), "daemon": name, "pid": pid, "proto": 1, "seq": 1}
    body = json.dumps({**beat, "host": host or os.uname().nodename, "ts_monotonic": 1.0})
    for folder in ("lease", "daemons"):
        (site.queue / folder).mkdir(parents=True, exist_ok=True)
    (site.queue / "heartbeat").write_text(body)
    (site.queue / f"daemons/{name}.hb").write_text(body)
    (site.queue / "lease/00000099").write_text(body)
    (site.queue / "pid").write_text(f"{pid}\n")
    site.queue.chmod(0o700)


def test_up_serves_says_how_to_look_and_may_be_repeated(tmux_site: Site) -> None:
    site = tmux_site
    first = site.relay("up")
    assert first.returncode == 0, first.stderr
    assert "look: tmux attach -t aexp-relay " in first.stderr
    assert site.relay("git-status").returncode == 0
    again = site.json("up")
    (pid,) = serving(site)
    assert (again["state"], again["pid"], again["session"]) == ("already", pid, "aexp-relay")
    assert site.json("status")["pid"] == pid
    assert "aexp relay serves" in tmux(site, "capture-pane", "-p", "-t", "aexp-relay")


def test_up_says_which_settings_of_the_shell_the_daemon_that_serves_does_not_heed(
    tmux_site: Site,
) -> None:
    site = tmux_site
    first = site.relay("up", env={"AEXP_RELAY_MOST_AT_ONCE": "2"})
    assert "does not heed" not in first.stderr
    told = site.relay("up", env={"AEXP_RELAY_MOST_AT_ONCE": "2"}).stderr
    assert "does not heed" not in told
    program = executable(site.home / "my wandb", "#!/bin/sh\n")
    more = {"AEXP_RELAY_WANDB": str(program)}
    told = site.relay("up", env=more).stderr
    assert "note: it was started before, and does not heed AEXP_RELAY_WANDB of this shell" in told
    again = f"AEXP_RELAY_WANDB={shlex.quote(str(program))} aexp relay restart\n"
    assert f"next: to have that: {again}" in told
    assert site.relay("restart", env=more).returncode == 0
    (pid,) = serving(site)
    assert environ_of(pid)["AEXP_RELAY_WANDB"] == str(program)


def test_up_in_a_repository_says_that_its_file_names_no_queue_for_a_daemon(tmux_site: Site) -> None:
    site = tmux_site
    file = site.repo / ".aexp/config.yaml"
    file.parent.mkdir()
    file.write_text("relay:\n  queue: ~/.relay-of-the-repository\n")
    for _ in range(2):
        told = site.relay("up", "--queue", str(site.queue))
        assert f"serves {site.queue}" in told.stdout
        assert f"  note: {file} does not count: a daemon takes nothing from a repo" in told.stderr
    assert site.relay("up", "--json", "--queue", str(site.queue)).stderr == ""


def test_down_ends_it_in_order_and_leaves_no_session(tmux_site: Site) -> None:
    site = tmux_site
    note = slow_git(site)
    site.relay("up")
    request_id = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("the fetch runs", lambda: note.exists() and note.read_text().strip())
    done = site.relay("down")
    assert (done.returncode, serving(site)) == (0, [])
    assert site.json("show", request_id)["state"] == "crashed"
    assert tmux(site, "list-sessions") == ""
    again = site.json("down")
    assert (again["state"], again["pid"]) == ("none", None)


def test_down_finds_a_daemon_outside_of_tmux_and_of_every_consent(tmux_site: Site) -> None:
    site = tmux_site
    for consent in ("file", "login"):
        daemon = site.serve("--consent", consent)
        assert site.json("up")["session"] is None
        assert site.json("down")["pid"] == daemon.pid
        assert daemon.wait(timeout=30) == 0


def test_the_environment_is_that_of_the_shell_also_on_an_older_tmux_server(
    tmux_site: Site,
) -> None:
    site = tmux_site
    tmux(site, "new-session", "-d", "-s", "mine", "sleep 300")
    shell = {
        "SSH_AUTH_SOCK": "/run/new/agent",
        "AEXP_RELAY_MOST_AT_ONCE": "2",
        "VIRTUAL_ENV": "/v ü",
    }
    done = site.relay("up", env=shell)
    assert done.returncode == 0, done.stderr
    (pid,) = serving(site)
    assert shell.items() <= environ_of(pid).items()
    assert environ_of(pid)["PATH"] == site.env["PATH"]
    assert sorted(tmux(site, "list-sessions", "-F", "#S").split()) == ["aexp-relay", "mine"]


def test_restart_keeps_options_and_environment_and_takes_new_ones(tmux_site: Site) -> None:
    site = tmux_site
    queue, log = str(site.home / "my quéue"), str(site.home / "a log.txt")
    on = ("--queue", queue)
    first = site.relay("up", *on, "--", "--log", log, env={"AEXP_RELAY_MOST_AT_ONCE": "3"})
    assert first.returncode == 0, first.stderr
    (before,) = serving(site)
    words = words_of(before)
    again = site.json("restart", *on)
    (after,) = serving(site)
    assert (again["state"], again["pid"]) == ("started", after)
    assert after != before
    assert words_of(after) == words
    assert words_of(after)[-4:] == ["--queue", queue, "--log", log]
    assert environ_of(after)["AEXP_RELAY_MOST_AT_ONCE"] == "3"
    site.relay("restart", *on, "--", "--strict")
    (last,) = serving(site)
    assert words_of(last)[-3:] == ["--queue", queue, "--strict"]
    assert site.relay("restart").returncode == 0
    assert len(serving(site)) == 2


def test_what_the_last_daemon_had_is_told_and_kept(tmux_site: Site) -> None:
    site = tmux_site
    site.wandb()
    program = site.env.pop("AEXP_RELAY_WANDB")
    shown = f"AEXP_RELAY_WANDB={shlex.quote(program)}"
    stray = {"AEXP_RELAY_REDIS_USER": "daemon", "AEXP_RELAY_REDIS_PASSWORD_FILE": "/p"}
    site.relay("up", "--", "--most-at-once", "2", env={"AEXP_RELAY_WANDB": program, **stray})
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", lambda: site.json("show", request_id)["state"] == "pending")
    down = site.relay("down")
    assert "1 request still waits for consent; it stays for the next daemon.\n" in down.stdout
    assert shown in down.stderr
    assert " aexp relay up -- --most-at-once 2\n" in down.stderr
    assert "REDIS" not in down.stderr

    up = site.relay("up")
    assert f"note: the last daemon here had {shown} --most-at-once 2; this one has not" in up.stderr
    log = site.queue / "daemon.log"
    site.until("it was looked at", lambda: "left-pending" in log.read_text())
    assert site.json("show", request_id)["state"] == "pending"

    again = site.relay("restart", env={"AEXP_RELAY_WANDB": program})
    assert again.returncode == 0, again.stderr
    site.until("it was taken over", lambda: "still-pending" in log.read_text())
    site.relay("down")
    again = site.relay("restart")
    assert f"note: as the last daemon here had it: {shown}" in again.stderr
    (pid,) = serving(site)
    assert environ_of(pid)["AEXP_RELAY_WANDB"] == program
    printed = site.relay("service", "print")
    assert f"AEXP_RELAY_WANDB={program}" in printed.stdout
    assert f"as the daemon that serves here (pid {pid}) has it" in printed.stderr
    assert (
        "=/other/wandb\n"
        in site.relay("service", "print", env={"AEXP_RELAY_WANDB": "/other/wandb"}).stdout
    )


def test_a_daemon_that_fails_early_is_told_with_its_words_and_code(tmux_site: Site) -> None:
    site = tmux_site
    done = site.relay("up", "--", "--consent", "signed")
    assert done.returncode == 78
    assert "There is no file of allowed signers" in done.stderr
    assert "ended with exit code 78 before it served" in done.stderr
    assert tmux(site, "list-sessions") == ""
    assert list(site.state.glob("*/jobs/*")) == []


def test_a_restart_that_comes_to_nothing_says_that_nothing_serves_now(tmux_site: Site) -> None:
    site = tmux_site
    former = site.serve()
    done = site.relay("restart", "--", "--consent", "signed")
    assert done.returncode == 78
    assert former.wait(timeout=30) == 0
    assert f"the former daemon (pid {former.pid}) has ended; nothing serves now" in done.stderr


def test_options_of_serve_are_looked_at_before_anything_is_started(tmux_site: Site) -> None:
    site = tmux_site
    for wrong in (["--nonsense"], ["--once"], ["--queue", "/q"], ["more"]):
        done = site.relay("up", "--", *wrong)
        assert done.returncode == 2, wrong
    assert not site.queue.exists()


def test_a_crash_keeps_its_window_and_up_works_again(tmux_site: Site) -> None:
    site = tmux_site
    site.relay("up")
    (pid,) = serving(site)
    os.kill(pid, signal.SIGKILL)
    dead = ("list-panes", "-t", "aexp-relay", "-F", "#{pane_dead}")
    site.until("tmux has seen it", lambda: tmux(site, *dead).strip() == "1")
    assert f"(pid {pid}," in tmux(site, "capture-pane", "-p", "-J", "-S", "-50", "-t", "aexp-relay")
    assert site.json("up")["state"] == "started"
    assert site.relay("git-status").returncode == 0
    assert tmux(site, *dead).strip() == "0"


def test_two_that_bring_it_up_at_once_start_one(tmux_site: Site) -> None:
    site = tmux_site
    both = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "aexp", "relay", "up"],
            env=site.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert len(serving(site)) == 1


def test_without_tmux_nothing_is_started(tmux_site: Site) -> None:
    site = tmux_site
    bare = site.home / "bare"
    executable(bare / "git", f'#!/bin/sh\nexec {shutil.which("git")} "$@"\n')
    done = site.relay("up", env={"PATH": str(bare)})
    assert done.returncode == 69
    assert "nohup setsid aexp relay serve" in done.stderr
    assert serving(site) == []


def test_a_daemon_that_serves_is_not_ended_by_a_restart_that_could_not_start_it(
    tmux_site: Site,
) -> None:
    site = tmux_site
    daemon = site.serve()
    bare = site.home / "bare"
    executable(bare / "git", f'#!/bin/sh\nexec {shutil.which("git")} "$@"\n')
    assert site.relay("restart", env={"PATH": str(bare)}).returncode == 69
    assert daemon.poll() is None


def test_a_forged_queue_cannot_have_a_stranger_signalled(tmux_site: Site) -> None:
    site = tmux_site
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        forged(site, stranger.pid)
        for command in (["down"], ["down", "--force"]):
            done = site.relay(*command)
            assert done.returncode == 73
            assert "cannot be found here; nothing was ended" in done.stderr
        assert site.relay("restart").returncode == 73
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_with_a_forged_beat_the_daemon_that_really_serves_is_ended(tmux_site: Site) -> None:
    site = tmux_site
    site.relay("up")
    (pid,) = serving(site)
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        forged(site, stranger.pid)
        assert site.json("down", "--force")["pid"] == pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_queue_that_is_a_link_to_another_does_not_end_that_ones_daemon(tmux_site: Site) -> None:
    site = tmux_site
    other = site.home / "other"
    daemon = site.serve("--queue", str(other))
    site.queue.symlink_to(other)
    done = site.relay("down", "--force")
    assert done.returncode == 73
    assert daemon.poll() is None
    assert site.json("down", "--queue", str(other))["pid"] == daemon.pid


def test_a_daemon_on_another_node_is_left_alone_and_named(tmux_site: Site) -> None:
    site = tmux_site
    forged(site, os.getpid(), host="login2")
    for command in ("up", "down"):
        done = site.relay(command)
        assert done.returncode == 73
        assert f"login2 (pid {os.getpid()})" in done.stderr
        assert "`aexp relay down` on that node" in done.stderr
    assert serving(site) == []


def test_what_a_stale_beat_says_is_nothing(tmux_site: Site) -> None:
    site = tmux_site
    daemon = site.serve()
    site.end(daemon, signal.SIGKILL)
    assert site.json("down")["state"] == "none"
    assert site.json("up")["state"] == "started"


def test_a_suspended_daemon_is_not_said_to_serve(tmux_site: Site) -> None:
    site = tmux_site
    daemon = site.serve()
    daemon.send_signal(signal.SIGSTOP)
    site.until("it stands still", lambda: " T " in Path(f"/proc/{daemon.pid}/stat").read_text())
    refused = site.relay("up")
    assert refused.returncode == 69
    assert f"The daemon (pid {daemon.pid}) is suspended" in refused.stderr
    assert f"kill -CONT {daemon.pid}" in refused.stderr
    daemon.send_signal(signal.SIGCONT)
    site.until("it goes on", lambda: site.relay("up").returncode == 0)
    assert site.json("up")["state"] == "already"


def test_a_suspended_daemon_is_woken_to_end(tmux_site: Site) -> None:
    site = tmux_site
    daemon = site.serve()
    daemon.send_signal(signal.SIGSTOP)
    assert site.json("down")["pid"] == daemon.pid
    assert daemon.wait(timeout=30) == 0


def test_a_daemon_that_stood_by_is_told_of(tmux_site: Site) -> None:
    site = tmux_site
    daemon = site.serve()
    second = subprocess.Popen(
        [sys.executable, "-P", "-m", "aexp", "relay", "serve", "--standby"],
        env=site.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    site.daemons.append(second)
    assert second.stderr is not None
    assert "standing by" in second.stderr.readline()
    assert site.json("down")["pid"] == daemon.pid
    assert "serves" in second.stderr.readline()
    site.until("it is found", lambda: site.json("up")["pid"] == second.pid)
    assert site.json("down")["pid"] == second.pid


def test_serving_once_is_quiet_and_ends_with_a_code_of_its_own_beside_another(
    tmux_site: Site,
) -> None:
    site = tmux_site
    for _ in range(2):
        quiet = site.relay("serve", "--once", "--consent", "file")
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    sent = site.relay("git-status", "--no-wait")
    request_id = sent.stdout.strip()
    assert "note: no daemon stays; the last visit was " in sent.stderr
    assert f"`aexp relay cancel {request_id[:8]}` takes it back." in sent.stderr
    assert site.json("show", request_id)["state"] == "received"
    done = site.relay("serve", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert site.json("show", request_id)["state"] == "completed"
    site.serve()
    busy = site.relay("serve", "--once")
    assert (busy.returncode, busy.stdout, busy.stderr) == (73, "", "")


@pytest.fixture
def manager(tmux_site: Site) -> Iterator[Site]:
    """A site whose node has a systemd user manager: its socket, and a systemctl that notes its words."""
    runtime = tmux_site.home.parent / "run"
    (runtime / "systemd").mkdir(parents=True)
    note = tmux_site.home.parent / "systemctl"
    executable(
        tmux_site.home / "bin/systemctl",
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "systemd 252"; exit 0; }}\necho "$@" >> "{note}"\n',
    )
    tmux_site.env["XDG_RUNTIME_DIR"] = str(runtime)
    with socket.socket(socket.AF_UNIX) as made:
        before = Path.cwd()
        os.chdir(runtime)
        try:
            made.bind("systemd/private")
        finally:
            os.chdir(before)
        yield tmux_site


def unit_of(site: Site) -> Path:
    return site.home / ".config/systemd/user/aexp-relay.service"


def test_a_unit_is_printed_written_and_removed(manager: Site) -> None:
    printed = manager.relay("service", "print", "--", "--strict")
    assert f"\nConditionHost={os.uname().nodename}\n" in printed.stdout
    done = manager.relay("service", "install", "--", "--strict")
    assert done.returncode == 0, done.stderr
    assert unit_of(manager).read_text() == printed.stdout
    assert "next: systemctl --user daemon-reload" in done.stderr
    assert "systemctl --user enable --now aexp-relay.service" in done.stderr
    assert "loginctl enable-linger" in done.stderr
    assert manager.relay("service", "install").returncode == 0
    assert "--strict" not in unit_of(manager).read_text()
    assert manager.relay("service", "uninstall").returncode == 0
    assert list(unit_of(manager).parent.iterdir()) == []
    assert manager.relay("service", "uninstall").returncode == 0
    assert not (manager.home.parent / "systemctl").exists()


def test_a_unit_that_was_edited_is_left_alone(manager: Site) -> None:
    manager.relay("service", "install")
    edited = unit_of(manager).read_text().replace("on-failure", "always")
    unit_of(manager).write_text(edited)
    for command in ("install", "uninstall"):
        done = manager.relay("service", command)
        assert done.returncode == 78
        assert "was edited, or is not ours" in done.stderr
        assert unit_of(manager).read_text() == edited
    assert manager.relay("service", "install", "--force").returncode == 0
    assert "Restart=on-failure" in unit_of(manager).read_text()


def test_a_unit_of_another_host_is_moved_and_said_so(manager: Site) -> None:
    from aexp.domain.unit import Unit

    unit_of(manager).parent.mkdir(parents=True)
    unit_of(manager).write_text(Unit("login9", "/q", ("/p",), {}).text())
    done = manager.relay("service", "install")
    assert done.returncode == 0
    assert "it was for login9" in done.stderr


def test_now_has_systemd_do_it(manager: Site) -> None:
    queue = ("--queue", str(manager.home / "q"))
    done = manager.relay("service", "install", "--now", *queue)
    assert done.returncode == 0, done.stderr
    (unit,) = unit_of(manager).parent.iterdir()
    assert manager.relay("service", "uninstall", "--now", *queue).returncode == 0
    assert (manager.home.parent / "systemctl").read_text().splitlines() == [
        "--user daemon-reload",
        f"--user enable --now {unit.name}",
        f"--user disable --now {unit.name}",
        "--user daemon-reload",
    ]


def test_without_a_manager_no_unit_is_written(tmux_site: Site) -> None:
    done = tmux_site.relay("service", "install", env={"XDG_RUNTIME_DIR": str(tmux_site.home)})
    assert done.returncode == 78
    assert "aexp relay up" in done.stderr
    assert not unit_of(tmux_site).exists()


def test_an_odd_queue_is_read_back_from_the_unit_as_it_was(manager: Site) -> None:
    from tests.unit.test_unit import unquoted

    queue = manager.home / 'q "100%" ü$'
    assert manager.relay("service", "print", "--", "--once").returncode == 2
    text = manager.relay("service", "print", "--queue", str(queue)).stdout
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert unquoted(line.split("--queue ", 1)[1]).replace("$$", "$") == str(queue)


def test_of_two_that_serve_once_at_the_same_moment_each_ends_cleanly(tmux_site: Site) -> None:
    site = tmux_site
    for _ in range(2):
        site.relay("serve", "--once")
    ids = [site.relay("git-status", "--no-wait").stdout.strip() for _ in range(3)]
    both = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "aexp", "relay", "serve", "--once"],
            env=site.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=60)[0] for one in both]
    codes = sorted(one.returncode for one in both)
    assert said == [b"", b""]
    assert codes in ([0, 0], [0, 73])
    assert {site.json("show", one)["state"] for one in ids} == {"completed"}


def test_what_waits_for_consent_outlasts_visits_until_somebody_decides(tmux_site: Site) -> None:
    site = tmux_site
    site.wandb()
    for _ in range(2):
        site.relay("serve", "--once")
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    for _ in range(2):
        assert site.relay("serve", "--once").returncode == 0
        assert site.json("show", request_id)["state"] == "pending"
    assert site.relay("approve", request_id).returncode == 69
    assert site.relay("up").returncode == 0
    assert site.relay("approve", request_id).returncode == 0
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")
    assert site.relay("down").returncode == 0


def test_a_signature_between_two_visits_would_count_for_nothing_and_is_refused(
    tmux_site: Site,
) -> None:
    site = tmux_site
    key = site.state.parent / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = site.home / "signers"
    signers.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    once = ("serve", "--once", "--consent", "signed", "--allowed-signers", str(signers))
    site.wandb()
    for _ in range(2):
        site.relay(*once)
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.relay(*once)
    refused = site.relay("approve", request_id, "--key", str(key))
    assert refused.returncode == 69
    assert "would count for nothing now, since each daemon asks anew" in refused.stderr
    assert [*(site.queue / "approved").iterdir()] == []
    assert site.relay(*once).returncode == 0
    assert site.json("show", request_id)["state"] == "pending"
    assert site.relay("up", "--", *once[2:]).returncode == 0
    assert site.relay("approve", request_id, "--key", str(key)).returncode == 0
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")
    assert site.relay("down").returncode == 0
