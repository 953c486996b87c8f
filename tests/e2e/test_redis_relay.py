"""The whole relay over a real Redis server, which dies and stands still: real daemons, a user each."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.redis_server import RedisServer, documented_users, login_of
from tests.site import Site, stand_in

KEPT = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with the documented users, which keeps what it has acknowledged."""
    made = RedisServer(tmp_path / "server", (*KEPT, "--aclfile", "users.acl"))
    (made.folder / "users.acl").write_text(documented_users("lab"), encoding="utf-8")
    yield made.start()
    made.go_on()
    made.kill()


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that starts with nothing each time, and lets everybody in."""
    made = RedisServer(tmp_path / "server")
    yield made.start()
    made.kill()


def as_user(server: RedisServer, user: str) -> dict[str, str]:
    """The environment of one who uses the queue as this user."""
    file = server.folder / f"{user}.password"
    file.write_text(f"{user.upper()}-PASSWORD\n", encoding="utf-8")
    file.chmod(0o600)
    return {
        "AEXP_RELAY_QUEUE": server.url(options="&timeout=1"),
        "AEXP_RELAY_REDIS_USER": user,
        "AEXP_RELAY_REDIS_PASSWORD_FILE": str(file),
    }


def serve(site: Site, env: dict[str, str], *options: str) -> None:
    """Start a daemon that keeps its log in a file."""
    site.serve(*options, "--log", str(site.home / "daemon.log"), env=env)


def held_git(site: Site) -> tuple[Path, Path]:
    """A git whose fetch notes each of its runs, and ends when the second file is there."""
    # Landlock lets git write nowhere else.
    runs, goes_on = site.repo / ".git/runs", site.repo / ".git/goes-on"
    real_git = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\nif [ "$1" = fetch ]; then echo fetching; echo run >> {runs}; '
        f"while [ ! -e {goes_on} ]; do sleep 0.05; done; echo fetched; exit 0; fi\n"
        f'exec {real_git} "$@"\n',
    )
    return runs, goes_on


@contextmanager
def waiting(site: Site, env: dict[str, str], *words: str) -> "Iterator[subprocess.Popen[str]]":
    """A client that waits in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "aexp", "relay", *words, "--json"],
        cwd=site.repo,
        env={**site.env, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        try:
            yield client
        finally:
            client.kill()


def answer_of(client: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = client.communicate(timeout=60)
    assert client.returncode == 0, out + err
    found: dict[str, Any] = json.loads(out)
    return found


def test_an_operation_goes_through_the_server_with_its_output(
    site: Site, server: RedisServer
) -> None:
    serve(site, as_user(server, "daemon"))
    site.colleague("news")
    answer = site.json("fetch", env=as_user(server, "client"))
    assert answer["returncode"] == 0
    assert "main" in answer["stdout"]
    done = site.relay("status", env=as_user(server, "client"))
    assert "PASSWORD" not in done.stdout + done.stderr
    assert not (site.home / ".relay").exists()


def test_a_client_cannot_approve_and_an_approver_can_from_anywhere(
    site: Site, server: RedisServer
) -> None:
    site.wandb()
    serve(site, as_user(server, "daemon"), "--consent", "acl")
    client, approver = as_user(server, "client"), as_user(server, "approver")
    request_id = site.relay("wandb-sync", "--no-wait", env=client).stdout.strip()
    site.until("it waits", lambda: site.json("show", request_id, env=client)["state"] == "pending")
    # Another machine, as far as anything of this node counts.
    elsewhere = {"AEXP_RELAY_STATE": str(site.home.parent / "elsewhere")}
    refused = site.relay("approve", request_id, "--yes", env={**client, **elsewhere})
    assert refused.returncode == 74
    assert "This user of the queue may not approve" in refused.stderr
    assert "as an approver of the queue (AEXP_RELAY_REDIS_USER=approver): aexp" in refused.stderr
    # Before anything is shown that a person would read and type digits of.
    assert "digest" not in refused.stderr
    wait = f"from aexp.airgapped import RelayClient; RelayClient().handle({request_id!r}).result(1)"
    in_python = subprocess.run(
        [sys.executable, "-c", wait],
        cwd=site.repo,
        env={**site.env, **client},
        capture_output=True,
        text=True,
        check=False,
    )
    as_whom = "s an approver of the queue (AEXP_RELAY_REDIS_USER=approver)"
    assert f"consent. A{as_whom}: aexp relay approve" in in_python.stderr
    assert f"Approve it a{as_whom} with `aexp relay approve" in in_python.stderr
    for hinted in (["pending"], ["show", request_id]):
        assert "AEXP_RELAY_REDIS_USER=approver" in site.relay(*hinted, env=client).stderr
    assert site.json("show", request_id, env=client)["state"] == "pending"
    given = site.relay("approve", request_id, "--yes", env={**approver, **elsewhere})
    assert given.returncode == 0, given.stderr
    done = site.json("wait", request_id, env=client)
    assert done["returncode"] == 0
    assert done["consent"] == "acl"


def test_an_approval_by_rights_counts_for_what_was_shown_and_for_nothing_else(
    site: Site, server: RedisServer
) -> None:
    """An approval holds the digest of another request; then the client writes over what waits."""
    site.wandb()
    serve(site, as_user(server, "daemon"), "--consent", "acl")
    client, approver = as_user(server, "client"), as_user(server, "approver")

    def shown(request_id: str) -> dict[str, Any]:
        return site.json("show", request_id, env=client)

    ids = [site.relay("wandb-sync", "--no-wait", env=client).stdout.strip() for _ in range(2)]
    for one in ids:
        site.until("it waits", lambda one=one: shown(one)["state"] == "pending")
    first, second = ids
    site.relay("approve", second, "--yes", env=approver)
    assert site.json("wait", second, env=client)["returncode"] == 0
    log = site.home / "daemon.log"
    (digest,) = re.findall(rf"{second} approve .*digest=(\w+)", log.read_text())
    with redis.Redis.from_url(server.url(user=login_of("approver")).partition("?")[0]) as raw:
        raw.set(f"aexp:{{lab}}:approved/{first}", digest)
        raw.sadd("aexp:{lab}:approved", first)
    site.until("it is told", lambda: f"{first} approval-ignored" in log.read_text())
    assert shown(first)["state"] == "pending"
    with redis.Redis.from_url(server.url(user=login_of("client")).partition("?")[0]) as raw:
        waits = f"aexp:{{lab}}:pending/{first}.json"
        data = raw.get(waits)
        assert isinstance(data, bytes)
        raw.set(waits, data.replace(b'"args"', b' "args"'))
    site.relay("approve", first, "--yes", env=approver)
    site.until("it is decided", lambda: shown(first)["state"] != "pending")
    assert shown(first)["state"] == "rejected"
    assert "was changed while it waited" in shown(first)["error"]


def test_approvals_by_rights_are_refused_where_the_server_keeps_nobody_apart(
    site: Site, forgetful: RedisServer
) -> None:
    open_to_all = forgetful.url(options="&open=yes")
    done = site.relay("serve", "--once", "--consent", "acl", "--queue", open_to_all)
    assert done.returncode != 0
    assert "can write approved/" in done.stderr
    done = site.relay("serve", "--once", "--consent", "acl")
    assert done.returncode != 0
    assert "--consent login" in done.stderr
    closed = site.relay("serve", "--once", "--queue", forgetful.url())
    assert closed.returncode != 0
    assert "asks for no password" in closed.stderr
    said = site.relay("serve", "--once", "--queue", open_to_all, "--log", "-")
    assert said.returncode == 0
    assert "appendonly no" in said.stderr


def test_a_request_outlives_a_server_that_is_killed_and_started_again(
    site: Site, server: RedisServer
) -> None:
    runs, goes_on = held_git(site)
    serve(site, as_user(server, "daemon"))
    with waiting(site, as_user(server, "client"), "fetch") as client:
        site.until("it runs", runs.exists)
        server.kill()
        goes_on.touch()
        server.start()
        answer = answer_of(client)
        assert (answer["returncode"], answer["stdout"]) == (0, "fetching\nfetched\n")
        assert runs.read_text() == "run\n"
        assert site.json("fetch", env=as_user(server, "client"))["returncode"] == 0


def test_a_request_outlives_a_server_that_stands_still(site: Site, server: RedisServer) -> None:
    runs, goes_on = held_git(site)
    serve(site, as_user(server, "daemon"))
    with waiting(site, as_user(server, "client"), "fetch") as client:
        site.until("it runs", runs.exists)
        server.pause()
        goes_on.touch()
        # Longer than one answer may take: what was sent meanwhile is sent again.
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(timeout=2.0)
        server.go_on()
        assert answer_of(client)["stdout"] == "fetching\nfetched\n"
        assert runs.read_text() == "run\n"


def test_what_a_forgetful_server_loses_is_told_and_the_daemon_goes_on(
    site: Site, forgetful: RedisServer
) -> None:
    site.wandb()
    env = {"AEXP_RELAY_QUEUE": forgetful.url(options="&open=yes&timeout=1")}
    serve(site, env, "--consent", "file")
    request_id = site.relay("wandb-sync", "--no-wait", env=env).stdout.strip()
    site.until("it waits", lambda: site.json("show", request_id, env=env)["state"] == "pending")
    with waiting(site, env, "wait", request_id) as client:
        forgetful.kill()
        forgetful.start()
        out, err = client.communicate(timeout=60)
        assert client.returncode != 0
        assert request_id in out + err
        assert "There is no request" in out + err
        site.until("it serves", lambda: site.relay("status", env=env).returncode == 0)
        assert site.json("fetch", env=env)["returncode"] == 0
        with redis.Redis(port=forgetful.port) as admin:
            assert admin.keys(f"*{request_id}*") == []


def test_what_runs_while_a_server_forgets_runs_once_and_is_answered(
    site: Site, forgetful: RedisServer
) -> None:
    runs, goes_on = held_git(site)
    env = {"AEXP_RELAY_QUEUE": forgetful.url(options="&open=yes&timeout=1")}
    serve(site, env)
    with waiting(site, env, "fetch") as client:
        site.until("it runs", runs.exists)
        forgetful.kill()
        forgetful.start()
        goes_on.touch()
        assert answer_of(client)["stdout"].endswith("fetched\n")
        assert runs.read_text() == "run\n"


def test_the_check_up_says_something_true_of_a_server(site: Site, server: RedisServer) -> None:
    serve(site, as_user(server, "daemon"))
    for user in ("client", "daemon"):
        found = {
            one["name"]: one for one in site.json("doctor", env=as_user(server, user))["findings"]
        }
        assert found["queue"]["level"] == "ok", found["queue"]
        assert "filesystem" not in found
        assert all(one["level"] != "fail" for one in found.values()), found


def test_a_queue_without_a_folder_logs_on_this_node_and_a_visit_is_quiet(
    site: Site, server: RedisServer
) -> None:
    daemon, client = as_user(server, "daemon"), as_user(server, "client")
    for _ in range(2):
        done = site.relay("serve", "--once", env=daemon)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    request_id = site.relay("git-status", "--no-wait", env=client).stdout.strip()
    assert site.relay("serve", "--once", env=daemon).stderr == ""
    (log,) = site.state.glob("*/logs/*.log")
    assert f"{request_id} received" in log.read_text(encoding="utf-8")
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    site.serve(env=daemon)
    assert f"log {log})" in site.said[-1]


def test_daemons_of_one_node_are_told_of_each_other(site: Site, server: RedisServer) -> None:
    """The node-local folders are the real ones here: with the variable there is but one for the socket."""
    from aexp.adapters.node_local import state_folder

    run = site.home.parent / "run"
    run.mkdir(mode=0o700)
    env = as_user(server, "daemon") | {"AEXP_RELAY_STATE": "", "XDG_RUNTIME_DIR": str(run)}
    try:
        site.serve("--consent", "login", env=env)
        refused = site.relay("serve", "--consent", "login", env=env)
        assert refused.returncode == 73
        assert f"Another process listens at {run}/aexp-relay/" in refused.stderr
        beside = site.serve("--consent", "acl", env=env)
        assert "consent acl, login" in " ".join(site.relay("status", env=env).stdout.split())
        ended = site.relay("down", env=env)
        assert f"another daemon on this node (pid {beside.pid}) serves on" in ended.stderr
        assert "relay up" not in ended.stderr
    finally:
        site.close()
        shutil.rmtree(state_folder({}, str(site.home)))


def test_a_client_that_waits_says_that_the_server_is_gone_and_is_back(
    site: Site, server: RedisServer
) -> None:
    site.wandb()
    serve(site, as_user(server, "daemon"), "--consent", "acl")
    with waiting(site, as_user(server, "client"), "wandb-sync") as client:
        assert client.stderr is not None
        asked = client.stderr.readline()
        assert "waits for consent" in asked
        assert "As an approver of the queue (AEXP_RELAY_REDIS_USER=approver): aexp relay" in asked
        server.kill()
        assert "cannot be reached" in client.stderr.readline()
        server.start()
        assert "The queue can be reached again." in client.stderr.readline()


def test_the_check_up_of_a_server_without_a_password_says_what_to_do(
    site: Site, forgetful: RedisServer
) -> None:
    found = site.json("doctor", env={"AEXP_RELAY_QUEUE": forgetful.url()})["findings"]
    (queue,) = [one for one in found if one["name"] == "queue"]
    assert queue["level"] == "fail"
    assert queue["fix"].startswith("Have users made")
    assert "open=yes" in queue["fix"]


def test_a_daemon_is_found_however_its_queue_is_written(site: Site, forgetful: RedisServer) -> None:
    site.wandb()
    daemon = site.serve("--queue", forgetful.url(options="&open=yes"))
    env = {"AEXP_RELAY_QUEUE": forgetful.url(options="&timeout=7")}
    request_id = site.relay("wandb-sync", "--no-wait", env=env).stdout.strip()
    site.until("it waits", lambda: site.json("show", request_id, env=env)["state"] == "pending")
    given = site.relay("approve", request_id, "--yes", env=env)
    assert given.returncode == 0, given.stderr
    assert site.json("wait", request_id, env=env)["consent"] == "login"
    assert " approve " in site.relay("audit", "show", request_id, env=env).stdout
    ended = site.relay("down", env=env)
    assert ended.returncode == 0, ended.stderr
    assert daemon.wait(timeout=20) == 0
