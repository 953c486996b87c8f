"""The relay on a filesystem that lies and refuses: no request is lost or run twice, and none hangs.

Either the client's queue is the folder behind the faulty mount and the daemon's the mount, or the other way
round: the other one is well.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.airgapped import RelayClient, RelayHandle, RelayStorageError, RelayTimeoutError
from tests.lab.faults import Fault, FaultyMount, faulty_mount
from tests.lab.mounts import or_skip
from tests.lab.recording import Recording
from tests.site import Site

REFUSALS = ("ENOSPC", "EDQUOT", "EROFS", "EACCES")


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[FaultyMount]:
    with or_skip(faulty_mount(tmp_path / "lab")) as made:
        yield made


@pytest.fixture
def site(mount: FaultyMount, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, whose processes end before the mount goes, as this process's home."""
    monkeypatch.setenv("HOME", str(site.home))
    return site


def serve(site: Site, folder: Path) -> None:
    site.serve("--queue", str(folder / "relay"), "--log", str(site.home / "trail"))


def trail(site: Site) -> str:
    told = (site.home / "trail").read_text()
    assert "Traceback" not in told
    return told


def push(site: Site, folder: Path, branch: str) -> RelayHandle:
    return RelayClient(queue=folder / "relay", cwd=site.repo).submit("git_push", ["origin", branch])


def end_well(site: Site) -> None:
    daemon = site.daemons[-1]
    assert daemon.poll() is None
    assert site.end(daemon) == 0
    assert daemon.stderr is not None
    assert daemon.stderr.read() == ""


def test_lost_replies_and_stale_handles_cost_no_request_and_run_none_twice(
    site: Site, mount: FaultyMount
) -> None:
    record = Recording(site)
    serve(site, mount.point)
    mount.say(
        Fault(("rename",), error="ENOENT", done=True, chance=0.15),
        Fault(("link",), error="EEXIST", done=True, chance=0.3),
        Fault(("unlink",), error="EIO", done=True, chance=0.1),
        Fault(("open", "readdir", "getattr"), error="ESTALE", chance=0.02),
        Fault(("write", "fsync"), "relay/tmp/[0-9a-f]*", error="ENOSPC", chance=0.1),
    )
    handles = {f"b{number}": push(site, mount.back, f"b{number}") for number in range(40)}
    for branch, handle in handles.items():
        assert handle.result(30.0).stdout == f"pushed {branch}\n"
    assert len(mount.met) > 40
    mount.heal()
    assert set(record.began().values()) == {1}
    assert record.began().keys() == handles.keys()
    end_well(site)
    for folder, count in {"inbox": 0, "processing": 0, "outbox": 40}.items():
        assert len(os.listdir(mount.back / "relay" / folder)) == count
    trail(site)


POINTS = {
    "the claim": Fault(("rename",), "relay/inbox/*"),
    "the start": Fault(("rename",), "relay/processing/*.run"),
    "the answer": Fault(("link",), "relay/outbox/*"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_daemon_that_cannot_write_goes_on_and_answers_when_it_can(
    site: Site, mount: FaultyMount, point: str
) -> None:
    record = Recording(site)
    serve(site, mount.point)
    for error in REFUSALS:
        mount.say(Fault(POINTS[point].ops, POINTS[point].path, error=error))
        handle = push(site, mount.back, error)
        with pytest.raises(RelayTimeoutError, match="relay wait"):
            handle.result(0.5)
        assert not handle.done()
        mount.heal()
        assert handle.result(20.0).stdout == f"pushed {error}\n"
    assert set(record.began().values()) == {1}
    assert "could not be" in trail(site)
    end_well(site)


@pytest.mark.parametrize("error", REFUSALS)
@pytest.mark.parametrize("op", ["create", "write", "fsync", "flush", "link"])
def test_a_client_that_cannot_write_is_told_and_nothing_runs(
    site: Site, mount: FaultyMount, op: str, error: str
) -> None:
    (mount.back / "relay/inbox").mkdir(parents=True)
    (mount.back / "relay/heartbeat").write_text("{}")
    mount.say(Fault((op,), "relay/tmp/*", error=error))
    with pytest.raises(RelayStorageError) as caught:
        push(site, mount.point, "topic")
    assert f"{mount.point}/relay/inbox/" in caught.value.what
    assert caught.value.hint
    assert os.listdir(mount.back / "relay/inbox") == []


def test_a_refusal_is_two_lines_on_the_command_line(site: Site, mount: FaultyMount) -> None:
    serve(site, mount.back)
    for error in REFUSALS:
        mount.say(Fault(("create",), error=error))
        done = site.relay("git-status", "--queue", str(mount.point / "relay"))
        assert (done.returncode, done.stdout) == (74, "")
        first, second = done.stderr.splitlines()
        assert first.startswith(f"error: {mount.point}/relay/inbox/")
        assert second.strip().startswith("next: ")


def test_a_log_that_cannot_be_written_does_not_keep_the_answer(
    site: Site, mount: FaultyMount
) -> None:
    Recording(site)
    serve(site, mount.point)
    for error in REFUSALS:
        mount.say(Fault(("create", "write", "open"), "relay/log/*", error=error))
        assert push(site, mount.back, error).result(20.0).stdout == f"pushed {error}\n"
    assert "log-given-up" in trail(site)
    end_well(site)


def test_a_beat_that_cannot_be_written_does_not_keep_the_answer_and_comes_again(
    site: Site, mount: FaultyMount
) -> None:
    Recording(site)
    serve(site, mount.point)
    beat = mount.back / "relay/heartbeat"
    mount.say(Fault(("rename",), "relay/heartbeat", error="EROFS"))
    site.until("a beat fails", lambda: mount.met)
    last = beat.read_bytes()
    assert push(site, mount.back, "topic").result(20.0).returncode == 0
    mount.heal()
    site.until("the next beat", lambda: beat.read_bytes() != last)
    assert "storage-failed" in trail(site)
    end_well(site)


def test_an_answer_whose_name_comes_before_it_can_be_opened_is_waited_for(
    site: Site, mount: FaultyMount
) -> None:
    Recording(site)
    serve(site, mount.back)
    mount.say(Fault(path="relay/outbox/*", hide_s=1.5))
    began = mount.back / "relay/outbox"
    handle = push(site, mount.point, "late")
    site.until("the answer behind the mount", lambda: os.listdir(began))
    assert not handle.done()
    assert handle.result(20.0).returncode == 0
    mount.say(Fault(("open",), "relay/outbox/*", error="ENOENT", times=3))
    assert push(site, mount.point, "later").result(20.0).returncode == 0


def test_a_server_that_hangs_is_waited_for(site: Site, mount: FaultyMount) -> None:
    record = Recording(site)
    serve(site, mount.point)
    mount.say(Fault(("rename", "link"), "relay/*/*", delay_s=1.0))
    assert push(site, mount.back, "slow").result(30.0).returncode == 0
    mount.heal()
    assert set(record.began().values()) == {1}
    end_well(site)
