"""What a dead, paused or original daemon left, and what becomes of it."""

from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import (
    RelayBusyError,
    RelayCrashedError,
    State,
)
from aexp.domain import layout, wire
from aexp.domain.identity import ProcessId
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"


def running(home: Path, duration_s: float = 900) -> World:
    """A world whose daemon runs a long push."""
    world = World(home, lambda _: Plan(output=b"half\n", duration_s=duration_s))
    world.serve()
    world.client().submit("git_push", ["origin", "HEAD"])
    world.pass_time(1)
    return world


def test_what_a_dead_daemon_left_running_is_crashed_and_never_run_again(home: Path) -> None:
    world = running(home)
    (token,) = world.names("processing")
    request_id = token.split(".")[0]
    world.serve(world.kill())
    with pytest.raises(RelayCrashedError, match="not known") as caught:
        world.client().handle(request_id).result(5)
    assert caught.value.request_id == request_id
    world.pass_time(20)
    assert len(world.ran) == 1
    assert [name.endswith(".crashed") for name in world.names("stale")] == [True]
    assert world.names("processing") == []


def test_a_crash_on_another_node_says_where_it_may_still_run(home: Path) -> None:
    world = running(home)
    (token,) = world.names("processing")
    world.kill()
    other_node = World(home, storage=world.storage, clock=world.clock)
    other_node.serve(FakeProcesses("login2"))
    world.pass_time(60)
    error = world.client().handle(token.split(".")[0]).exception(5)
    assert isinstance(error, RelayCrashedError)
    assert "may still be running on login1" in error.hint


def test_a_crash_keeps_the_last_output(home: Path) -> None:
    world = running(home)
    (token,) = world.names("processing")
    world.serve(world.kill())
    world.pass_time(2)
    answer = world.answer(token.split(".")[0])
    assert answer.stdout.endswith("half\n")
    assert answer.details == {"args": ["origin", "HEAD"], "cwd": str(world.repo)}


def test_what_a_dead_daemon_had_claimed_but_not_started_is_carried_on(home: Path) -> None:
    world = running(home)
    second = world.client().submit("git_pull")
    world.pass_time(1)
    assert second.state is State.APPROVED
    world.executor._plan = lambda _: Plan()
    world.serve(world.kill())
    assert second.result(10).ok
    assert world.ran == ["git_push origin HEAD", "git_pull"]


def test_what_an_original_daemon_left_is_crashed_as_well(world: World) -> None:
    world.storage.put(
        f"processing/{ID}.json", wire.encode({"op": "git_push", "args": [], "cwd": "/x"})
    )
    world.serve()
    assert (world.answer(ID).op, world.answer(ID).status) == ("git_push", "crashed")
    assert world.names("processing") == []


def test_a_daemon_on_another_node_takes_over_when_the_beat_has_stopped(home: Path) -> None:
    world = running(home)
    world.kill()
    began = world.clock.monotonic()
    world.serve(FakeProcesses("login2"))
    assert 40 <= world.clock.monotonic() - began < 60
    world.pass_time(60)
    assert [name.endswith(".crashed") for name in world.names("stale")] == [True]


def test_a_daemon_that_was_taken_for_dead_lets_its_commands_end_and_goes(home: Path) -> None:
    world = running(home, duration_s=300)
    paused = world.daemon
    assert paused is not None
    world.clock.tick = None
    other_node = World(home, storage=world.storage, clock=world.clock)
    successor = other_node.new_daemon(FakeProcesses("login2"))
    successor.start()
    world.clock.tick = successor.step
    world.client().submit("git_status")
    paused.step()
    with pytest.raises(RelayBusyError, match="login2"):
        paused.run()
    world.pass_time(5)
    assert world.executor.executions[0].signals == []
    outcomes = sorted(world.answer(name.removesuffix(".json")).op for name in world.names("outbox"))
    assert outcomes[0] == "git_push"


def test_an_original_daemon_that_beats_is_not_joined(world: World) -> None:
    count = [0]

    def original_beats() -> None:
        count[0] += 1
        body = wire.encode({"ts_monotonic": count[0], "wall": world.clock.wall(), "pid": 7})
        world.storage.put(layout.HEARTBEAT, body)

    original_beats()
    world.clock.tick = original_beats
    with pytest.raises(RelayBusyError, match="original kind"):
        world.new_daemon().start()


def test_the_beat_that_a_dead_original_left_is_no_obstacle(world: World) -> None:
    world.storage.put(layout.HEARTBEAT, wire.encode({"ts_monotonic": 1, "wall": 2, "pid": 7}))
    world.serve()
    assert world.client().pull().ok


def test_nothing_new_is_taken_while_an_original_daemon_beats(world: World) -> None:
    world.serve()
    body = {"op": "git_pull", "args": [], "cwd": str(world.repo)}

    def both() -> None:
        world.storage.put(layout.HEARTBEAT, wire.encode({"ts_monotonic": 1, "wall": 2, "pid": 7}))
        assert world.daemon is not None
        world.daemon.step()

    world.clock.tick = both
    world.pass_time(10)
    world.leave(ID, body)
    world.pass_time(20)
    assert world.ran == []


def test_a_claim_that_an_error_left_in_the_air_is_found_again(world: World) -> None:
    world.serve()
    request = wire.encode({"op": "git_pull", "args": [], "cwd": str(world.repo)})
    world.storage.put(f"processing/{ID}.{world.login.me}.claim", request)
    world.pass_time(10)
    assert world.answer(ID).status == "completed"


def test_a_client_that_died_while_it_withdrew_is_answered_for(world: World) -> None:
    client = ProcessId.new("gpu9", 1, 1)
    world.storage.put(f"stale/{ID}.{client}.cancelled", b"{}")
    world.serve()
    assert world.answer(ID).final_state is State.CANCELLED


def test_a_dead_daemons_own_beat_is_removed(home: Path) -> None:
    world = running(home)
    dead = f"{world.login.me}.hb"
    world.serve(world.kill())
    assert dead not in world.names("daemons")
    assert len(world.names("daemons")) == 1


def test_a_holder_that_has_just_begun_is_not_taken_for_dead(world: World) -> None:
    beats: list[list[str]] = []
    real = world.storage.put_new

    def noted(name: str, data: bytes) -> bool:
        if name.startswith("lease/"):
            beats.append(world.names("daemons"))
        return real(name, data)

    world.storage.put_new = noted  # type: ignore[method-assign]
    world.serve()
    assert beats == [[f"{world.login.me}.hb"]]


def test_the_first_answer_stays_when_a_daemon_that_was_taken_for_dead_comes_late(
    home: Path,
) -> None:
    world = running(home, duration_s=300)
    paused = world.daemon
    assert paused is not None
    (token,) = world.names("processing")
    request_id = token.split(".")[0]
    other_node = World(home, storage=world.storage, clock=world.clock)
    world.clock.tick = None
    successor = other_node.serve(FakeProcesses("login2"))
    world.pass_time(60)
    assert world.answer(request_id).final_state is State.CRASHED
    world.clock.tick = successor.step
    with pytest.raises(RelayBusyError):
        paused.run()
    assert world.answer(request_id).final_state is State.CRASHED


def test_a_claim_that_somebody_else_adopted_is_not_started(home: Path) -> None:
    world = running(home)
    second = world.client().submit("git_pull")
    world.pass_time(1)
    (claim,) = [name for name in world.names("processing") if name.endswith(".claim")]
    other = "login9-1-1-01234567"
    world.storage.put(f"daemons/{other}.hb", b"it lives")
    world.storage.take(f"processing/{claim}", f"processing/{second.id}.{other}.claim")
    world.client().handle(world.executor.commands[0].request_id).cancel()
    world.pass_time(30)
    assert world.ran == ["git_push origin HEAD"]


def test_an_observer_that_was_itself_away_judges_nobody(world: World) -> None:
    from aexp.airgapped.owners import TAKEOVER_LOOKS, Owners

    owner = str(FakeProcesses("login2").me)
    world.storage.put(f"daemons/{owner}.hb", b"1")
    owners = Owners(world.storage, world.login, world.clock)
    for look in range(TAKEOVER_LOOKS):
        assert not owners.is_dead(owner), look
        world.clock.advance(9.9)
    assert owners.is_dead(owner)
    away = Owners(world.storage, world.login, world.clock)
    for _ in range(20):
        assert not away.is_dead(owner)
        world.clock.advance(100)
