"""What must outlive a power cut is made to, and what only asks is not; marks go in time."""

from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.layout import Token
from aexp.domain.operations import ALLOWED
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"


class NotingStorage(MemoryStorage):
    """Notes what was asked to be durable, by folder."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.durable: list[str] = []
        self.passing: list[str] = []

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        (self.durable if durable else self.passing).append(f"put_new {name.partition('/')[0]}")
        return super().put_new(name, data, durable=durable, follow=follow)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        (self.durable if durable else self.passing).append(f"put {name.partition('/')[0]}")
        super().put(name, data, durable=durable)

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        said = [*self.durable]
        moved = super().take(src, dst, durable=durable)
        # In memory a move is a put.
        self.durable = said
        (self.durable if durable else self.passing).append(f"take {dst.rpartition('.')[2]}")
        return moved


@pytest.fixture
def noting(home: Path) -> World:
    clock = ManualClock()
    return World(home, storage=NotingStorage(clock), clock=clock)


def asked(world: World, verb: str) -> NotingStorage:
    """The storage, with what one request asked of it."""
    world.serve()
    assert isinstance(world.storage, NotingStorage)
    world.storage.durable.clear()
    world.storage.passing.clear()
    assert getattr(world.client(), verb)(timeout=5).ok
    return world.storage


@pytest.mark.parametrize("verb", ["pull", "push", "rebase"])
def test_a_request_that_changes_something_its_start_and_its_answer_are_durable(
    noting: World, verb: str
) -> None:
    assert {"put_new inbox", "take run", "put_new outbox"} <= {*asked(noting, verb).durable}


def test_a_fetch_and_its_answer_are_durable_and_its_start_need_not_be(noting: World) -> None:
    storage = asked(noting, "fetch")
    assert {"put_new inbox", "put_new outbox"} <= {*storage.durable}
    assert "take run" in storage.passing
    assert "take run" not in storage.durable


def test_only_what_does_no_harm_a_second_time_may_start_without_a_trace() -> None:
    assert {op for op, spec in ALLOWED.items() if not spec.starts_once} == {
        "git_fetch",
        "git_status",
    }


def test_a_fetch_whose_start_a_power_cut_took_runs_again_and_is_answered_once(home: Path) -> None:
    long = World(home, lambda _: Plan(duration_s=900))
    long.serve()
    handle = long.client().submit("git_fetch")
    long.pass_time(1)
    (name,) = long.names("processing")
    started = Token.parse(name)
    assert started is not None
    assert started.stage == "run"
    machine = long.kill()
    # What the disk of the file server holds after the cut: the move before the last one.
    claim = Token(started.request_id, started.owner, "claim")
    assert long.storage.take(started.name, claim.name)
    long.executor._plan = lambda _: Plan()
    long.serve(machine)
    assert handle.result(10).ok
    long.pass_time(60)
    assert long.ran == ["git_fetch", "git_fetch"]
    assert long.names("outbox") == [f"{handle.id}.json"]
    assert long.names("processing") == []


def test_a_question_and_its_answer_are_not(noting: World) -> None:
    storage = asked(noting, "status")
    assert storage.durable == []
    assert {"put_new inbox", "take run", "put_new outbox"} <= {*storage.passing}


def test_a_beat_is_not(noting: World) -> None:
    storage = asked(noting, "status")
    noting.pass_time(20)
    assert {"put heartbeat", "put daemons"} <= {*storage.passing}
    assert not {"put heartbeat", "put daemons"} & {*storage.durable}


def test_the_answer_to_what_is_no_request_is_durable(noting: World) -> None:
    noting.serve()
    noting.leave(ID, None, raw=b"nonsense")
    noting.pass_time(1)
    assert isinstance(noting.storage, NotingStorage)
    assert "put_new outbox" in noting.storage.durable


def test_marks_go_after_ten_minutes_also_those_of_an_earlier_daemon(world: World) -> None:
    world.serve()
    first = world.client().pull().request_id
    world.serve(world.kill())
    second = world.client().pull().request_id
    world.storage.put("replied/no-request", b"")
    world.pass_time(300)
    assert {first, second} <= {*world.names("replied")}
    world.pass_time(400)
    assert world.names("replied") == ["no-request"]
    assert world.answer(first).status == world.answer(second).status == "completed"
