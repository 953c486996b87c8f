"""A storage that refuses, fills up, vanishes or grows old."""

import contextlib
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayStartError,
    RelayStorageError,
    RelayTimeoutError,
)
from aexp.airgapped.inspection import daemon_view
from aexp.domain import wire
from aexp.domain.errors import StorageFullError
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"


class FailingStorage(MemoryStorage):
    """Refuses to write names that begin with one of ``refused``, as a full disk does."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.refused: tuple[str, ...] = ()
        self.unlisted: tuple[str, ...] = ()
        self.untaken: tuple[str, ...] = ()
        self.room = 1 << 30
        self.unreserved = False

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._check(name)
        super().put(name, data)

    def reserve(self, count: int) -> None:
        if self.unreserved and count:
            raise StorageFullError("tmp: no space.", "Free space or quota.")

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        self._check(name)
        if len(data) > self.room:
            raise StorageFullError(f"{name} could not be written: no space.")
        return super().put_new(name, data)

    def append(self, name: str, data: bytes) -> None:
        self._check(name)
        super().append(name, data)

    def list(self, folder: str):
        if folder in self.unlisted:
            raise RelayStorageError(f"{folder} could not be listed: Input/output error.")
        return super().list(folder)

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        if self.untaken and src.startswith(self.untaken):
            raise RelayStorageError(f"{src} could not be moved: Input/output error.")
        return super().take(src, dst)

    def _check(self, name: str) -> None:
        if self.refused and name.startswith(self.refused):
            raise RelayStorageError(f"{name} could not be written: no space.", "Free some space.")


@pytest.fixture
def failing(home: Path) -> World:
    clock = ManualClock()
    return World(home, storage=FailingStorage(clock), clock=clock)


class CountingStorage(MemoryStorage):
    """Counts the calls and the bytes that are read."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.calls: list[str] = []

    def list(self, folder: str) -> list[str]:
        self.calls.append(f"list {folder}")
        return super().list(folder)

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        self.calls.append(f"read {name.partition('/')[0]}")
        return super().read(name, offset, limit)


def quiet_minute(home: Path, old: int, waiting: int) -> tuple[list[str], list[str]]:
    """What a daemon and a waiting client ask of the storage in a minute without news."""
    clock = ManualClock()
    storage = CountingStorage(clock)
    world = World(home, lambda _: Plan(duration_s=500), storage, clock)
    for number in range(old):
        storage.put(f"outbox/{number:032x}.json", b"{}")
        storage.put(f"log/{number:032x}.txt", b"")
    body = wire.encode({"op": "wandb_sync", "args": [], "cwd": str(world.repo)})
    for number in range(waiting):
        storage.put(f"pending/{number:032x}.json", body)
    world.serve()
    world.client().submit("wandb_sync")
    handle = world.client().submit("git_fetch")
    world.pass_time(20)
    storage.calls.clear()
    world.pass_time(60)
    daemons, clients = [*storage.calls], []
    clock.tick = None
    storage.calls.clear()
    with contextlib.suppress(RelayTimeoutError):
        handle.result(20)
    clients = [call for call in storage.calls if call != "read heartbeat"]
    return daemons, clients


def test_an_answer_that_cannot_be_written_is_kept_and_published_later(failing: World) -> None:
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    handle = failing.client().submit("git_pull")
    failing.storage.refused = ("outbox/",)
    failing.pass_time(10)
    assert not handle.done()
    assert failing.queue.beat() is not None
    failing.storage.refused = ()
    assert handle.result(5).ok
    assert len(failing.ran) == 1


def test_what_keeps_the_daemon_from_its_work_reaches_the_client(failing: World) -> None:
    daemon = failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.clock.tick = daemon._turn
    failing.storage.untaken = ("inbox/",)
    with pytest.raises(RelayTimeoutError, match="The daemon is in trouble: inbox/") as caught:
        failing.client().pull(timeout=15)
    assert "could not be moved" in caught.value.hint
    assert daemon_view(failing.queue, failing.clock, failing.login).trouble is not None
    failing.storage.untaken = ()
    failing.pass_time(20)
    assert failing.client().pull().ok
    failing.pass_time(10)
    assert daemon_view(failing.queue, failing.clock, failing.login).trouble is None


def test_on_a_full_disk_the_end_of_the_output_is_answered(failing: World) -> None:
    failing.executor._plan = lambda _: Plan(output=b"x" * 9000 + b"the end\n", returncode=3)
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.room = 2000
    result = failing.client().pull()
    assert (result.returncode, result.stdout[-8:]) == (3, "the end\n")
    assert len(result.stdout) < 1000


def test_without_room_for_an_answer_nothing_is_run(failing: World) -> None:
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.unreserved = True
    with pytest.raises(RelayStartError, match="no room left for an answer") as caught:
        failing.client().pull()
    assert "quota" in caught.value.hint
    assert failing.ran == []


def test_a_log_that_cannot_be_written_does_not_cost_the_answer(failing: World) -> None:
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.refused = ("log/",)
    assert failing.client().pull().ok


def test_a_queue_that_cannot_be_listed_for_a_while_is_waited_for(failing: World) -> None:
    daemon = failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    handle = failing.client().submit("git_pull")
    failing.storage.unlisted = ("inbox",)
    turns = [0]

    def world_turns() -> None:
        turns[0] += 1
        if turns[0] == 5:
            failing.storage.unlisted = ()  # type: ignore[attr-defined]
        if turns[0] > 5 and handle.done():
            daemon.stop()

    failing.clock.tick = world_turns
    daemon.run()
    assert handle.result().ok


def test_who_waits_is_told_of_a_storage_that_goes_on_failing_and_that_it_is_back(
    failing: World,
) -> None:
    failing.serve()
    handle = failing.client().submit("git_pull")
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.unlisted = ("replied",)
    began, heard, daemon_goes_on = failing.clock.monotonic(), [], failing.clock.tick
    failed_for = []

    def tick() -> None:
        lasts = failing.clock.monotonic() - began
        if not heard:
            failed_for[:] = [lasts]
        if lasts > 30:
            failing.storage.unlisted = ()  # type: ignore[attr-defined]
            assert daemon_goes_on is not None
            daemon_goes_on()

    failing.clock.tick = tick
    assert handle.result(300, on_said=heard.append).ok
    assert heard == [
        "replied could not be listed: Input/output error. The wait goes on until it is back.",
        "The queue can be reached again.",
    ]
    assert failed_for[0] < 8


def test_a_storage_that_fails_during_the_stop_does_not_keep_the_commands_running(
    home: Path,
) -> None:
    clock = ManualClock()
    world = World(home, lambda _: Plan(duration_s=900), FailingStorage(clock), clock)
    daemon = world.serve()
    world.client().submit("git_push", ["origin", "HEAD"])
    world.client().submit("git_pull")
    world.pass_time(1)
    assert isinstance(world.storage, FailingStorage)
    world.clock.tick = None
    world.storage.untaken = ("processing/",)
    daemon.stop()
    daemon.finish()
    assert world.executor.executions[0].signals == ["TERM"]
    (lease,) = world.names("lease")
    assert world.storage.read(f"lease/{lease}") == b"{}\n"


def test_a_client_is_told_when_the_request_cannot_be_written(failing: World) -> None:
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.refused = ("inbox/",)
    with pytest.raises(RelayStorageError, match="inbox/") as caught:
        failing.client().pull()
    assert caught.value.hint


def test_a_queue_that_was_deleted_under_the_daemon_is_made_again(world: World) -> None:
    world.serve()
    assert isinstance(world.storage, MemoryStorage)
    world.storage._folders.clear()
    world.pass_time(10)
    assert world.client().pull().ok


@pytest.mark.thorough
def test_what_is_older_than_a_week_is_swept_and_nothing_else(world: World) -> None:
    world.serve()
    old = world.client().pull().request_id
    world.storage.put("approved/" + "a" * 32, b"")
    world.storage.put("rejected/" + "b" * 32, b"")
    world.storage.put("stale/odd", b"")
    world.pass_time(6.9 * 86400, step=4.5)
    young = world.client().pull().request_id
    assert world.names("outbox") == sorted([f"{old}.json", f"{young}.json"])
    world.pass_time(1.3 * 86400, step=4.5)
    assert world.names("outbox") == [f"{young}.json"]
    assert world.names("log") == [f"{young}.txt"]
    assert [world.names(folder) for folder in ("approved", "rejected", "stale")] == [[], [], []]
    assert world.client().pull().ok


@pytest.mark.thorough
def test_old_answers_and_waiting_requests_do_not_change_what_a_poll_asks(home: Path) -> None:
    few_daemon, few_client = quiet_minute(home / "few", old=3, waiting=0)
    many_daemon, many_client = quiet_minute(home / "many", old=20_000, waiting=5_000)
    assert sorted(few_daemon) == sorted(many_daemon)
    assert set(few_client) == set(many_client)
    # The waits between two looks are jittered, so the number of looks differs a little.
    assert abs(len(few_client) - len(many_client)) <= len(few_client) / 5
    assert not [call for call in many_daemon if call.startswith("read pending")]
