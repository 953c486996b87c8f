"""The check-up on a real home: before the first serve, with a daemon, and with what is wrong."""

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters.processes import start_of
from aexp.domain.identity import ProcessId
from tests.lab.mounts import or_skip, tmpfs
from tests.site import Site
from tests.world import executable

QUIET = {"SSH_AUTH_SOCK": ""}


def levels(told: dict[str, Any]) -> dict[str, str]:
    return {finding["name"]: finding["level"] for finding in told["findings"]}


def finding(told: dict[str, Any], name: str) -> dict[str, str]:
    (found,) = [found for found in told["findings"] if found["name"] == name]
    assert isinstance(found, dict)
    return found


def everything(queue: Path) -> set[str]:
    """Every name in the queue, but for the daemon's drafts, which come and go."""
    return {
        str(path.relative_to(queue)) for path in queue.rglob("*") if path.parent != queue / "tmp"
    }


def test_before_the_first_serve_it_says_what_to_run_and_makes_nothing(site: Site) -> None:
    done = site.relay("doctor", env=QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"warn  queue          {site.queue} is not there yet"
    assert lines[1] == "  fix: Start one on the login node: aexp relay up"
    assert any(line.startswith("ok    git ") and "git version" in line for line in lines)
    assert "\x1b" not in done.stdout
    assert not site.queue.exists()


def test_with_a_daemon_all_is_well_and_nothing_is_left_behind(site: Site) -> None:
    daemon = site.serve()
    before = everything(site.queue)
    done = site.relay("doctor", "--json", env=QUIET)
    told = json.loads(done.stdout)
    assert (done.returncode, told["schema"], told["queue"]) == (0, 1, str(site.queue))
    assert told["host"] == os.uname().nodename
    found = levels(told)
    assert "fail" not in found.values()
    assert told["level"] in ("ok", "warn")
    probes = ("queue", "create", "exclusive", "move", "remove", "server-clock", "daemon", "git")
    assert {found[name] for name in probes} == {"ok"}
    assert (
        f"serves on this node (pid {daemon.pid}), consent login" in finding(told, "daemon")["what"]
    )
    assert " ms)" in finding(told, "exclusive")["what"]
    assert everything(site.queue) <= before | {"destinations.json"}
    assert not [name for name in os.listdir(site.queue / "tmp") if "doctor" in name]
    assert site.end(daemon) == 0


def test_a_queue_that_others_can_write_fails_and_the_fix_helps(site: Site) -> None:
    site.end(site.serve())
    (site.queue / "inbox").chmod(0o777)
    done = site.relay("doctor")
    assert done.returncode == 69
    inbox = site.queue / "inbox"
    assert f"fail  queue          {inbox} can be written by others (mode 0777)\n" in done.stdout
    assert f"\n  fix: Type: chmod go-w {inbox}\n" in done.stdout
    assert "\nok    move " in done.stdout
    inbox.chmod(0o755)
    assert site.relay("doctor").returncode == 0


def test_a_file_in_the_queues_place_fails_in_every_line_that_needs_it(site: Site) -> None:
    site.queue.write_text("not a folder")
    done = site.relay("doctor", "--json")
    found = levels(json.loads(done.stdout))
    assert done.returncode == 69
    assert found["queue"] == found["create"] == found["move"] == "fail"
    assert found["git"] == "ok"
    assert site.queue.read_text() == "not a folder"


def test_a_daemon_that_was_killed_is_a_failure(site: Site) -> None:
    daemon = site.serve()
    daemon.kill()
    daemon.wait()
    done = site.relay("doctor", "--json")
    gone = finding(json.loads(done.stdout), "daemon")
    assert done.returncode == 69
    assert (gone["level"], gone["fix"]) == (
        "fail",
        "Start one on the login node: aexp relay up",
    )


def test_a_name_that_would_act_on_a_terminal_is_spelt_out(site: Site) -> None:
    done = site.relay("doctor", env={"SSH_AUTH_SOCK": "/tmp/\x1b[2Kagent"})
    assert "\x1b" not in done.stdout
    assert "SSH_AUTH_SOCK in this shell names /tmp/\\x1b[2Kagent, which is no socket" in done.stdout


@pytest.fixture
def disk(site: Site) -> Iterator[Path]:
    """A disk of one megabyte in the home."""
    with or_skip(tmpfs(site.home / "disk", "1m"), "AEXP_EXPECT_TMPFS") as made:
        yield made


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


def test_a_full_disk_in_memory_is_told_and_left_as_it_was(site: Site, disk: Path) -> None:
    queue = disk / "relay"
    (queue / "tmp").mkdir(mode=0o700, parents=True)
    queue.chmod(0o700)
    roomy = site.json("doctor", "--queue", str(queue))
    assert (levels(roomy)["filesystem"], levels(roomy)["space"]) == ("warn", "warn")
    with pytest.raises(OSError, match="No space"):
        fill(disk / "full")
    done = site.relay("doctor", "--queue", str(queue), "--json")
    found = levels(json.loads(done.stdout))
    assert done.returncode == 69
    assert found["space"] == found["create"] == found["move"] == "fail"
    assert (found["queue"], found["git"]) == ("ok", "ok")
    assert "df -h" in finding(json.loads(done.stdout), "create")["fix"]
    assert everything(queue) == {"tmp"}
    assert os.listdir(queue / "tmp") == []


def test_what_a_daemon_of_this_node_started_with_counts_and_not_this_shell(site: Site) -> None:
    site.serve(env={"SSH_AUTH_SOCK": "/gone", "GIT_SSH_COMMAND": "ssh -v"})
    told = site.json("doctor", env={"SSH_AUTH_SOCK": "/other"})
    agent = finding(told, "ssh-agent")
    assert "SSH_AUTH_SOCK in the daemon's environment names /gone" in agent["what"]
    assert any("GIT_SSH_COMMAND is not used" in found["what"] for found in told["findings"])


@pytest.mark.parametrize("serves", [True, False])
def test_a_forged_beat_has_no_program_run_that_another_process_names(
    site: Site, serves: bool
) -> None:
    daemon = site.serve()
    evil = executable(site.home / "evil", '#!/bin/sh\n: > "$0.ran"\nexec git "$@"\n')
    named = {"AEXP_RELAY_GIT": str(evil), "SSH_AUTH_SOCK": "/evil"}
    stranger = subprocess.Popen(["sleep", "300"], env={**site.env, **named})
    try:
        beat = json.loads((site.queue / "heartbeat").read_text())
        me = ProcessId.parse(beat["daemon"])
        assert me is not None
        forged = dataclasses.replace(me, pid=stranger.pid, start=start_of(stranger.pid))
        # Suspended, it does not write its own beat over the forged one.
        if serves:
            daemon.send_signal(signal.SIGSTOP)
        else:
            site.end(daemon)
        beat |= {"daemon": str(forged), "pid": stranger.pid, "wall": time.time()}
        (site.queue / "heartbeat").write_text(json.dumps(beat))
        told = site.json("doctor", env={"SSH_AUTH_SOCK": "/mine"})
    finally:
        stranger.kill()
        stranger.wait()
    assert not (site.home / "evil.ran").exists()
    assert finding(told, "git")["level"] == "ok"
    assert ("/mine" in finding(told, "ssh-agent")["what"]) is not serves
    assert "/evil" not in json.dumps(told)


def test_a_wandb_that_was_named_is_asked_and_its_key_never_printed(site: Site) -> None:
    site.wandb()
    missing = finding(site.json("doctor"), "wandb")
    assert (missing["level"], "api.wandb.ai" in missing["what"]) == ("warn", True)
    assert "wandb login" in missing["fix"]
    (site.home / ".netrc").write_text("machine api.wandb.ai login user password hunter2\n")
    done = site.relay("doctor", "--json")
    assert finding(json.loads(done.stdout), "wandb")["what"].startswith("version 0.31 (")
    assert "hunter2" not in done.stdout


def test_a_configuration_that_git_cannot_read_hides_nothing_else(site: Site) -> None:
    site.end(site.serve())
    (site.home / ".gitconfig").write_text("[nonsense\n")
    told = site.json("doctor")
    found = levels(told)
    assert (found["git-config"], found["git"], found["move"]) == ("warn", "warn", "ok")
    assert "bad config" in finding(told, "git-config")["what"]
