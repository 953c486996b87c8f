"""Whatever lies in the queue, the daemon goes on beating and answers a good request."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped import State
from aexp.domain import wire
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
OWNER = "login9-1-1-01234567"


@pytest.fixture
def world(home: Path) -> World:
    """A relay whose queue is a real folder."""
    clock = ManualClock()
    return World(home, storage=open_file_queue(f"{home}/.relay", clock, "nfs"), clock=clock)


def folder(path: Path) -> None:
    path.mkdir(parents=True)


def fifo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/nowhere/at/all")


def loop(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path)


def text(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return write


def sparse(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(1 << 42)


PLACES = [
    f"inbox/{OTHER}.json",
    f"pending/{OTHER}.json",
    f"processing/{OTHER}.{OWNER}.claim",
    f"processing/{OTHER}.{OWNER}.run",
    f"processing/{OTHER}.json",
    f"processing/{OTHER}.{'o' * 200}.run",
    f"outbox/{OTHER}.json",
    f"approved/{OTHER}",
    f"cancel/{OTHER}",
    f"waiting/{OTHER}",
    f"stale/{OTHER}.{OWNER}.cancelled",
    f"replied/{OTHER}",
    f"daemons/{OWNER}.hb",
    "daemons/zzz",
    "daemons/x.hb",
    "lease/00000009",
    "lease/" + "9" * 200,
    "sweep/2026-01-01",
    "sweep/odd",
    "heartbeat",
    "pid",
    "consent.log",
    "bad/odd",
    "tmp/odd",
]
KINDS: dict[str, Callable[[Path], None]] = {
    "folder": folder,
    "fifo": fifo,
    "dangling": dangling,
    "loop": loop,
    "empty": text(b""),
    "garbage": text(b"\xff\x00{[" * 100),
    "numbers": text(b'{"daemon": "x", "pid": 1e999, "since": ' + b"9" * 400 + b', "wall": []}'),
    "sparse": sparse,
}


def still_works(world: World) -> None:
    world.pass_time(6)
    first = world.queue.beat()
    world.pass_time(12)
    second = world.queue.beat()
    assert first is not None
    assert second is not None
    assert first.raw != second.raw
    assert world.client().status(timeout=20).ok


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("place", PLACES)
def test_a_daemon_starts_and_serves_whatever_is_there(world: World, place: str, kind: str) -> None:
    KINDS[kind](world.home / ".relay" / place)
    world.serve()
    still_works(world)


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("place", PLACES)
def test_a_daemon_goes_on_whatever_appears(world: World, place: str, kind: str) -> None:
    world.serve()
    path = world.home / ".relay" / place
    if path.is_file():
        path.unlink()
    KINDS[kind](path)
    still_works(world)


@pytest.mark.parametrize(
    "extra",
    [
        b'"submitted_at": 1' + b"0" * 400,
        b'"submitted_at": 1e999',
        b'"submitted_at": -1e308',
        b'"submitted_at": "9999-12-31T23:59:59-23:59"',
        b'"submitted_at": "0001-01-01T00:00:00+23:59"',
        b'"client": "\\ud800"',
        b'"submitted_at": "\\ud800"',
        b'"ttl_s": 1e-300',
        b'"ttl_s": 9' + b"9" * 400,
    ],
)
def test_strange_values_are_answered_and_do_not_come_back(world: World, extra: bytes) -> None:
    raw = b'{"op": "git_status", "args": [], "cwd": "%s", %s}' % (str(world.repo).encode(), extra)
    (world.home / ".relay/inbox").mkdir(parents=True)
    (world.home / f".relay/inbox/{ID}.json").write_bytes(raw)
    world.serve()
    world.pass_time(2)
    assert world.answer(ID).final_state in (State.INVALID, State.EXPIRED, State.COMPLETED)
    world.serve(world.kill())
    still_works(world)


def test_a_repeat_does_not_replace_the_request_that_waits_for_its_working_copy(
    world: World,
) -> None:
    world.executor._plan = slow
    world.serve()
    world.client().submit("git_fetch")
    body = {"op": "git_status", "args": [], "cwd": str(world.repo)}
    world.leave(ID, body)
    world.pass_time(1)
    world.leave(ID, body)
    world.pass_time(20)
    assert world.answer(ID).status == "completed"
    assert [line for line in world.ran if "status" in line] == ["git_status"]
    assert world.names("processing") == []


def test_an_answered_id_is_not_run_again_after_a_restart(world: World) -> None:
    body = {"op": "git_pull", "args": [], "cwd": str(world.repo)}
    world.serve()
    world.leave(ID, body)
    world.pass_time(1)
    world.serve(world.kill())
    world.leave(ID, body)
    world.pass_time(5)
    assert world.ran == ["git_pull"]
    assert len(world.names("bad")) == 1


def test_a_repeat_of_what_waits_for_consent_is_set_aside_after_a_restart(world: World) -> None:
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(1)
    world.serve(world.kill())
    world.leave(handle.id, {"op": "git_pull", "args": [], "cwd": str(world.repo)})
    world.pass_time(5)
    assert handle.state is State.PENDING
    assert world.ran == []


def test_a_folder_in_the_place_of_an_earlier_approval_does_not_decide(world: World) -> None:
    world.serve()
    (world.home / f".relay/approved/{ID}").mkdir()
    world.leave(ID, {"op": "wandb_sync", "args": [], "cwd": str(world.repo)})
    world.pass_time(5)
    assert world.queue.state(ID) is State.PENDING
    assert world.names("approved") == []
    assert world.ran == []


def test_a_flood_of_bad_files_is_answered_in_slices(world: World) -> None:
    world.serve()
    for number in range(600):
        (world.home / f".relay/inbox/{number:032x}.json").write_bytes(b"{}")
    assert world.daemon is not None
    world.clock.tick = None
    world.daemon.step()
    assert 0 < len(world.names("outbox")) < 600
    world.daemon.drain()
    assert len(world.names("outbox")) == 600


def test_three_thousand_old_beats_are_looked_through_once(world: World) -> None:
    world.serve()
    beats = world.home / ".relay/daemons"
    for number in range(3000):
        (beats / f"login{number}-1-1-01234567.hb").write_bytes(wire.encode({"seq": 1}))
    listed = [0]
    real = world.storage.list

    def counted(name: str) -> list[str]:
        listed[0] += 1
        return real(name)

    world.storage.list = counted  # type: ignore[method-assign]
    world.pass_time(6)
    assert listed[0] < 200


def slow(command):  # type: ignore[no-untyped-def]
    from aexp.adapters.executor.recording import Plan

    return Plan(duration_s=5 if "fetch" in command.argv else 0)
