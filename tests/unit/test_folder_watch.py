"""Ten thousand requests may wait: when nothing happens among them nobody goes through them."""

from collections import Counter
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import RelayExpiredError
from aexp.airgapped.folder_watch import FolderWatch
from aexp.domain import layout, wire
from aexp.domain.consent import CONSENT_EXPIRES_S
from tests.world import World


class StampedStorage(MemoryStorage):
    """Memory whose folders have stamps, and that counts how often each is listed.

    Attributes:
        coarse: whether what happens now leaves every stamp as it is.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.listed: Counter[str] = Counter()
        self.coarse = False
        self._stamps: Counter[str] = Counter()

    def stamp(self, folder: str) -> object | None:
        return self._stamps[folder]

    def list(self, folder: str) -> list[str]:
        self.listed[folder] += 1
        return super().list(folder)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._changed(name)
        super().put(name, data)

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        self._changed(src)
        return super().take(src, dst)

    def _changed(self, name: str) -> None:
        if not self.coarse:
            self._stamps[name.partition("/")[0]] += 1


class SilentStorage(StampedStorage):
    """The same without stamps, as a file server has none."""

    def stamp(self, folder: str) -> object | None:
        return None


@pytest.fixture(params=[StampedStorage, SilentStorage, MemoryStorage])
def world(request: pytest.FixtureRequest, home: Path) -> World:
    clock = ManualClock()
    return World(home, storage=request.param(clock), clock=clock)


def told(world: World) -> object:
    """How many requests wait, as the daemon's beat says."""
    return wire.decode(world.storage.read(layout.HEARTBEAT))["pending"]


def quiet(world: World, waiting: int) -> list[str]:
    """The ids of requests that have waited for an hour in which nothing happened."""
    world.serve()
    ids = [world.client().submit("wandb_sync").id for _ in range(waiting)]
    world.pass_time(3600, step=5)
    assert told(world) == waiting
    return ids


def test_what_has_gone_from_among_the_waiting_is_missed_within_a_minute(world: World) -> None:
    ids = quiet(world, 3)
    world.storage.take(layout.pending(ids[1]), "stale/elsewhere")
    world.pass_time(66, step=1)
    assert told(world) == 2


def test_what_another_daemon_let_wait_is_taken_over_within_a_minute(world: World) -> None:
    ids = quiet(world, 2)
    body = world.storage.read(layout.pending(ids[0]))
    world.storage.put(layout.pending("a" * 32), body)
    world.pass_time(66, step=1)
    assert told(world) == 3


def test_one_that_goes_while_another_comes_is_seen_as_well(world: World) -> None:
    ids = quiet(world, 2)
    world.storage.take(layout.pending(ids[0]), layout.pending("a" * 32))
    world.pass_time(66, step=1)
    assert set(layout.requests_in(world.storage.list(layout.PENDING))) == {ids[1], "a" * 32}
    assert told(world) == 2


def test_one_that_begins_and_ends_to_wait_in_an_hour_of_quiet_is_seen_at_once(world: World) -> None:
    quiet(world, 2)
    handle = world.client().submit("wandb_sync")
    world.pass_time(6, step=1)
    assert told(world) == 3
    handle.cancel()
    world.pass_time(66, step=1)
    assert told(world) == 2


@pytest.mark.thorough
def test_each_expires_at_the_next_look_after_its_day(world: World) -> None:
    world.serve()
    handles = []
    for _ in range(2):
        handles.append(world.client().submit("wandb_sync"))
        world.pass_time(1, step=1)
        world.pass_time(595, step=5)
    first, second = handles
    world.pass_time(CONSENT_EXPIRES_S - 2 * 596, step=8)
    assert not first.done()
    world.pass_time(2, step=1)
    with pytest.raises(RelayExpiredError):
        first.result(0)
    world.pass_time(595, step=1)
    assert not second.done()
    world.pass_time(1, step=1)
    assert second.done()


def test_a_quiet_folder_with_a_stamp_is_not_gone_through(home: Path) -> None:
    clock = ManualClock()
    storage = StampedStorage(clock)
    world = World(home, storage=storage, clock=clock)
    quiet(world, 2)
    before = storage.listed[layout.PENDING]
    world.pass_time(3600, step=5)
    assert storage.listed[layout.PENDING] == before


def test_a_listing_holds_once_its_stamp_was_there_before_it() -> None:
    storage = StampedStorage(ManualClock())
    storage.put("pending/a", b"")
    watch = FolderWatch(storage, "pending")
    assert watch.news() == ["a"]
    # In the same tick of the disk's clock, after the listing.
    storage.coarse = True
    storage.put("pending/b", b"")
    assert watch.news() == ["a", "b"]
    assert storage.listed["pending"] == 2
    assert watch.news() is None
    assert storage.listed["pending"] == 2, "that stamp is old by now"
    storage.coarse = False
    storage.put("pending/c", b"")
    assert watch.news() == ["a", "b", "c"]


def test_what_is_forgotten_is_given_again() -> None:
    for storage in (StampedStorage(ManualClock()), SilentStorage(ManualClock())):
        storage.put("pending/a", b"")
        watch = FolderWatch(storage, "pending")
        assert [watch.news() for _ in range(3)] == [["a"], None, None]
        watch.forget()
        assert watch.news() == ["a"]
        assert watch.news() is None
