"""How often a daemon looks at what, in virtual time."""

from collections import Counter
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped.pace import Pace
from aexp.domain import layout
from tests.world import World

HOUR_S = 3600.0


class CountingStorage(MemoryStorage):
    """Counts what is asked of it."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.asked: Counter[str] = Counter()

    def list(self, folder: str) -> list[str]:
        self.asked[f"list {folder}"] += 1
        return super().list(folder)

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        self.asked["read"] += 1
        return super().read(name, offset, limit)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self.asked[f"put {name.partition('/')[0]}"] += 1
        super().put(name, data, durable=durable)


def quiet_hour(home: Path, waiting: int = 0) -> Counter[str]:
    """What a daemon asks of the storage in an hour in which nothing happens, after a quiet one."""
    clock = ManualClock()
    world = World(home, storage=CountingStorage(clock), clock=clock)
    daemon = world.new_daemon()
    daemon.start()
    for _ in range(waiting):
        world.client().submit("wandb_sync")
        daemon.step()
    assert isinstance(world.storage, CountingStorage)
    for _ in range(2):
        world.storage.asked.clear()
        until = clock.monotonic() + HOUR_S
        while clock.monotonic() < until:
            daemon._turn()
    return world.storage.asked


def test_a_daemon_that_nobody_needs_looks_less_than_once_a_second(home: Path) -> None:
    asked = quiet_hour(home)
    assert asked["list inbox"] / HOUR_S < 0.9
    assert 700 <= asked["put heartbeat"] <= 721, "the beat goes on every five seconds"
    assert 350 <= asked["put daemons"] <= 361
    assert sum(asked.values()) / HOUR_S < 1.5


def test_requests_that_wait_for_a_person_add_little_whatever_their_number(home: Path) -> None:
    few, many = quiet_hour(home / "few", waiting=1), quiet_hour(home / "many", waiting=100)
    assert few.keys() == many.keys()
    assert all(abs(few[call] - many[call]) <= 5 + few[call] / 20 for call in few)
    assert few[f"list {layout.REJECTED}"] / HOUR_S < 0.25
    assert sum(few.values()) / HOUR_S < 2.5


@pytest.mark.parametrize("folder", [layout.APPROVED, layout.REJECTED])
def test_a_marker_is_heard_within_seconds_after_a_quiet_hour(home: Path, folder: str) -> None:
    world = World(home)
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(HOUR_S)
    world.storage.put(f"{folder}/{handle.id}", b"")
    world.pass_time(13)
    assert handle.done()


def test_what_tells_of_a_change_makes_it_look_at_once() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    clock.advance(HOUR_S)
    assert pace.markers_due()
    assert not pace.markers_due()
    pace.woken()
    assert pace.markers_due()


def test_a_request_ends_the_quiet() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    clock.advance(HOUR_S)
    assert pace.pause_s == 1.5
    pace.acted()
    assert pace.pause_s == 0.01


def test_upkeep_is_thorough_while_there_is_work_and_once_a_minute_in_the_quiet() -> None:
    clock = ManualClock()
    pace = Pace(clock)

    def rounds(seconds: float, *, watching: bool = False) -> int:
        done = 0
        for _ in range(int(seconds / 5)):
            clock.advance(5)
            done += pace.thorough_due(watching=watching)
        return done

    assert rounds(25) == 5
    rounds(60)
    assert rounds(300) == 5
    assert rounds(300, watching=True) == 60
    rounds(60)
    clock.advance(60)
    assert pace.thorough_due(watching=False), "a process that has stood still asks where it is"
