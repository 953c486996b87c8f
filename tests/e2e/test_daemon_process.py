"""The daemon as a real process: signals, kills, restarts, a second one, logs, consent."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site import Site, slow_git, stand_in


def submitted(site: Site, *args: str) -> str:
    return site.relay(*args, "--no-wait").stdout.strip()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(site: Site, number: signal.Signals) -> None:
    daemon = site.serve()
    assert site.relay("status").returncode == 0
    assert site.end(daemon, number) == 0
    assert not (site.queue / "heartbeat").exists()
    assert not (site.queue / "pid").exists()
    (lease,) = (site.queue / "lease").iterdir()
    assert lease.read_text() == "{}\n"
    assert site.relay("status").returncode == 69


def test_a_stop_ends_what_runs_with_its_whole_group(site: Site) -> None:
    note = slow_git(site)
    daemon = site.serve()
    request_id = submitted(site, "fetch")
    site.until("the fetch runs", note.exists)
    site.until("it said who it is", lambda: note.read_text().strip())
    assert site.end(daemon) == 0
    assert gone(int(note.read_text()))
    shown = site.json("show", request_id)
    assert (shown["state"], shown["stdout"]) == ("crashed", "fetching\n")


def test_a_killed_daemons_request_is_crashed_at_the_next_start_and_not_run_again(
    site: Site,
) -> None:
    note = slow_git(site)
    daemon = site.serve()
    request_id = submitted(site, "fetch")
    site.until("the fetch runs", lambda: note.exists() and note.read_text().strip())
    log = site.queue / f"log/{request_id}.txt"
    site.until("its output is in the log", lambda: log.exists() and "fetching" in log.read_text())
    site.end(daemon, signal.SIGKILL)
    site.serve()
    site.until("it is answered", lambda: site.json("show", request_id)["state"] == "crashed")
    shown = site.json("show", request_id)
    assert "had outlived it and was ended" in shown["error"]
    assert "fetching" in shown["stdout"]
    assert gone(int(note.read_text()))
    assert site.relay("git-status").returncode == 0
    assert note.read_text().count("\n") == 1
    assert list(site.queue.glob(f"stale/{request_id}.*.crashed"))


def test_a_command_that_outlived_its_daemon_is_ended_before_it_is_answered_for(site: Site) -> None:
    note = site.repo / ".git/stubborn"
    real_git = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\n[ $1 = fetch ] || exec {real_git} "$@"\n'
        f"trap '' TERM\necho $$ > {note}\n"
        "while :; do sleep 0.1; done\n",
    )
    daemon = site.serve()
    request_id = submitted(site, "fetch")
    site.until("the fetch runs", lambda: note.exists() and note.read_text().strip())
    site.end(daemon, signal.SIGKILL)
    site.serve()
    answer = site.queue / f"outbox/{request_id}.json"
    pid = int(note.read_text())
    site.until("it is answered or ended", lambda: answer.exists() or gone(pid))
    assert gone(pid)
    site.until("it is answered", answer.exists)


def test_a_daemon_on_standby_takes_over_when_the_first_one_ends(site: Site) -> None:
    first = site.serve()
    second = subprocess.Popen(
        [sys.executable, "-P", "-m", "aexp", "relay", "serve", "--standby"],
        env=site.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    site.daemons.append(second)
    assert second.stderr is not None
    assert f"pid {first.pid}" in second.stderr.readline()
    assert site.relay("git-status").returncode == 0
    site.end(first)
    assert "serves" in second.stderr.readline()
    assert site.json("status")["pid"] == second.pid
    assert site.relay("git-status").returncode == 0
    assert site.end(second) == 0


def test_a_slow_command_does_not_hold_up_another_working_copy(site: Site) -> None:
    note = slow_git(site)
    site.git("clone", "-q", str(site.origin), str(site.home / "other"), cwd=site.home)
    daemon = site.serve()
    submitted(site, "fetch")
    site.until("the fetch runs", note.exists)
    assert (
        site.relay("git-status", "-C", str(site.home / "other"), "--timeout", "30").returncode == 0
    )
    assert site.relay("status").returncode == 0
    site.end(daemon)


def test_a_running_request_can_be_cancelled(site: Site) -> None:
    note = slow_git(site)
    site.serve()
    request_id = submitted(site, "fetch")
    site.until("the fetch runs", lambda: note.exists() and note.read_text().strip())
    done = site.relay("cancel", request_id[:8])
    assert "asked to end" in done.stdout
    site.until("it is cancelled", lambda: site.json("show", request_id)["state"] == "cancelled")
    assert gone(int(note.read_text()))
    assert "is over already" in site.relay("cancel", request_id).stderr


def test_a_second_daemon_says_who_serves_and_exits_with_its_own_code(site: Site) -> None:
    first = site.serve()
    second = site.relay("serve")
    assert second.returncode == 73
    assert f"pid {first.pid}" in second.stderr
    assert site.relay("git-status").returncode == 0


def test_serving_once_does_what_waits_and_ends(site: Site) -> None:
    (site.queue / "inbox").mkdir(parents=True)
    for digit in "123":
        body = {"op": "git_status", "args": [], "cwd": str(site.repo)}
        (site.queue / f"inbox/{digit * 32}.json").write_text(json.dumps(body))
    done = site.relay("serve", "--once")
    assert done.returncode == 0
    assert sorted(os.listdir(site.queue / "outbox")) == [f"{digit * 32}.json" for digit in "123"]


def test_the_log_may_be_anywhere_also_where_no_queue_is_yet(site: Site) -> None:
    log = site.home / "logs/deep/relay.log"
    site.serve("--log", str(log), "--queue", str(site.home / "new/queue"))
    assert "serving" in log.read_text()
    assert (site.home / "new/queue").stat().st_mode & 0o777 == 0o700


def test_a_log_that_cannot_be_written_is_an_error_before_anything_runs(site: Site) -> None:
    (site.home / "file").write_text("")
    done = site.relay("serve", "--log", str(site.home / "file/x.log"))
    assert done.returncode == 78
    assert "cannot be written" in done.stderr
    assert not site.queue.exists()


def test_the_shipped_helpers_decide_also_for_another_queue(site: Site) -> None:
    site.wandb()
    run = site.repo / "wandb/offline-run-20260102_030405-ab12cd34"
    queue = site.home / "my queue"
    site.serve("--queue", str(queue))
    done = site.relay("install-helpers", "--queue", str(queue))
    assert done.returncode == 0
    request_id = submitted(site, "wandb-sync", "--queue", str(queue))
    site.until("it waits", (queue / f"pending/{request_id}.json").exists)

    def helper(name: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(queue / "_bin" / name), *args],
            env=site.env,
            capture_output=True,
            text=True,
            check=False,
        )

    listed = helper("relay-list-pending")
    assert request_id[:8] in listed.stdout
    assert helper("relay-approve", "zz").returncode == 66
    assert helper("relay-approve", request_id[:6]).returncode == 0
    shown = ("show", request_id, "--queue", str(queue))
    site.until("it ran", lambda: site.json(*shown)["state"] == "completed")
    assert site.json(*shown)["stdout"] == f"wandb sync --yes {run}\n"

    site.offline_run("ef567890")
    second = submitted(site, "wandb-sync", "--queue", str(queue))
    site.until("it waits", (queue / f"pending/{second}.json").exists)
    assert helper("relay-reject", second[:6], "--reason", "not tonight").returncode == 0
    shown = ("show", second, "--queue", str(queue))
    site.until("it was refused", lambda: site.json(*shown)["state"] == "rejected")
    assert "not tonight" in site.json(*shown)["error"]


def test_waiting_for_consent_survives_a_killed_daemon(site: Site) -> None:
    site.wandb()
    daemon = site.serve()
    request_id = submitted(site, "wandb-sync")
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    site.end(daemon, signal.SIGKILL)
    site.serve()
    assert site.json("show", request_id)["state"] == "pending"
    assert site.relay("approve", request_id[:8]).returncode == 0
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")


def test_a_missing_program_is_told_with_what_to_do(site: Site) -> None:
    started = site.relay("serve", env={"AEXP_RELAY_GIT": str(site.home / "bin/none")})
    assert started.returncode == 78
    assert "AEXP_RELAY_GIT names" in started.stderr
    assert "next: Give the absolute path of one that is there" in started.stderr


def test_the_daemons_own_git_variables_do_not_reach_the_operations(site: Site) -> None:
    other = site.home / "elsewhere"
    site.git("init", "-q", str(other), cwd=site.home)
    (other / "odd").write_text("x")
    site.serve(env={"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)})
    assert site.relay("git-status").stdout == ""


def test_a_suspended_daemon_is_told_apart_from_a_dead_one(site: Site) -> None:
    daemon = site.serve()
    daemon.send_signal(signal.SIGSTOP)
    beat = site.queue / "heartbeat"
    old = json.loads(beat.read_text())
    beat.write_text(json.dumps({**old, "wall": old["wall"] - 60}))
    status = site.json("status")
    assert not status["up"]
    assert "is it suspended?" in status["why"]
    daemon.send_signal(signal.SIGCONT)
    assert site.end(daemon) == 0


def test_under_nohup_a_hang_up_is_ignored(site: Site) -> None:
    daemon = site.serve(prefix=("nohup",))
    daemon.send_signal(signal.SIGHUP)
    assert site.relay("git-status").returncode == 0
    assert site.end(daemon) == 0


def test_a_log_that_is_a_fifo_is_an_error_and_not_a_wait(site: Site) -> None:
    os.mkfifo(site.home / "log")
    assert site.relay("serve", "--log", str(site.home / "log")).returncode == 78


def test_a_log_that_is_deleted_is_begun_anew(site: Site) -> None:
    site.serve()
    log = site.queue / "daemon.log"
    log.unlink()

    def told() -> bool:
        assert site.relay("git-status").returncode == 0
        return log.exists() and "done op=git_status" in site.trail()

    # It looks for its file once a second, when there is something to say.
    site.until("the log is begun anew", told)
    assert (site.queue / "daemon.log").stat().st_mode & 0o777 == 0o600


def test_a_module_in_the_current_folder_is_not_imported(site: Site) -> None:
    (site.repo / "logging.py").write_text("raise SystemExit('planted')")
    assert site.relay("status", cwd=site.repo).returncode == 69


def test_the_original_command_line_still_works(site: Site) -> None:
    queue = site.home / "orig"
    original = ("aexp.airgapped", "daemon")
    daemon = site.serve("--queue", str(queue), "--log", str(site.home / "o.log"), command=original)
    status = site.aexp("status", "--queue", str(queue), module="aexp.airgapped")
    assert status.returncode == 0
    assert "up" in status.stdout
    helpers = site.aexp("install-helpers", "--queue", str(queue), module="aexp.airgapped")
    assert (queue / "_bin/relay-approve").exists()
    assert helpers.returncode == 0
    assert site.end(daemon) == 0


_PICKED_UP = """
import sys
from aexp.airgapped import RelayClient
print(RelayClient().handle(sys.argv[1]).result().returncode)
"""


def test_another_process_picks_a_request_up(site: Site) -> None:
    site.serve()
    request_id = submitted(site, "git-status")
    command = [sys.executable, "-c", _PICKED_UP, request_id]
    done = subprocess.run(command, env=site.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n")
