"""Waiting for a request, picking it up, stopping it, and what a client says when nobody answers."""

import asyncio
import random
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayAnswerError,
    RelayCancelledError,
    RelayClient,
    RelayDownError,
    RelayNotFoundError,
    RelayStorageError,
    RelayTimeoutError,
    State,
)
from aexp.domain import layout
from aexp.domain.errors import SettingsError
from tests.world import World


class Flaky(MemoryStorage):
    """Cannot list the folder that clients look into, so many times."""

    failures = 0

    def list(self, folder: str):
        if folder == layout.REPLIED and self.failures > 0:
            self.failures -= 1
            raise RelayStorageError("replied could not be listed: Input/output error.")
        return super().list(folder)


ID = "0123456789abcdef0123456789abcdef"


def test_a_dead_daemon_is_noticed_and_the_request_withdrawn(world: World) -> None:
    world.serve()
    world.kill()
    began = world.clock.monotonic()
    with pytest.raises(RelayDownError, match="withdrawn and will not run") as caught:
        world.client(timeout=300).pull()
    assert 30 <= world.clock.monotonic() - began < 35
    world.serve()
    world.pass_time(5)
    assert world.ran == []
    assert caught.value.request_id is not None
    assert world.client().handle(caught.value.request_id).state is State.CANCELLED


def test_a_beat_that_looks_old_has_one_interval_to_change(world: World) -> None:
    world.serve()
    world.kill()
    world.clock.advance(3600)
    began = world.clock.monotonic()
    with pytest.raises(RelayDownError):
        world.client(timeout=300).pull()
    assert 5 <= world.clock.monotonic() - began < 10


def test_ten_minutes_of_skew_between_the_clocks_change_nothing(world: World) -> None:
    daemon = world.serve()
    world.clock.tick = None

    def login_turn() -> None:
        world.clock.skew = -600.0
        daemon.step()
        world.clock.skew = 600.0

    world.clock.tick = login_turn
    world.clock.skew = 600.0
    world.pass_time(20)
    assert world.client().pull().ok


def test_a_timeout_leaves_the_request_to_be_picked_up_elsewhere(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"late\n", duration_s=90))
    world.serve()
    with pytest.raises(RelayTimeoutError, match="goes on") as caught:
        world.client().pull(timeout=60)
    request_id = caught.value.request_id
    assert request_id is not None
    assert request_id in str(caught.value)
    assert world.client().handle(request_id).result(60).stdout == "late\n"


def test_a_storage_that_fails_for_a_moment_does_not_end_the_waiting(home: Path) -> None:
    clock = ManualClock()
    storage = Flaky(clock)
    world = World(home, lambda _: Plan(duration_s=5), storage, clock)
    world.serve()
    handle = world.client().submit("git_fetch")
    storage.failures = 12
    assert handle.result(30).ok
    storage.failures = 10**6
    with pytest.raises(RelayStorageError):
        world.client().handle("0" * 32).result(3)


def test_a_handle_tells_how_its_request_stands(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=5))
    world.serve()
    handle = world.client().submit("git_fetch")
    assert (handle.state, handle.done()) == (State.RECEIVED, False)
    world.pass_time(1)
    assert (handle.state, handle.done()) == (State.RUNNING, False)
    assert handle.exception(10) is None
    assert (handle.state, handle.done()) == (State.COMPLETED, True)
    assert handle.id in repr(handle)


def test_a_handle_can_be_awaited(world: World) -> None:
    daemon = world.serve()
    handle = world.client().submit("git_status")

    async def main() -> int:
        daemon.step()
        daemon.step()
        return (await handle).returncode

    assert asyncio.run(main()) == 0


def test_an_await_that_is_cut_short_says_how_to_go_on(world: World) -> None:
    """As when a notebook interrupts the cell that awaits."""
    world.serve()
    handle = world.client().submit("git_status")

    async def main() -> None:
        waits = asyncio.ensure_future(handle)
        await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await waits
        assert any(f"client.handle('{handle.id}')" in note for note in caught.value.__notes__)

    asyncio.run(main())


def test_a_handle_of_nothing_says_so(world: World) -> None:
    world.serve()
    with pytest.raises(RelayNotFoundError, match=ID):
        _ = world.client().handle(ID).state


@pytest.mark.parametrize("request_id", ["../../precious", "", "x", "0" * 31, "0" * 32 + "/../x"])
def test_what_is_no_id_gives_no_handle(world: World, request_id: str) -> None:
    with pytest.raises(RelayNotFoundError, match="is not a request id"):
        world.client().handle(request_id)


def test_waiting_for_what_the_queue_does_not_know_ends_at_once(world: World) -> None:
    world.serve()
    with pytest.raises(RelayNotFoundError):
        world.client().handle(ID).result(60)


def test_an_awaited_handle_keeps_its_answer(world: World) -> None:
    world.serve()
    handle = world.client().submit("git_status")
    assert handle.result().ok
    world.storage.remove(layout.outbox(handle.id))
    world.storage.remove(layout.replied(handle.id))

    async def main() -> bool:
        return (await handle).ok

    assert asyncio.run(main())
    assert handle.result().ok


@pytest.mark.parametrize("timeout", [-1, float("nan"), "5", True])
def test_a_timeout_that_is_no_span_of_time_is_refused_before_anything_is_sent(
    world: World, timeout: float
) -> None:
    world.serve()
    with pytest.raises(SettingsError, match="not a number of seconds"):
        world.client().pull(timeout=timeout)
    with pytest.raises(SettingsError):
        RelayClient(queue=world.storage, cwd=world.repo, default_timeout=timeout)
    assert world.names("inbox") == []


def test_a_dead_daemon_on_the_same_machine_is_known_at_once(world: World) -> None:
    world.serve()
    dead = str(world.login.me)
    world.kill()
    world.gpu = FakeProcesses("login1", pid=300)
    world.gpu.dead.add(dead)
    began = world.clock.monotonic()
    with pytest.raises(RelayDownError, match="nothing was sent"):
        world.client(timeout=300).pull()
    assert world.clock.monotonic() == began


def test_a_waiting_caller_is_told_how_the_request_stands(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=10))
    world.serve()
    first = world.client().submit("git_fetch")
    told: list[State] = []
    world.client().submit("git_pull").result(60, on_state=told.append)
    assert [*dict.fromkeys(told)] == [State.APPROVED, State.RUNNING]
    assert first.done()


@pytest.mark.parametrize(
    "dice", [1, 355, 365, 366, 370, 372]
)  # All but one fell between two seconds.
def test_a_waiting_caller_is_told_once_a_second_however_seldom_the_queue_is_looked_at(
    home: Path, dice: int
) -> None:
    random.seed(dice)
    world = World(home, lambda _: Plan(duration_s=120))
    world.serve()
    told: list[float] = []
    began = world.clock.monotonic()

    def tell(state: State) -> None:
        told.append(world.clock.monotonic() - began)

    world.client().submit("git_fetch").result(300, on_state=tell)
    assert {int(when) for when in told} == set(range(round(told[-1]) + 1))
    assert 118 < told[-1] < 123
    assert len(told) < 2 * 123


def test_what_an_awaited_handle_says_is_said_by_the_thread_that_waits(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = world.serve()
    handle = world.client(timeout=2).submit("wandb_sync")

    async def passes(seconds: float) -> None:
        world.clock.advance(seconds)

    monkeypatch.setattr(asyncio, "sleep", passes)

    async def main() -> None:
        daemon.step()
        with pytest.raises(RelayTimeoutError):
            await handle

    asyncio.run(main())
    (told,) = [record for record in caplog.records if record.name == "aexp.airgapped"]
    assert "aexp relay approve" in told.getMessage()
    assert told.threadName == "MainThread"


def test_a_notebook_that_waits_for_consent_is_told_by_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.serve()
    with pytest.raises(RelayTimeoutError):
        world.client().wandb_sync(timeout=20)
    told = [record for record in caplog.records if record.name == "aexp.airgapped"]
    assert len(told) == 1
    assert "aexp relay approve" in told[0].getMessage()


def test_a_client_says_what_it_is(world: World) -> None:
    assert repr(world.client()) == f"RelayClient(queue='memory://', cwd='{world.repo}')"


def test_a_timeout_while_the_daemon_is_silent_says_so(world: World) -> None:
    world.serve()
    world.kill()
    with pytest.raises(RelayTimeoutError, match="has not beaten for") as caught:
        world.client(timeout=12).pull()
    assert caught.value.request_id is not None


def test_a_user_that_does_not_exist_has_no_folder(world: World) -> None:
    with pytest.raises(SettingsError, match="nosuchuser"):
        RelayClient(queue=world.storage, cwd="~nosuchuser-zz/x")


def test_a_current_folder_that_is_gone_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingsError, match="current folder is gone"):
        RelayClient(queue=world.storage)


def test_an_unclaimed_request_is_cancelled_by_taking_it_back(world: World) -> None:
    world.serve()
    world.clock.tick = None
    handle = world.client().submit("git_pull")
    assert handle.cancel() is True
    assert isinstance(handle.exception(), RelayCancelledError)
    world.serve(world.kill())
    world.pass_time(2)
    assert world.ran == []


def test_a_request_that_waits_for_its_working_copy_is_cancelled_at_once(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=900))
    world.serve()
    world.client().submit("git_fetch")
    second = world.client().submit("git_pull")
    world.pass_time(1)
    assert second.state is State.APPROVED
    second.cancel()
    assert isinstance(second.exception(5), RelayCancelledError)
    assert len(world.executor.executions) == 1


def test_cancelling_what_is_answered_changes_nothing(world: World) -> None:
    world.serve()
    handle = world.client().submit("git_pull")
    assert handle.result().ok
    assert handle.cancel() is False
    assert handle.result().ok


def test_an_answer_that_makes_no_sense_is_an_error_and_not_a_result(world: World) -> None:
    world.serve()
    world.storage.put(f"outbox/{ID}.json", b'{"op": "git_pull", "status": "completed"}')
    with pytest.raises(RelayAnswerError, match="no returncode"):
        world.client().handle(ID).result()


def test_a_prefix_finds_one_request_and_only_one(world: World) -> None:
    for name in ("a" * 32, "ab" * 16):
        world.storage.put(f"inbox/{name}.json", b"{}")
    assert world.queue.find("ab") == "ab" * 16
    for prefix, why in (
        ("a", "2 requests"),
        ("f", "No request"),
        ("../x", "32 hexadecimal"),
        ("", "32"),
    ):
        with pytest.raises(RelayNotFoundError, match=why):
            world.queue.find(prefix)
