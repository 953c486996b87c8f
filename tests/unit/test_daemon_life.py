"""The daemon's own life: who serves, who waits, how it stops."""

from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import (
    RelayBusyError,
)
from aexp.domain import wire
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"


def running(home: Path, duration_s: float = 900) -> World:
    """A world whose daemon runs a long push."""
    world = World(home, lambda _: Plan(output=b"half\n", duration_s=duration_s))
    world.serve()
    world.client().submit("git_push", ["origin", "HEAD"])
    world.pass_time(1)
    return world


def test_a_daemon_on_standby_waits_and_takes_over(world: World) -> None:
    first = world.serve()
    told: list[RelayBusyError] = []
    turns = [0]

    def first_ends() -> None:
        turns[0] += 1
        if turns[0] < 200:
            first.step()
        elif turns[0] == 200:
            first.stop()
            first.finish()

    world.clock.tick = first_ends
    second = world.new_daemon(FakeProcesses("login2"))
    assert second.start(told.append) is True
    assert len(told) == 1
    assert "login1" in told[0].what
    assert turns[0] <= 202


def test_a_second_daemon_on_the_same_node_says_who_serves(world: World) -> None:
    world.serve()
    with pytest.raises(RelayBusyError, match=r"login1.*pid 100"):
        world.new_daemon(FakeProcesses("login1", pid=200)).start()


def test_a_second_daemon_never_disturbs_the_first_ones_requests(home: Path) -> None:
    world = running(home)
    before = world.names("processing")
    for machine in (FakeProcesses("login1", pid=200), FakeProcesses("login2")):
        with pytest.raises(RelayBusyError):
            world.new_daemon(machine).start()
    assert world.names("processing") == before
    assert world.executor.executions[0].signals == []


def test_a_clean_stop_hands_over_at_once(world: World) -> None:
    daemon = world.serve()
    daemon.stop()
    daemon.finish()
    began = world.clock.monotonic()
    world.serve(FakeProcesses("login2"))
    assert world.clock.monotonic() - began < 1


def test_a_stop_ends_what_runs_answers_for_it_and_gives_back_the_rest(home: Path) -> None:
    world = running(home)
    world.client().submit("git_pull")
    world.pass_time(1)
    assert world.daemon is not None
    daemon, world.clock.tick = world.daemon, None
    daemon.stop()
    daemon.finish()
    (answer,) = [world.answer(name.removesuffix(".json")) for name in world.names("outbox")]
    assert (answer.op, answer.status, answer.stdout) == ("git_push", "crashed", "half\n")
    assert "was stopped while" in (answer.error or "")
    assert len(world.names("inbox")) == 1
    for leftover in ("heartbeat", "pid", "daemons", "processing"):
        assert leftover not in world.names("")


def test_a_stop_does_not_wait_for_ever_for_a_command_that_ignores_it(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=9000, stubborn=True))
    daemon = world.serve()
    world.client().submit("git_fetch")
    world.pass_time(1)
    world.clock.tick = None
    began = world.clock.monotonic()
    daemon.stop()
    daemon.finish()
    assert 10 <= world.clock.monotonic() - began < 16
    assert world.executor.executions[0].signals[:2] == ["TERM", "KILL"]


def test_draining_serves_what_waits_and_ends(world: World) -> None:
    world.serve()
    world.clock.tick = None
    handles = [world.client().submit("git_status") for _ in range(70)]
    assert world.daemon is not None
    world.daemon.drain()
    assert all(handle.done() for handle in handles)
    assert world.queue.beat() is None


def test_a_daemon_that_finds_another_one_leaves_nothing_of_itself(world: World) -> None:
    world.serve()
    with pytest.raises(RelayBusyError):
        world.new_daemon(FakeProcesses("login1", pid=200)).start()
    assert world.names("daemons") == [f"{world.login.me}.hb"]


def test_the_audit_trail_cannot_be_forged_by_what_a_request_says(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "aexp.relay")
    world.serve()
    hostile = {"op": "x\n" + "0" * 32 + " done op=git_push", "cwd": "\x1b[2K"}
    world.storage.put(f"inbox/{ID}.json", wire.encode(hostile))
    world.pass_time(1)
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert any(record.getMessage().startswith(ID) for record in caplog.records)
