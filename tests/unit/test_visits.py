"""``serve --once``: what it does in one visit, and what a client does between two."""

import json
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped.visits import (
    CLOCKS_S,
    COUNTS_FOR,
    MOST_APART_S,
    REMEMBERED,
    last_visit_s,
)
from aexp.domain import layout, wire
from aexp.domain.consent import State
from aexp.domain.errors import RelayBusyError, RelayDownError, RelayStorageError, RelayTimeoutError
from tests.world import World

EVERY_S = 60.0


def visit(world: World, name: str = "login1", pid: int = 100) -> None:
    """One call of ``serve --once``, to its end."""
    daemon = world.new_daemon(FakeProcesses(name, pid=pid))
    assert daemon.start()
    daemon.drain()


def cron(world: World, every_s: float = EVERY_S) -> None:
    """Two calls, by which it is known how often it comes."""
    visit(world, pid=98)
    world.clock.advance(every_s)
    visit(world, pid=99)


def test_before_the_first_visit_nothing_is_sent(world: World) -> None:
    with pytest.raises(RelayDownError, match="nothing was sent"):
        world.client().submit("git_status")


def test_a_request_between_two_visits_waits_for_the_next_one(world: World) -> None:
    cron(world)
    handle = world.client().submit("git_status")
    assert handle.state is State.RECEIVED
    assert handle.visited_s is not None
    assert handle.visited_s < EVERY_S
    visit(world, pid=101)
    assert handle.result().ok


def test_a_client_waits_through_a_gap_and_says_what_it_waited_for(world: World) -> None:
    cron(world)
    handle = world.client().submit("git_status")
    with pytest.raises(RelayTimeoutError) as caught:
        handle.result(90)
    assert "No daemon stays here, one looks in from time to time" in caught.value.hint
    assert handle.state is State.RECEIVED


def test_one_visit_alone_may_have_been_made_by_hand_and_nothing_is_sent(world: World) -> None:
    visit(world)
    with pytest.raises(RelayDownError, match="nothing was sent"):
        world.client().submit("git_status")


@pytest.mark.parametrize("every_s", [60.0, 900.0, MOST_APART_S - 60])
def test_after_three_visits_that_did_not_come_nothing_is_sent(world: World, every_s: float) -> None:
    cron(world, every_s)
    world.clock.advance(COUNTS_FOR * every_s - 1)
    assert last_visit_s(world.storage, world.clock) is not None
    world.clock.advance(2 * CLOCKS_S)
    with pytest.raises(RelayDownError):
        world.client().submit("git_status")


def test_two_visits_on_one_day_are_no_habit(world: World) -> None:
    cron(world, MOST_APART_S + 60)
    with pytest.raises(RelayDownError):
        world.client().submit("git_status")


def test_calls_on_two_nodes_in_the_same_minute_are_the_habit_of_that_minute(world: World) -> None:
    for pid in range(4):
        visit(world, "login1", 100 + pid)
        world.clock.advance(1)
        visit(world, "login2", 200 + pid)
        world.clock.advance(1800)
    assert last_visit_s(world.storage, world.clock) is not None


def test_who_waits_is_sent_away_once_the_visits_have_stopped(world: World) -> None:
    cron(world)
    handle = world.client().submit("git_status")
    with pytest.raises(RelayDownError, match="was withdrawn"):
        handle.result(3600)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[]",
        b'{"wall": true}',
        b'{"wall": "x"}',
        b'{"wall": 1e99}',
        b'{"wall": 1700000000, "before": 1699999990}',
        b'{"wall": 1700000000, "before": [true, "x", null, [1]]}',
        b'{"wall": 1700000000, "before": [1700000000]}',
    ],
)
def test_a_note_that_says_nothing_sensible_is_none(world: World, note: bytes) -> None:
    world.storage.put(layout.VISITS, note)
    assert last_visit_s(world.storage, world.clock) is None


def test_a_daemon_that_stays_takes_the_note_away(world: World) -> None:
    visit(world)
    daemon = world.new_daemon(FakeProcesses(pid=101))
    daemon.start()
    daemon.stop()
    daemon.run()
    assert layout.VISITS not in world.names("")


def test_a_visit_that_was_killed_does_not_send_clients_away(world: World) -> None:
    cron(world)
    killed = world.new_daemon(FakeProcesses("login2", pid=101))
    killed.start()
    handle = world.client().submit("git_status")
    with pytest.raises(RelayTimeoutError):
        handle.result(120)
    visit(world, "login1", 102)
    assert handle.result().ok


def test_what_comes_while_it_drains_is_done_too(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=5))
    cron(world)
    first = world.client().submit("git_status")
    later = []

    def come_later() -> None:
        if not later and first.state is State.RUNNING:
            later.append(world.client().submit("git_fetch"))

    world.clock.tick = come_later
    visit(world, pid=101)
    world.clock.tick = None
    assert first.result().ok
    assert later[0].result().ok


def test_what_waits_for_consent_stays_and_runs_in_the_visit_after_the_approval(
    world: World,
) -> None:
    cron(world)
    handle = world.client().submit("wandb_sync")
    visit(world, pid=101)
    assert handle.state is State.PENDING
    visit(world, pid=102)
    assert handle.state is State.PENDING
    world.clock.advance(30)
    world.storage.put(f"{layout.APPROVED}/{handle.id}", b"")
    visit(world, pid=103)
    assert handle.result().ok


def test_of_two_at_the_same_minute_on_two_nodes_the_second_waits_and_then_drains(
    world: World,
) -> None:
    first = world.new_daemon(FakeProcesses("login1"))
    first.start()
    ended = []

    def end_first() -> None:
        if not ended:
            ended.append(first.drain())

    world.clock.tick = end_first
    visit(world, "login2")
    assert ended == [None]


def test_of_two_on_two_nodes_the_second_ends_when_the_first_has_much_to_do(world: World) -> None:
    first = world.new_daemon(FakeProcesses("login1"))
    first.start()
    world.clock.tick = first.step
    with pytest.raises(RelayBusyError, match="login1"):
        world.new_daemon(FakeProcesses("login2")).start()


def test_the_note_is_small_and_names_nobody(world: World) -> None:
    for pid in range(REMEMBERED + 3):
        visit(world, pid=200 + pid)
    found = json.loads(world.storage.read(layout.VISITS, limit=wire.MAX_BYTES))
    assert found.keys() == {"wall", "before"}
    assert len(found["before"]) == REMEMBERED - 1


class Refusing(MemoryStorage):
    """A queue whose requests cannot be claimed."""

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        if src.startswith("inbox/"):
            raise RelayStorageError(
                f"{src} could not be moved: input/output error.", "Ask an admin."
            )
        return super().take(src, dst, durable=durable, tell=tell)


def test_a_visit_that_the_storage_keeps_from_its_work_says_so(home: Path) -> None:
    clock = ManualClock()
    world = World(home, clock=clock, storage=Refusing(clock))
    daemon = world.serve()
    handle = world.client().submit("git_status")
    clock.tick = None
    began = clock.monotonic()
    with pytest.raises(RelayStorageError, match="input/output"):
        daemon.drain()
    assert clock.monotonic() - began < 30
    assert world.queue.state(handle.id) is State.RECEIVED, "it is left for the next visit"
