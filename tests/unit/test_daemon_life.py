"""The daemon's own life: who serves, what a dead one left, how it stops, what a full disk does."""

from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayBusyError,
    RelayCrashedError,
    RelayStartError,
    RelayStorageError,
    State,
)
from aexp.domain import layout, wire
from aexp.domain.errors import StorageFullError
from aexp.domain.identity import ProcessId
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

    def put(self, name: str, data: bytes) -> None:
        self._check(name)
        super().put(name, data)

    def reserve(self, count: int) -> None:
        if self.unreserved and count:
            raise StorageFullError("tmp: no space.", "Free space or quota.")

    def put_new(self, name: str, data: bytes) -> bool:
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

    def take(self, src: str, dst: str, *, durable: bool = False) -> bool:
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
    assert len(world.argvs) == 1
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


def test_what_a_dead_daemon_had_claimed_but_not_started_is_carried_on(home: Path) -> None:
    world = running(home)
    second = world.client().submit("git_pull")
    world.pass_time(1)
    assert second.state is State.APPROVED
    world.executor._plan = lambda _: Plan()
    world.serve(world.kill())
    assert second.result(10).ok
    assert world.argvs == ["git push origin HEAD", "git pull --ff-only"]


def test_what_an_original_daemon_left_is_crashed_as_well(world: World) -> None:
    world.storage.put(
        f"processing/{ID}.json", wire.encode({"op": "git_push", "args": [], "cwd": "/x"})
    )
    world.serve()
    assert (world.answer(ID).op, world.answer(ID).status) == ("git_push", "crashed")
    assert world.names("processing") == []


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


def test_a_daemon_on_another_node_takes_over_when_the_beat_has_stopped(home: Path) -> None:
    world = running(home)
    world.kill()
    began = world.clock.monotonic()
    world.serve(FakeProcesses("login2"))
    assert 40 <= world.clock.monotonic() - began < 60
    world.pass_time(60)
    assert [name.endswith(".crashed") for name in world.names("stale")] == [True]


def test_a_clean_stop_hands_over_at_once(world: World) -> None:
    daemon = world.serve()
    daemon.stop()
    daemon.finish()
    began = world.clock.monotonic()
    world.serve(FakeProcesses("login2"))
    assert world.clock.monotonic() - began < 1


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
    assert world.argvs == []


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
    for leftover in ("heartbeat", "pid", "lease", "daemons", "processing"):
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
    assert len(failing.argvs) == 1


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
    assert failing.argvs == []


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
    assert world.names("lease") == []


def test_a_client_is_told_when_the_request_cannot_be_written(failing: World) -> None:
    failing.serve()
    assert isinstance(failing.storage, FailingStorage)
    failing.storage.refused = ("inbox/",)
    with pytest.raises(RelayStorageError, match="inbox/") as caught:
        failing.client().pull()
    assert caught.value.hint


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


def test_a_queue_that_was_deleted_under_the_daemon_is_made_again(world: World) -> None:
    world.serve()
    assert isinstance(world.storage, MemoryStorage)
    world.storage._folders.clear()
    world.pass_time(10)
    assert world.client().pull().ok


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


def test_a_dead_daemons_own_beat_is_removed(home: Path) -> None:
    world = running(home)
    dead = f"{world.login.me}.hb"
    world.serve(world.kill())
    assert dead not in world.names("daemons")
    assert len(world.names("daemons")) == 1


def test_a_daemon_that_finds_another_one_leaves_nothing_of_itself(world: World) -> None:
    world.serve()
    with pytest.raises(RelayBusyError):
        world.new_daemon(FakeProcesses("login1", pid=200)).start()
    assert world.names("daemons") == [f"{world.login.me}.hb"]


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
    assert world.argvs == ["git push origin HEAD"]


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
