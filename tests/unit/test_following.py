"""Following a request's output: it comes while the command runs, and all of it has come in the end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayCancelledError,
    RelayCrashedError,
    RelayDownError,
    RelayHandle,
    RelayNotFoundError,
    RelayStartError,
    RelayStorageError,
    RelayTimeoutError,
    RelayValidationError,
    State,
)
from aexp.airgapped.following import CUT, Following
from aexp.domain import layout, polling
from aexp.domain.errors import SettingsError, StorageFullError, StorageUnfitError
from aexp.ports.executor import Command
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"
SLOWLY = Plan(
    output=b"first\n",
    pieces=((5.0, b"10%\r"), (6.0, b"50%\r"), (7.0, b"100%, done.\n"), (20.0, "größ".encode())),
    duration_s=40,
)


class Odd(MemoryStorage):
    """A log in whose place something else can stand, and a count of what was asked."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.fails_to_read: type[RelayStorageError] | None = None
        self.fails_to_append: type[RelayStorageError] | None = None
        self.asked: list[str] = []
        self.read_log: list[float] = []

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        self.asked.append(name)
        if name.startswith("log/"):
            self.read_log.append(self._clock.monotonic())
            if self.fails_to_read is not None:
                raise self.fails_to_read(f"{name} could not be read.")
        return super().read(name, offset, limit)

    def append(self, name: str, data: bytes) -> None:
        if name.startswith("log/") and self.fails_to_append is not None:
            raise self.fails_to_append(f"{name} could not be appended to.")
        super().append(name, data)


def running(home: Path, plan: Plan | Callable[[Command], Plan]) -> World:
    """A relay whose commands go like this, and whose storage can go wrong."""
    clock = ManualClock()
    world = World(home, plan if callable(plan) else lambda _: plan, Odd(clock), clock)
    world.serve()
    # The daemon steps many times a second while something happens; here time passes in its steps.
    clock.sleep = lambda seconds: _in_steps(clock, seconds)  # type: ignore[method-assign]
    return world


def _in_steps(clock: ManualClock, seconds: float) -> None:
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 1e-9:
        clock.advance(min(left, 0.05))


def odd(world: World) -> Odd:
    assert isinstance(world.storage, Odd)
    return world.storage


def timed(world: World, handle: RelayHandle, timeout: float = 300) -> list[tuple[float, str]]:
    """Each line, and how many seconds after the request it came."""
    began = world.clock.monotonic()
    return [(world.clock.monotonic() - began, line) for line in handle.follow(timeout)]


def test_each_line_comes_within_a_second_and_the_rest_with_the_answer(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    (one, first), (two, second), (three, third) = timed(world, handle)
    assert (first, second, third) == ("first\n", "100%, done.\n", "größ")
    assert one < 1
    assert 7 < two < 8
    assert 40 < three < 43
    asked = len(odd(world).asked)
    assert handle.result(0).stdout == "first\n100%, done.\ngröß"
    assert handle.state is State.COMPLETED
    assert len(odd(world).asked) == asked


def test_the_line_that_has_not_ended_is_told_as_it_changes(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    told: list[tuple[float, str]] = []
    began = world.clock.monotonic()

    def progress(line: str) -> None:
        told.append((world.clock.monotonic() - began, line))

    assert [*handle.follow(on_progress=progress)] == ["first\n", "100%, done.\n", "größ"]
    # The end without a line end is held back until it is known to hold no secret.
    assert [line for _, line in told] == ["10%", "50%", ""]
    for due, (when, _) in zip((5, 6, 7), told, strict=True):
        assert due < when < due + 1


def test_a_log_is_read_a_few_times_a_second_and_less_often_when_it_is_quiet(home: Path) -> None:
    world = running(home, Plan(output=b"first\n", pieces=((290.0, b"late\n"),), duration_s=300))
    began = world.clock.monotonic()
    lines = timed(world, world.client().submit("git_fetch"), 600)
    assert [line for _, line in lines] == ["first\n", "late\n"]
    assert lines[1][0] < 294
    reads = [when - began for when in odd(world).read_log]
    assert sum(1 for when in reads if when < 10) <= 30
    assert sum(1 for when in reads if 200 < when < 280) <= 50


def test_a_log_that_goes_on_growing_is_read_at_its_first_pace(home: Path) -> None:
    pieces = tuple(
        (after, f"{after:.0f}\n".encode()) for after in (50.0, 100.0, 150.0, 200.0, 250.0)
    )
    world = running(home, Plan(pieces=pieces, duration_s=260))
    for when, line in timed(world, world.client().submit("git_fetch"), 600):
        assert float(line) < when < float(line) + 1


def test_what_others_do_in_the_queue_does_not_make_a_follower_look_without_pause(
    home: Path,
) -> None:
    world = running(home, Plan(output=b"first\n", duration_s=20))
    looks: list[float] = []

    def disturbed(*args: object, **kwargs: object) -> bool:
        looks.append(world.clock.monotonic())
        world.clock.advance(0.001)
        return False

    world.storage.wait = disturbed  # type: ignore[method-assign]
    handle = world.client().submit("git_fetch")
    assert [*handle.follow()] == ["first\n"]
    assert 50 < sum(1 for when in looks if 5 < when - looks[0] < 15) < 150


def test_a_request_that_was_seen_to_move_has_its_log_read_at_once(home: Path) -> None:
    world = running(home, Plan(output=b"first\n", duration_s=20))
    handle = world.client().submit("git_fetch")
    world.pass_time(1)
    odd(world).fails_to_read = RelayStorageError
    heard: list[bool] = []

    def hears(*args: object, **kwargs: object) -> bool:
        odd(world).fails_to_read = None
        heard.append(True)
        return True

    world.storage.wait = hears  # type: ignore[method-assign]
    began = world.clock.monotonic()
    assert next(world.client().handle(handle.id).follow()) == "first\n"
    assert (heard, world.clock.monotonic()) == ([True], began)


def test_the_waits_between_two_reads_grow_with_the_quiet() -> None:
    waits = [polling.follower_wait(second / 2) for second in range(1000)]
    assert waits == sorted(waits)
    assert (waits[0], waits[100], waits[-1]) == (0.4, 0.4, 2.0)


def test_a_log_is_opened_only_after_it_was_listed(home: Path) -> None:
    world = running(home, Plan(output=b"first\n", duration_s=5))
    listed: list[bool] = []
    ask = odd(world).read

    def read(name: str, offset: int = 0, limit: int | None = None) -> bytes:
        if name.startswith("log/"):
            listed.append(name.removeprefix("log/") in world.names("log"))
        return ask(name, offset, limit)

    odd(world).read = read  # type: ignore[method-assign]
    assert [*world.client().submit("git_fetch").follow()] == ["first\n"]
    assert listed
    assert all(listed)


def test_what_is_over_at_once_comes_from_the_answer(home: Path) -> None:
    world = running(home, Plan(output=b"one\ntwo\n", returncode=1))
    handle = world.client().submit("git_fetch")
    assert [*handle.follow()] == ["one\n", "two\n"]
    assert handle.result(0).returncode == 1
    # Once more, and by somebody else later on.
    assert [*handle.follow(0)] == ["one\n", "two\n"]
    assert [*world.client().handle(handle.id).follow()] == ["one\n", "two\n"]


def test_a_last_piece_that_never_reaches_the_log_comes_from_the_answer(home: Path) -> None:
    world = running(home, Plan(b"first\n", pieces=((8.0, b"and \xe2\x82"),), duration_s=10))
    handle = world.client().submit("git_fetch")
    lines = []
    for line in handle.follow():
        lines.append(line)
        odd(world).fails_to_append = StorageFullError
    assert lines == ["first\n", "and \ufffd"]


def test_who_shares_a_run_gets_what_it_said_with_the_answer(home: Path) -> None:
    def planned(command: Command) -> Plan:
        if command.op == "git_pull":
            return Plan(duration_s=10)
        return Plan(b"## main\n", pieces=((5.0, b"? new\n"),), duration_s=8)

    world = running(home, planned)
    world.client().submit("git_pull")
    handles = [world.client().submit("git_status") for _ in range(3)]
    assert [*handles[1].follow()] == ["## main\n", "? new\n"]
    assert "3 requests" in handles[1].result(0).notices[-1]
    assert [[*handle.follow()] for handle in handles] == [["## main\n", "? new\n"]] * 3


def test_one_that_leaves_a_shared_run_hears_no_more_of_it(home: Path) -> None:
    def planned(command: Command) -> Plan:
        first = command.op == "git_pull"
        return Plan(duration_s=5) if first else Plan(b"a\n", pieces=((9.0, b"b\n"),), duration_s=60)

    world = running(home, planned)
    world.client().submit("git_pull")
    handles = [world.client().submit("git_status") for _ in range(2)]
    lines = handles[0].follow()
    assert next(lines) == "a\n"
    handles[0].cancel()
    with pytest.raises(RelayCancelledError):
        next(lines)
    with pytest.raises(RelayCancelledError):
        handles[0].result(0)
    assert [*handles[1].follow()] == ["a\n", "b\n"]


LONG = b"".join(b"line %d\n" % number for number in range(300_000))


@pytest.mark.parametrize("duration", [0.0, 20.0])
def test_what_an_answer_leaves_out_comes_from_the_log(home: Path, duration: float) -> None:
    world = running(home, Plan(LONG, duration_s=duration))
    handle = world.client().submit("git_fetch")
    assert "".join(handle.follow()) == LONG.decode()
    assert "bytes left out" in handle.result(0).stdout


def test_a_long_answer_without_a_log_is_given_as_it_is(home: Path) -> None:
    world = running(home, Plan(LONG, duration_s=20))
    odd(world).fails_to_append = StorageUnfitError
    handle = world.client().submit("git_fetch")
    assert "".join(handle.follow()) == handle.result(0).stdout


def test_a_long_answer_whose_log_broke_off_says_so_and_gives_the_end(home: Path) -> None:
    world = running(home, Plan(b"first\n", pieces=((5.0, LONG),), duration_s=20))
    handle = world.client().submit("git_fetch")
    lines = []
    for line in handle.follow():
        lines.append(line)
        odd(world).fails_to_append = StorageFullError
    text = "".join(lines)
    assert text.startswith(f"first\n{CUT}")
    assert text.endswith(LONG[-60_000:].decode())


def test_the_end_of_a_log_that_is_seen_late_is_waited_for(home: Path) -> None:
    world = running(home, Plan(LONG))
    whole = odd(world).read
    handle = world.client().submit("git_fetch")
    world.pass_time(2)
    until = world.clock.monotonic() + 3

    def read(name: str, offset: int = 0, limit: int | None = None) -> bytes:
        data = whole(name, offset, limit)
        late = name.startswith("log/") and world.clock.monotonic() < until
        return data[: max(1_000_000 - offset, 0)] if late else data

    odd(world).read = read  # type: ignore[method-assign]
    assert "".join(handle.follow()) == LONG.decode()


@pytest.mark.parametrize("failure", [StorageUnfitError, RelayStorageError])
def test_a_log_that_cannot_be_read_leaves_the_answer(
    home: Path, failure: type[RelayStorageError]
) -> None:
    world = running(home, SLOWLY)
    odd(world).fails_to_read = failure
    ((when, line), *rest) = timed(world, world.client().submit("git_fetch"))
    assert when > 40
    assert [line, *(later for _, later in rest)] == ["first\n", "100%, done.\n", "größ"]
    # What is no plain file is not asked for again.
    assert (len(odd(world).read_log) == 1) == (failure is StorageUnfitError)


def test_a_link_in_the_place_of_a_log_is_not_followed(home: Path) -> None:
    from aexp.adapters.storage.fsspec import open_file_queue

    clock = ManualClock()
    storage = open_file_queue(str(home / ".relay"), clock, "posix")
    world = World(home, lambda _: Plan(b"ours\n", duration_s=5), storage, clock)
    world.serve()
    (home / "diary").write_text("private\n")
    handle = world.client().submit("git_fetch")
    (home / f".relay/log/{handle.id}.txt").symlink_to(home / "diary")
    assert [*handle.follow()] == ["ours\n"]


def test_a_file_without_an_end_in_the_place_of_a_log_is_given_up(home: Path) -> None:
    from aexp.adapters.storage.fsspec import open_file_queue
    from aexp.domain.output import MAX_LOG_BYTES

    storage = open_file_queue(str(home / ".relay"), ManualClock(), "posix")
    storage.put(f"log/{ID}.txt", b"")
    with open(home / f".relay/log/{ID}.txt", "wb") as file:
        file.truncate(1 << 40)
    given = sum(map(len, Following(storage, ID, ManualClock()).so_far(None)))
    assert MAX_LOG_BYTES < given < 2 * MAX_LOG_BYTES


def test_patience_ends_with_an_error_and_what_there_is_by_then(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    given: list[str] = []
    with pytest.raises(RelayTimeoutError, match="goes on"):
        given.extend(handle.follow(7.5))
    assert given == ["first\n", "100%, done.\n"]
    assert [*handle.follow()] == ["first\n", "100%, done.\n", "größ"]


def test_without_patience_there_is_what_has_come_so_far(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    world.pass_time(3)
    lines = world.client().handle(handle.id).follow(0)
    assert next(lines) == "first\n"
    with pytest.raises(RelayTimeoutError):
        next(lines)


def test_a_timeout_that_is_no_span_of_time_is_refused_at_once(world: World) -> None:
    world.serve()
    with pytest.raises(SettingsError, match="not a number of seconds"):
        world.client().submit("git_fetch").follow(-1)


def test_a_cancelled_command_gives_what_it_had_said(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    lines = handle.follow()
    assert next(lines) == "first\n"
    world.pass_time(5)
    handle.cancel()
    assert next(lines) == "10%"
    with pytest.raises(RelayCancelledError):
        next(lines)
    with pytest.raises(RelayCancelledError):
        handle.result(0)


def test_a_dead_daemon_is_told_and_what_its_command_said_is_told_once(home: Path) -> None:
    world = running(home, Plan(b"first\n", pieces=((3.0, b"second\n"),), duration_s=900))
    handle = world.client().submit("git_fetch")
    lines = handle.follow(300)
    assert next(lines) == "first\n"
    assert next(lines) == "second\n"
    after = world.kill()
    with pytest.raises(RelayDownError):
        next(lines)
    again = world.client().handle(handle.id).follow(300)
    assert next(again) == "first\n"
    world.serve(after)
    assert next(again) == "second\n"
    with pytest.raises(RelayCrashedError):
        next(again)
    with pytest.raises(RelayCrashedError):
        handle.result(5)
    # The answer repeats the log; a log that is gone by then changes nothing.
    world.storage.remove(layout.log(handle.id))
    given: list[str] = []
    with pytest.raises(RelayCrashedError):
        given.extend(world.client().handle(handle.id).follow())
    assert given == ["first\n", "second\n"]


def test_who_only_follows_learns_that_nothing_ran(home: Path) -> None:
    world = running(home, Plan(missing=True))
    handle = world.client().submit("git_fetch")
    for _ in range(2):
        with pytest.raises(RelayStartError):
            next(handle.follow())


def test_who_only_follows_learns_that_the_request_was_refused(world: World) -> None:
    world.serve()
    world.leave(ID, {"op": "git_gc", "args": [], "cwd": "/"})
    with pytest.raises(RelayValidationError):
        next(world.client().handle(ID).follow())


def test_a_program_that_failed_is_a_result_and_no_error_of_following(home: Path) -> None:
    world = running(home, Plan(b"no\n", returncode=1))
    handle = world.client().submit("git_fetch")
    assert [*handle.follow()] == ["no\n"]
    assert handle.result(0).returncode == 1


def test_what_waits_for_consent_is_told_and_followed_from_its_start(home: Path) -> None:
    world = running(home, SLOWLY)
    told: list[State] = []

    def tell(state: State) -> None:
        told.append(state)
        if told.count(State.PENDING) == 3:
            world.storage.put(f"approved/{handle.id}", b"")

    handle = world.client().submit("wandb_sync")
    assert [*handle.follow(300, on_state=tell)] == ["first\n", "100%, done.\n", "größ"]
    assert (told[0], told[-1]) == (State.PENDING, State.RUNNING)
    assert handle.result(0).ok


def test_nothing_is_listed_for_a_log_while_a_person_is_waited_for(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("wandb_sync")
    world.pass_time(2)
    listed: list[str] = []
    ask = world.storage.list

    def listing(folder: str) -> list[str]:
        if world.clock.tick is None:
            listed.append(folder)
        return ask(folder)

    world.clock.tick, world.storage.list = None, listing  # type: ignore[method-assign]
    with pytest.raises(RelayTimeoutError):
        next(handle.follow(7.0))
    assert listed.count(layout.LOG) <= 2


def test_following_what_the_queue_does_not_know_ends_at_once(world: World) -> None:
    world.serve()
    with pytest.raises(RelayNotFoundError):
        next(world.client().handle(ID).follow(60))


def test_what_there_is_now_is_the_log_or_the_answer(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")

    def now() -> list[str]:
        answer = world.queue.answer(handle.id)
        return [*Following(world.storage, handle.id, world.clock).so_far(answer)]

    assert now() == []
    world.pass_time(6.7)
    assert now() == ["first\n", "50%"]
    world.pass_time(40)
    assert now() == ["first\n", "100%, done.\n", "größ"]
    world.storage.remove(layout.log(handle.id))
    assert now() == ["first\n", "100%, done.\n", "größ"]


def test_ctrl_c_while_following_says_how_to_go_on(home: Path) -> None:
    world = running(home, SLOWLY)
    handle = world.client().submit("git_fetch")
    lines = handle.follow()
    assert next(lines) == "first\n"

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    world.clock.sleep = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt) as caught:
        next(lines)
    assert any(handle.id in note for note in caught.value.__notes__)
