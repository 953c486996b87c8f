"""A laptop that reaches the login node by ssh: a real sshd, a real key with a forced command, real git."""

import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.airgapped import RelayClient
from aexp.domain.consent import State
from aexp.domain.errors import (
    RelayConnectionError,
    RelayDownError,
    RelayStorageError,
    SettingsError,
)
from aexp.domain.far import Broken
from tests.login_host import LoginHost
from tests.site import Site, stand_in
from tests.world import executable

CONTROL = """  ControlMaster auto
  ControlPath {folder}/%C
  ControlPersist 60
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LoginHost]:
    """A login node without a daemon, and a laptop."""
    site = Site(tmp_path / "home")
    made = LoginHost(site, tmp_path / "ssh")
    yield made
    site.close()
    made.close()


@pytest.fixture
def served(host: LoginHost) -> LoginHost:
    """The same with a daemon."""
    host.site.serve()
    return host


@pytest.fixture
def here(host: LoginHost, monkeypatch: pytest.MonkeyPatch) -> LoginHost:
    """This process is on the laptop."""
    for name, value in host.env.items():
        monkeypatch.setenv(name, value)
    return host


def test_every_operation_works_with_a_key_that_can_do_nothing_else(served: LoginHost) -> None:
    site = served.site
    site.colleague("theirs")
    for verb in ("fetch", "git-status", "pull"):
        done = served.relay(verb)
        assert done.returncode == 0, done.stderr
    mine = site.commit("mine")
    done = served.relay("push", "-v")
    assert done.returncode == 0, done.stderr
    assert "main -> main" in done.stdout
    assert site.git("rev-parse", "main", cwd=site.origin) == mine
    (view,) = [one for one in _json(served, "ls")["requests"] if one["op"] == "git_push"]
    assert view["cwd"] == str(site.repo)
    # Who asked is told with where they came from, which sshd says and not they.
    assert "over ssh from 127.0.0.1" in site.trail()


def test_looking_and_telling_work_from_afar(served: LoginHost) -> None:
    request_id = served.relay("fetch", "--no-wait").stdout.strip()
    assert served.relay("wait", request_id[:8]).returncode == 0
    assert _json(served, "show", request_id[:8])["state"] == "completed"
    assert served.relay("log", "-f", request_id[:8]).returncode == 0
    assert _json(served, "status")["up"] is True
    assert request_id[:8] in served.relay("ls", "-C", ".").stdout
    levels = {one["name"]: one["level"] for one in _json(served, "doctor")["findings"]}
    assert levels == dict.fromkeys(("ssh", "version", "folder", "daemon"), "ok")


def _json(host: LoginHost, *args: str) -> dict[str, object]:
    done = host.relay(*args, "--json")
    assert done.stdout, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_what_ends_with_255_over_there_is_git_and_not_ssh(
    served: LoginHost, host: LoginHost
) -> None:
    host.site.end(host.site.daemons[0])
    stand_in(host.site, _git('if [ "$1" = fetch ]; then echo fatal: alas; exit 255; fi'))
    host.site.serve()
    done = host.relay("fetch", "--json")
    assert done.returncode == 255
    assert json.loads(done.stdout)["returncode"] == 255
    assert "alas" in json.loads(done.stdout)["stdout"]
    # ssh ends with 255 as well where it fails itself, and that is told as what it is.
    stranger = host.relay("fetch", "--queue", "ssh://stranger/~/repo", "--json")
    assert stranger.returncode == 74
    assert stranger.stdout == ""
    assert "Permission denied" in stranger.stderr


def _git(script: str) -> str:
    return f'#!/bin/sh\n{script}\nexec {shutil.which("git")} "$@"\n'


def _failure(queue: str = "ssh://login/~/repo") -> RelayConnectionError:
    with pytest.raises(RelayConnectionError) as met:
        RelayClient(queue=queue).pull()
    return met.value


def test_each_way_of_not_getting_through_is_told_apart(
    here: LoginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.site.serve()
    assert _failure("ssh://stranger/~/repo").kind == Broken.KEY
    plain = _failure("ssh://plain/~/repo?aexp=/nowhere/aexp")
    assert plain.kind == Broken.NOT_FOUND
    assert "/nowhere/aexp" in plain.what
    for line, kind in (
        (f"echo welcome; {here.aexp} relay exec", Broken.NOISE),
        ("printf 'aexp-gate/9\\n'; sleep 9", Broken.VERSION),
        ("exit 3", Broken.NOISE),
        (f"{here.aexp} relay exce", Broken.VERSION),
    ):
        here.restrict(str(executable(here.folder / "wrapper", f"#!/bin/sh\n{line}\n")))
        assert _failure().kind == kind, line
    here.restrict(f"{here.aexp} relay exec")
    known = here.known_hosts.read_text()
    here.known_hosts.write_text("")
    unknown = _failure()
    assert unknown.kind == Broken.HOST_KEY
    assert "Host key verification failed" in unknown.what
    other = (here.laptop / ".ssh/stranger.pub").read_text()
    here.known_hosts.write_text(f"[127.0.0.1]:{here.port} {other}")
    assert _failure().kind == Broken.HOST_KEY
    here.known_hosts.write_text(known)
    assert RelayClient(queue="ssh://login/~/repo").pull().returncode == 0
    here.process.terminate()
    here.process.wait()
    assert _failure().kind == Broken.UNREACHABLE
    monkeypatch.setenv("PATH", str(here.laptop / ".ssh"))
    with pytest.raises(SettingsError, match="needs ssh"):
        RelayClient(queue="ssh://login/~/repo")


def test_the_key_runs_no_other_command_copies_no_file_and_forwards_nothing(
    served: LoginHost, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    for command in (
        f"touch {mark}",
        "aexp relay approve 00",
        f"aexp relay exec; touch {mark}",
        f"aexp relay exec --queue /x --up $(touch {mark})",
        "rsync --server . .",
        "internal-sftp",
    ):
        done = served.ssh("login", command)
        assert done.returncode == 77, command
        assert done.stdout == ""
        assert done.stderr.startswith("aexp: this key serves the relay and nothing else; ")
        assert done.stderr.count("\n") == 1, done.stderr
    forwarded = served.ssh("-o", "ExitOnForwardFailure=yes", "-W", "127.0.0.1:22", "login")
    assert forwarded.returncode != 0
    assert "SSH-2.0" not in forwarded.stdout
    back = served.ssh("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22", "login")
    assert back.returncode == 255
    assert "remote port forwarding failed" in back.stderr
    # A terminal is not given either, and whoever types into the gate is none of its clients.
    typed = served.ssh("-tt", "login")
    assert "PTY allocation request failed" in typed.stderr
    assert not mark.exists()
    told = (served.site.queue / "audit.jsonl").read_text()
    assert "gate-refused" in told
    assert "rsync --server" in told


def test_what_a_client_sets_does_not_reach_the_gate(served: LoginHost, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "sitecustomize.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    named = {
        "PYTHONPATH": hostile,
        "AEXP_RELAY_QUEUE": tmp_path,
        "LC_ALL": "no_SUCH",
        "HOME": tmp_path,
    }
    told = " ".join(f"{name}={value}" for name, value in named.items())
    served.config.write_text(f"Host *\n  SetEnv {told}\n{served.config.read_text()}")
    done = served.relay("git-status")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "mark").exists()


def test_what_is_no_frame_ends_the_connection_with_one_line(served: LoginHost) -> None:
    import subprocess

    for hostile in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, os.urandom(4096)):
        done = subprocess.run(
            [served.laptop / "bin/ssh", "login"],
            env=served.env,
            input=hostile,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 65
        assert done.stdout == b"aexp-gate/1\n"
        assert done.stderr.decode().splitlines()[-1].endswith("the connection ends.")


def test_a_connection_that_is_dropped_in_the_middle_of_a_push_costs_nothing(
    host: LoginHost,
) -> None:
    go, pushes = (host.site.repo / ".git" / name for name in ("go", "pushes"))
    stand_in(
        host.site,
        _git(
            f'if [ "$1" = push ]; then echo one >> {pushes}; echo half of it;'
            f" until [ -e {go} ]; do sleep 0.05; done; fi"
        ),
    )
    host.site.serve()
    mine = host.site.commit("mine")
    waiting = host.start("push", "-v")
    host.site.until("it pushes", pushes.exists)
    (session,) = host.sessions()
    os.kill(session, signal.SIGKILL)
    host.site.until("it has connected again", lambda: [*{*host.sessions()} - {session}])
    go.touch()
    said, told = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, told
    assert "half of it" in said
    assert pushes.read_text() == "one\n"
    assert host.site.git("rev-parse", "main", cwd=host.site.origin) == mine


def test_a_push_outlives_a_login_node_that_cannot_be_reached_for_a_while(
    here: LoginHost,
) -> None:
    go, pushes = (here.site.repo / ".git" / name for name in ("go", "pushes"))
    stand_in(
        here.site,
        _git(
            f'if [ "$1" = push ]; then echo one >> {pushes}; until [ -e {go} ]; do sleep 0.05; done; fi'
        ),
    )
    here.site.serve()
    handle = RelayClient(queue="ssh://login/~/repo").submit("git_push", ["origin", "main"])
    here.site.until("it pushes", pushes.exists)
    listener = here.process
    for session in here.sessions():
        os.kill(session, signal.SIGKILL)
    listener.terminate()
    listener.wait()
    with pytest.raises(RelayStorageError, match="reached"):
        handle.result(timeout=2)
    go.touch()
    here.start_again()
    assert handle.result(timeout=60).returncode == 0
    assert pushes.read_text() == "one\n"


def test_consent_is_given_on_the_login_node_while_the_output_streams(host: LoginHost) -> None:
    go = host.folder / "go"
    host.site.wandb(f"echo first\nuntil [ -e {go} ]; do sleep 0.05; done\necho last")
    host.site.serve()
    asked = host.start("wandb-sync")
    host.site.until("it waits", lambda: host.site.json("pending")["pending"])
    (one,) = host.site.json("pending")["pending"]
    assert one["client"].endswith("over ssh from 127.0.0.1")
    refused = host.relay("approve", "-y", one["request_id"])
    assert refused.returncode == 78
    assert "Log in there" in refused.stderr
    followed = host.start("log", "-f", one["request_id"][:8])
    assert host.site.relay("approve", "-y", one["request_id"]).returncode == 0
    assert followed.stdout is not None
    assert followed.stdout.readline() == "first\n"
    go.touch()
    said, told = asked.communicate(timeout=60)
    assert asked.returncode == 0, told
    assert "first" in said
    assert "last" in said
    assert f"aexp relay approve {one['request_id'][:8]}\n" in told
    assert followed.communicate(timeout=60)[0].endswith("last\n")


def test_a_request_is_taken_back_or_ended_from_afar(here: LoginHost) -> None:
    here.site.wandb()
    here.site.serve()
    client = RelayClient(queue="ssh://login/~/repo")
    handle = client.submit("wandb_sync")
    here.site.until("it waits", lambda: handle.state is State.PENDING)
    assert handle.cancel() is True
    assert handle.state is State.CANCELLED
    here.site.end(here.site.daemons[0])
    note = here.site.repo / ".git/fetching"
    stand_in(here.site, _git(f'if [ "$1" = fetch ]; then touch {note}; exec sleep 300; fi'))
    here.site.serve()
    handle = client.submit("git_fetch")
    here.site.until("it runs", note.exists)
    assert handle.cancel() is False
    here.site.until("it has ended", handle.done)


def test_without_a_daemon_nothing_is_sent_and_the_gate_can_start_one(host: LoginHost) -> None:
    done = host.relay("push")
    assert done.returncode == 69
    assert "Start one on the login node: aexp relay up\n" in done.stderr
    assert not [*host.site.queue.glob("inbox/*")]
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    host.site.env["TMUX_TMPDIR"] = str(host.folder)
    host.site.env.pop("TMUX", None)
    host.write_program()
    host.restrict(f"{host.aexp} relay exec --up")
    try:
        done = host.relay("git-status")
        assert done.returncode == 0, done.stderr
    finally:
        host.site.relay("down", "--force")


def test_a_daemon_that_was_killed_is_down_at_once(here: LoginHost) -> None:
    daemon = here.site.serve()
    client = RelayClient(queue="ssh://login/~/repo")
    assert client.git_status().returncode == 0
    here.site.end(daemon, signal.SIGKILL)
    with pytest.raises(RelayDownError):
        client.git_status()
    assert client.daemon().up is False


def test_the_users_own_multiplexing_is_used(served: LoginHost) -> None:
    # A socket's path may have 108 bytes.
    folder = tempfile.mkdtemp(dir="/tmp")
    served.config.write_text(
        served.config.read_text().replace(
            "Host plain\n", f"{CONTROL.format(folder=folder)}Host plain\n"
        )
    )
    try:
        for _ in range(3):
            assert served.relay("git-status").returncode == 0
        assert len(served.sessions()) == 1
        assert served.ssh("-O", "check", "login").returncode == 0
    finally:
        served.ssh("-O", "exit", "login")
        shutil.rmtree(folder)


def test_the_queue_of_the_keys_own_command_counts(served: LoginHost, tmp_path: Path) -> None:
    done = served.relay("git-status", "--queue", f"ssh://login/~/repo?queue={served.site.queue}")
    assert done.returncode == 0, done.stderr
    other = served.relay("git-status", "--queue", f"ssh://login/~/repo?queue={tmp_path}/other")
    assert other.returncode != 0
    assert "this key is for the queue" in other.stderr
    assert "next: Leave ?queue= out of the URL" in other.stderr
    # A key that may run any command serves the queue that is asked for.
    url = f"ssh://plain/~/repo?queue={tmp_path}/other&aexp={served.aexp}"
    assert served.relay("git-status", "--queue", url).returncode == 69


def test_the_folder_is_looked_up_on_the_login_node(served: LoginHost) -> None:
    (served.site.repo / "sub").mkdir()
    assert served.relay("git-status", "-C", "sub").returncode == 0
    assert served.relay("git-status", "-C", f"{served.laptop}/repo").returncode == 0
    gone = served.relay("git-status", "-C", "gone")
    assert gone.returncode == 65
    assert "does not exist" in gone.stderr
    assert served.relay("git-status", "--queue", "ssh://login").returncode == 65


@pytest.mark.parametrize(
    "words",
    [["approve", "-y", "00"], ["reject", "00"], ["serve"], ["up"], ["down"], ["restart"],
     ["pending"], ["grants"], ["grant", "git_push", "--for", "1h"], ["revoke", "--all"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_what_is_done_on_the_login_node_says_so_without_connecting(
    host: LoginHost, words: list[str]
) -> None:
    done = host.relay(*words)
    assert done.returncode == 78, (done.stdout, done.stderr)
    assert "Log in there" in done.stderr
    assert host.sessions() == []


def test_no_connection_is_left_behind_by_a_command(served: LoginHost) -> None:
    assert served.relay("git-status").returncode == 0
    served.site.until("it has gone", lambda: served.sessions() == [])


def test_ctrl_c_in_a_program_leaves_its_connection_alone(here: LoginHost) -> None:
    here.site.serve()
    client = RelayClient(queue="ssh://login/~/repo")
    client.git_status()
    before = here.sessions()
    os.killpg(os.getpgrp(), 0)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    groups = {os.getpgid(int(pid)) for pid in children if _runs_ssh(pid)}
    assert groups
    assert os.getpgrp() not in groups
    client.git_status()
    assert here.sessions() == before


def _runs_ssh(pid: str) -> bool:
    words = shlex.join(Path(f"/proc/{pid}/cmdline").read_text().split("\0"))
    return "relay exec" in words and sys.executable not in words
