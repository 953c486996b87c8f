"""Whatever lies in the queue, the daemon goes on beating and answers a good request."""

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped import State
from aexp.airgapped.audit import Audit
from aexp.airgapped.locks import Locks
from aexp.airgapped.owners import Owners
from aexp.airgapped.sweeper import Sweeper
from aexp.domain import retention, wire
from aexp.domain.errors import RelayStorageError
from aexp.domain.limits import Limits
from aexp.domain.output import MAX_LOG_BYTES
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


def full_folder(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "work").write_text("mine")


def hard_link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first = path.parents[1] / "first name"
    first.write_bytes(b"not ours")
    path.hardlink_to(first)


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
    # The names that the daemon itself is about to use: they can be known, it says who it is.
    f"processing/{ID}.{{me}}.claim",
    f"processing/{ID}.{{me}}.run",
    f"processing/{OTHER}.{{me}}.claim",
    f"processing/{OTHER}.{{me}}.run",
    f"replied/{ID}",
    f"waiting/{ID}",
    f"log/{ID}.txt",
    f"outbox/{ID}.json",
    "daemons/{me}.hb",
]
KINDS: dict[str, Callable[[Path], None]] = {
    "folder": folder,
    "full": full_folder,
    "hard": hard_link,
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
    KINDS[kind](world.home / ".relay" / place.format(me=world.login.me))
    world.serve()
    still_works(world)


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("place", PLACES)
def test_a_daemon_goes_on_whatever_appears(world: World, place: str, kind: str) -> None:
    world.serve()
    path = world.home / ".relay" / place.format(me=world.login.me)
    if path.is_file():
        path.unlink()
    KINDS[kind](path)
    world.leave(ID, {"op": "git_fetch", "args": [], "cwd": str(world.repo)})
    still_works(world)
    if place != f"outbox/{ID}.json":
        assert world.answer(ID).final_state in (State.COMPLETED, State.CRASHED)


@pytest.mark.parametrize("kind", [*KINDS])
def test_what_is_no_request_is_kept_in_bad_and_answered(world: World, kind: str) -> None:
    world.serve()
    KINDS[kind](world.home / f".relay/inbox/{ID}.json")
    world.pass_time(2)
    assert world.answer(ID).final_state is State.INVALID
    # Well-formed JSON is a request, of a bad kind: its answer says all about it.
    assert len(world.names("bad")) == (kind != "numbers")
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


@pytest.mark.parametrize("full", [False, True])
def test_an_earlier_approval_that_is_a_folder_does_not_decide(world: World, full: bool) -> None:
    world.serve()
    (world.home / f".relay/approved/{ID}").mkdir()
    if full:
        (world.home / f".relay/approved/{ID}/x").write_text("")
    world.leave(ID, {"op": "wandb_sync", "args": [], "cwd": str(world.repo)})
    world.pass_time(5)
    assert world.queue.state(ID) is State.PENDING
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


def test_a_flood_of_bad_files_leaves_few_lines_and_a_count_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.serve()
    for number in range(600):
        path = world.home / f".relay/inbox/{number:032x}.json"
        path.mkdir() if number % 2 else path.write_bytes(b"\xff")
    world.pass_time(12)
    lines = [record.getMessage() for record in caplog.records]
    assert len(world.names("outbox")) == 600
    assert len(world.names("bad")) <= 200
    assert len(lines) < 200
    assert any("not-logged-one-by-one" in line for line in lines)


def test_a_thousand_planted_folders_among_the_waiting_are_set_aside_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve()
    for number in range(300):
        (world.home / f".relay/pending/{number:032x}.json").mkdir()
    world.pass_time(12)
    assert world.names("pending") == []
    assert len(caplog.records) < 40


def test_one_request_is_not_kept_waiting_by_a_flood_that_fills_the_inbox(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=0.4))
    world.serve()
    for number in range(3000):
        copy = home / f"copy{number % 40}/.git"
        copy.mkdir(parents=True, exist_ok=True)
        world.leave(f"{number:032x}", asked(copy.parent, "a script in a loop"))
    world.pass_time(1)
    world.leave(ID, asked(world.repo, "somebody else"))
    world.pass_time(2)
    assert world.queue.state(ID) is State.COMPLETED
    assert len(world.names("outbox")) < 300


def test_more_than_may_wait_are_refused_at_once(home: Path) -> None:
    limits = Limits(ready=40, ready_per_client=20, pending=5, pending_per_copy=3)
    world = World(home, lambda _: Plan(duration_s=900), limits=limits)
    world.serve()
    for number in range(100):
        world.leave(f"{number:032x}", asked(world.repo, f"client {number % 4}", "git_pull"))
    world.pass_time(2)
    refused = [world.answer(name.removesuffix(".json")) for name in world.names("outbox")]
    # One runs, forty wait.
    assert len(refused) == 59
    assert {answer.final_state for answer in refused} == {State.REJECTED}
    assert all("wait to run already" in (answer.error or "") for answer in refused)
    for number in range(10):
        world.leave(f"{number:032x}".replace("0", "f"), asked(world.repo, "b", "wandb_sync"))
    world.pass_time(2)
    assert len(world.names("pending")) == 3


@pytest.mark.thorough
def test_ten_thousand_cancellations_of_nothing_cost_no_time(world: World) -> None:
    world.executor._plan = slow
    world.serve()
    for number in range(1000):
        world.leave(f"{number:032x}", asked(world.repo, "a", "git_fetch"))
    for number in range(10_000):
        (world.home / f".relay/cancel/{number + 5000:032x}").write_bytes(b"")
    began = time.process_time()
    world.pass_time(10)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("name", ["", "/inbox", "/outbox", "/log", "/tmp"])
def test_a_queue_that_others_can_write_is_not_served(world: World, name: str) -> None:
    world.serve()
    world.serve(world.kill())
    assert world.daemon is not None
    os.chmod(f"{world.home}/.relay{name}", 0o777)  # noqa: S103
    world.pass_time(70)
    world.leave(ID, asked(world.repo, "a"))
    world.pass_time(5)
    assert world.names("inbox") == [f"{ID}.json"]
    beat = world.queue.beat()
    assert f"chmod go-w {world.home}/.relay{name}" in ((beat and beat.trouble) or "")
    with pytest.raises(RelayStorageError, match="chmod go-w"):
        world.new_daemon().start()
    os.chmod(f"{world.home}/.relay{name}", 0o700)
    world.pass_time(70)
    assert world.answer(ID).final_state is State.COMPLETED


@pytest.mark.thorough
def test_planted_tokens_of_dead_daemons_do_not_stop_the_beat(world: World) -> None:
    world.serve()
    for number in range(1000):
        stage = "run" if number % 2 else "claim"
        owner = f"{world.login.me.host}-{number + 2}-1-01234567"
        world.login.dead.add(owner)
        token = f"{number:032x}.{owner}.{stage}"
        (world.home / f".relay/processing/{token}").write_bytes(b"{}")
        stale = f"{number + 5000:032x}.x.cancelled"
        (world.home / f".relay/stale/{stale}").write_bytes(b"")
    still_works(world)


def test_of_a_thousand_planted_tokens_one_look_answers_what_it_can_in_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve()
    for number in range(1000):
        owner = f"{world.login.me.host}-{number + 2}-1-01234567"
        world.login.dead.add(owner)
        token = f"{number:032x}.{owner}.run"
        (world.home / f".relay/processing/{token}").write_bytes(b"{}")
    world.clock.tick = None
    real = world.storage.put_new

    def slow_put(name: str, data: bytes) -> bool:
        world.clock.advance(0.05)
        return real(name, data)

    monkeypatch.setattr(world.storage, "put_new", slow_put)
    world.clock.advance(6)
    assert world.daemon is not None
    world.daemon.step()
    assert 0 < len(world.names("outbox")) < 100


def test_a_log_without_end_beside_a_crashed_request_is_read_up_to_its_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse(world.home / f".relay/log/{ID}.txt")
    text(b"{}")(world.home / f".relay/processing/{ID}.{OWNER}.run")
    real, taken = world.storage.read, 0

    def counted(name: str, offset: int = 0, limit: int | None = None) -> bytes:
        nonlocal taken
        data = real(name, offset, limit)
        taken += len(data)
        assert taken < 2 * MAX_LOG_BYTES, f"{name} is read on and on"
        return data

    monkeypatch.setattr(world.storage, "read", counted)
    world.serve()
    world.pass_time(90)
    assert world.answer(ID).status == "crashed"


@pytest.mark.thorough
def test_a_ledger_of_names_that_are_not_there_costs_no_memory(world: World) -> None:
    text(b"tmp/a\n" * 1_500_000)(world.home / ".relay/sweep/1970-01-10")
    world.storage.put("outbox/x", b"")
    owners = Owners(world.storage, world.login, world.clock)
    locks = Locks(world.storage, str(world.login.me), owners)
    sweeper = Sweeper(world.storage, world.clock, Audit(), locks)
    tracemalloc.start()
    try:
        while not world.storage.list("sweep")[1:]:
            sweeper.step()
        peak = tracemalloc.get_traced_memory()[1]
        assert 2 << 20 < peak < 60 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("entry", ["caf\udce9", "a\u2028b", "a\x0bb", "a\rb"])
def test_a_name_that_is_no_text_is_noted_so_that_it_can_be_swept(entry: str) -> None:
    # Noted otherwise, it would be new again every hour, and never be found.
    assert [*retention.lines(retention.entry([f"outbox/{entry}"]))] == [f"outbox/{entry}"]


def asked(cwd: Path, client: str, op: str = "git_status") -> dict[str, object]:
    return {"op": op, "args": [], "cwd": str(cwd), "client": client}


def slow(command):  # type: ignore[no-untyped-def]
    return Plan(duration_s=5 if "fetch" in command.argv else 0)
