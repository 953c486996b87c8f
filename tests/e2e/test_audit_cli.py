"""``aexp relay audit`` on the trail that a real daemon wrote."""

import json
import re
import signal
from pathlib import Path

import pytest

from aexp.cli.exits import INVALID, NOT_FOUND
from tests.site import Site
from tests.world import executable

TOKEN = "ghp_Zq3vX9kLm2Rt7Yw5Bn8Cd4Fg6Hj1Ps0Qe"
PASSWORD = "correct-Horse-battery"


@pytest.fixture
def worked(site: Site) -> Site:
    """A site whose daemon has pulled once and been stopped."""
    daemon = site.serve()
    assert site.relay("pull").returncode == 0
    assert site.end(daemon) == 0
    return site


def trail(site: Site) -> Path:
    [found] = site.state.rglob("audit-*.jsonl")
    return found


def copy(site: Site) -> Path:
    return site.queue / "audit.jsonl"


def events(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text(encoding="ascii").splitlines()]


def verify(site: Site, *args: str, **env: str) -> tuple[int, str]:
    done = site.relay("audit", "verify", *args, env=env)
    return done.returncode, done.stdout + done.stderr


def elsewhere(site: Site) -> dict[str, str]:
    """A compute node: the same home, another node-local folder."""
    return {"AEXP_RELAY_STATE": f"{site.state}-gpu7"}


def test_the_trail_tells_who_asked_what_and_how_it_ended(worked: Site) -> None:
    assert trail(worked).read_bytes() == copy(worked).read_bytes()
    lines = [json.loads(line) for line in copy(worked).read_text(encoding="ascii").splitlines()]
    found = {line["event"]: line for line in lines}
    assert [line["event"] for line in lines if line["event"] != "pinned"] == [
        *("serving", "received", "started", "done", "stopped")
    ]
    assert found["received"]["facts"]["op"] == "git_pull"
    assert found["received"]["facts"]["cwd"] == str(worked.repo)
    assert isinstance(found["received"]["facts"]["pid"], int)
    assert found["received"]["facts"]["host"]
    assert found["done"]["facts"]["returncode"] == 0
    assert found["done"]["request"] == found["received"]["request"]


def test_a_whole_trail_is_verified_and_its_head_is_told(worked: Site) -> None:
    code, told = verify(worked)
    assert code == 0, told
    assert "All lines fit." in told
    [head] = set(re.findall(r"n=(\d+) head=([0-9a-f]{64})", told))
    assert int(head[0]) == len(events(trail(worked)))
    assert verify(worked, "--head", f"{head[0]}:{head[1]}")[0] == 0
    assert verify(worked, "--head", f"{head[0]}:{'0' * 64}")[0] == INVALID
    found = json.loads(worked.relay("audit", "verify", "--json").stdout)
    assert (found["ok"], found["n"], found["head"]) == (True, int(head[0]), head[1])
    assert found["trail"]["count"] == found["copy"]["count"] == found["n"]


def test_a_change_of_the_copy_is_told_from_a_change_of_the_trail(worked: Site) -> None:
    whole = copy(worked).read_bytes()
    copy(worked).write_bytes(whole.replace(b"git_pull", b"git_push", 1))
    code, told = verify(worked)
    assert code == INVALID
    assert "The copy in the queue was changed: line 2" in told
    assert "The trail was changed" not in told

    copy(worked).write_bytes(whole)
    trail(worked).write_bytes(whole.replace(b"git_pull", b"git_push", 1))
    code, told = verify(worked)
    assert code == INVALID
    assert "The trail was changed: line 3 does not fit" in told


@pytest.mark.parametrize("harm", ["cut", "gone", "link", "folder"])
def test_a_copy_that_is_cut_gone_or_no_file_is_told_on_the_login_node(
    worked: Site, harm: str
) -> None:
    whole = copy(worked).read_bytes()
    copy(worked).unlink()
    if harm == "cut":
        copy(worked).write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    elif harm == "link":
        copy(worked).symlink_to(trail(worked))
    elif harm == "folder":
        copy(worked).mkdir()
    code, told = verify(worked)
    assert code == INVALID
    assert "copy in the queue" in told
    assert "trail  n=" in told


def test_on_a_compute_node_the_copy_is_checked_and_a_cut_end_is_seen_against_a_noted_head(
    worked: Site,
) -> None:
    code, told = verify(worked, **elsewhere(worked))
    assert code == 0
    assert "only the copy was checked" in told
    noted = re.findall(r"n=(\d+) head=([0-9a-f]{64})", told)[0]
    lines = copy(worked).read_bytes().splitlines(keepends=True)

    copy(worked).write_bytes(b"".join(lines[:-2]))
    assert verify(worked, **elsewhere(worked))[0] == 0
    code, told = verify(worked, "--head", ":".join(noted), **elsewhere(worked))
    assert code == INVALID
    assert "was cut off" in told

    copy(worked).write_bytes(b"".join([*lines[:1], *lines[2:]]))
    code, told = verify(worked, **elsewhere(worked))
    assert code == INVALID
    assert "The copy in the queue was changed: line 2 does not fit" in told


def test_a_queue_without_a_trail_is_said_to_have_none(site: Site) -> None:
    code, told = verify(site)
    assert code == NOT_FOUND
    assert "no audit trail" in told


def test_the_next_daemon_goes_on_with_the_chain_after_a_kill_in_the_middle_of_a_line(
    worked: Site,
) -> None:
    daemon = worked.serve()
    assert worked.relay("fetch").returncode == 0
    worked.end(daemon, signal.SIGKILL)
    count = len(events(trail(worked)))
    with trail(worked).open("ab") as file:
        file.write(b'{"n":99,"at":"20')
    code, told = verify(worked)
    assert code == 0
    assert "its last line is torn (16 bytes" in told
    worked.end(worked.serve())
    assert events(trail(worked))[count : count + 2] == ["torn-line", "serving"]
    assert verify(worked)[0] == 0
    assert trail(worked).read_bytes() == copy(worked).read_bytes()


def test_show_tells_people_and_scripts(worked: Site) -> None:
    done = worked.relay("audit", "show")
    assert done.returncode == 0
    heading, *rows = done.stdout.splitlines()
    assert heading.split() == ["TIME", "EVENT", "REQUEST", "WHO", "FACTS"]
    assert len(rows) == len(events(trail(worked)))
    assert any(" received " in row and "op=git_pull" in row and " pid " in row for row in rows)
    assert re.fullmatch(r"n=\d+ head=[0-9a-f]{64}\n", done.stderr)

    body = worked.json("audit", "show", "-n", "2")
    assert [line["event"] for line in body["lines"]] == ["done", "stopped"]
    assert body["n"] == len(rows)
    request = body["lines"][0]["request"]
    told = worked.json("audit", "show", request[:8])["lines"]
    assert {line["request"] for line in told} == {request}
    assert [line["event"] for line in told][-1] == "done"


def test_what_somebody_wrote_into_the_copy_cannot_act_on_the_terminal(worked: Site) -> None:
    with copy(worked).open("ab") as file:
        facts = {"why": "\x1b[2K\r\u202e"}
        line = {"n": 99, "at": "\x1b]0;x\x07", "event": "a\nb", "request": "-", "prev": ""}
        file.write(json.dumps({**line, "facts": facts}).encode() + b"\nno line\n")
    done = worked.relay("audit", "show", env=elsewhere(worked))
    assert done.returncode == 0
    assert not {"\x1b", "\r", "\x07", "\u202e"} & set(done.stdout)
    assert "\\x1b[2K" in done.stdout
    assert "1 lines cannot be read" in done.stderr


def test_no_secret_reaches_the_answer_the_log_or_the_trail(site: Site) -> None:
    hook = f'#!/bin/sh\necho "pushed with {TOKEN} to https://u:{PASSWORD}@h/" >&2\necho {PASSWORD} >&2\n'
    executable(site.origin / "hooks/post-receive", hook)
    site.commit("second")
    daemon = site.serve(env={"GITLAB_PASSWORD": PASSWORD})
    done = site.relay("push")
    site.end(daemon)
    assert done.returncode == 0, done.stderr
    assert "pushed with [redacted] to https://u:[redacted]@h/" in done.stdout + done.stderr
    read = [path for path in (*site.queue.rglob("*"), trail(site)) if path.is_file()]
    assert len(read) > 5
    for path in read:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert TOKEN not in text, path
        assert PASSWORD not in text, path
