"""A request's way through the whole relay, in one thread and in virtual time."""

import asyncio
from pathlib import Path

import pytest

from aexp import airgapped
from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayAnswerError,
    RelayCancelledError,
    RelayClient,
    RelayCrashedError,
    RelayDownError,
    RelayNotFoundError,
    RelayStartError,
    RelayStorageError,
    RelayTimeLimitError,
    RelayTimeoutError,
    RelayValidationError,
    State,
)
from aexp.domain import layout
from aexp.domain.errors import SettingsError
from aexp.ports.executor import Command
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


@pytest.mark.parametrize(
    ("verb", "line"),
    [
        ("pull", "git pull --ff-only"),
        ("push", "git push origin HEAD"),
        ("fetch", "git fetch --all --prune"),
        ("status", "git status --porcelain=v2"),
        ("rebase", "git pull --rebase"),
    ],
)
def test_each_verb_runs_its_one_command_in_the_clients_folder(
    world: World, verb: str, line: str
) -> None:
    world.serve()
    result = getattr(world.client(), verb)(timeout=5)
    assert world.argvs == [line]
    assert world.executor.commands[0].cwd == world.repo
    assert (result.op, result.returncode, result.ok) == (f"git_{verb}", 0, True)


def test_push_sends_the_branch_that_was_asked_for_to_the_remote_that_was_asked_for(
    world: World,
) -> None:
    world.serve()
    world.client().push("topic", remote="upstream")
    world.client().push(branch="HEAD")
    assert world.argvs == ["git push upstream topic", "git push origin HEAD"]


def test_a_branch_is_never_taken_for_a_remote(world: World) -> None:
    world.serve()
    with pytest.raises(RelayValidationError, match="<remote>, <branch>"):
        world.client().request("git_push", ["main"])
    assert world.argvs == []


def test_a_non_zero_returncode_is_a_result(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"rejected\n", returncode=1))
    world.serve()
    result = world.client().push()
    assert (result.returncode, result.stdout, result.ok) == (1, "rejected\n", False)


def test_the_module_level_request_does_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.repo)
    from aexp.airgapped.client import request as module_request

    assert airgapped.request is module_request
    with pytest.raises(RelayDownError, match="nothing was sent"):
        airgapped.request("git_pull", queue=str(world.home / "q"), cwd=world.repo, timeout=1)


def test_output_that_is_not_text_does_not_lose_the_answer(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"caf\xe9 \xff\n"))
    world.serve()
    assert world.client().status().stdout == "caf\ufffd \ufffd\n"


def test_the_log_holds_the_command_and_the_output(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"one\ntwo\n", duration_s=3))
    world.serve()
    result = world.client().status()
    log = world.storage.read(layout.log(result.request_id)).decode()
    assert log == f"$ git status --porcelain=v2  (cwd={world.repo})\none\ntwo\n"
    assert 3.0 <= result.duration_s < 4.0


def test_the_log_grows_while_the_command_runs(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"working\n", duration_s=60))
    world.serve()
    handle = world.client().submit("git_fetch")
    world.pass_time(2)
    assert handle.state is State.RUNNING
    assert b"working" in world.storage.read(layout.log(handle.id))


def test_a_mistake_is_an_error_at_once_and_nothing_is_sent(world: World) -> None:
    world.serve()
    for op, args in [("git_clone", []), ("git_push", ["--force", "main"]), ("git_pull", ["x"])]:
        with pytest.raises(RelayValidationError):
            world.client().submit(op, args)
    assert world.names("inbox") == []


def test_text_is_not_taken_for_a_list_of_letters(world: World) -> None:
    with pytest.raises(RelayValidationError, match="not a list"):
        world.client().submit("git_push", "origin")


def test_a_folder_that_is_not_there_is_an_error_at_once(world: World) -> None:
    world.serve()
    with pytest.raises(RelayValidationError, match="does not exist"):
        world.client(cwd=world.home / "nowhere").pull()


def test_the_daemon_validates_again(world: World) -> None:
    world.serve()
    world.leave(ID, {"op": "git_push", "args": ["--force", "origin"], "cwd": str(world.repo)})
    world.pass_time(1)
    answer = world.answer(ID)
    assert (answer.status, answer.final_state) == ("validation", State.INVALID)
    assert "begins with '-'" in (answer.error or "")
    with pytest.raises(RelayValidationError, match=r"args\[0\]") as caught:
        world.client().handle(ID).result()
    assert caught.value.field == "args[0]"
    assert caught.value.request_id == ID


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"{" * 9000, b'{"op": NaN}', b"x" * 100_000])
def test_a_file_that_is_no_request_is_answered_and_the_daemon_goes_on(
    world: World, raw: bytes
) -> None:
    world.serve()
    world.leave(ID, None, raw=raw)
    world.pass_time(1)
    assert world.answer(ID).status == "validation"
    assert world.client().status().ok
    assert world.names("processing") == []


def test_files_that_are_not_named_like_requests_are_left_alone(world: World) -> None:
    world.serve()
    for name in (f"{ID}.json.tmp", "README", f"{ID} .json"):
        world.storage.put(f"inbox/{name}", b"{}")
    world.pass_time(2)
    assert len(world.names("inbox")) == 3
    assert world.names("outbox") == []


def test_the_same_id_again_is_set_aside_and_never_run_twice(world: World) -> None:
    world.serve()
    body = {"op": "git_pull", "args": [], "cwd": str(world.repo)}
    world.leave(ID, body)
    world.pass_time(1)
    world.leave(ID, body)
    world.pass_time(1)
    assert world.argvs == ["git pull --ff-only"]
    assert len(world.names("bad")) == 1


def test_requests_that_arrive_together_run_in_the_order_of_submission(world: World) -> None:
    world.serve()
    # Left in the queue in the opposite order, so that the order of the listing cannot help.
    for number, op in reversed([*enumerate(["git_fetch", "git_pull", "git_status", "git_rebase"])]):
        body = {
            "op": op,
            "args": [],
            "cwd": str(world.repo),
            "submitted_at": world.clock.wall() + number,
        }
        world.leave(f"{9 - number}" * 32, body)
    world.pass_time(10)
    assert [line.split()[1] for line in world.argvs] == ["fetch", "pull", "status", "pull"]


def test_one_working_copy_runs_one_command_at_a_time(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=5))
    world.serve()
    (world.repo / "src").mkdir()
    handles = [
        world.client(cwd=cwd).submit("git_fetch") for cwd in (world.repo, world.repo / "src")
    ]
    world.pass_time(20)
    first, second = world.executor.executions
    assert first.ended_at is not None
    assert second.started_at >= first.ended_at
    assert all(handle.done() for handle in handles)


def test_other_working_copies_do_not_wait(home: Path) -> None:
    world = World(home, lambda command: Plan(duration_s=40 if command.cwd.name == "repo" else 0))
    world.serve()
    (home / "other/.git").mkdir(parents=True)
    slow = world.client().submit("git_fetch")
    assert world.client(cwd=home / "other").status(timeout=2).ok
    assert not slow.done()


def test_no_more_than_the_limit_run_at_once(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=5))
    world.serve()
    for number in range(10):
        (home / f"copy{number}/.git").mkdir(parents=True)
        world.client(cwd=home / f"copy{number}").submit("git_fetch")
    world.pass_time(2)
    assert len(world.executor.executions) == 4
    world.pass_time(20)
    assert len(world.names("outbox")) == 10


def test_the_beat_goes_on_whatever_runs(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=500))
    world.serve()
    world.client().submit("git_fetch")
    seen = set()
    for _ in range(60):
        world.pass_time(1)
        beat = world.queue.beat()
        assert beat is not None
        seen.add(beat.facts["seq"])
    assert len(seen) >= 12


def test_the_beat_has_the_originals_three_keys_and_ours(world: World) -> None:
    world.serve()
    beat = world.queue.beat()
    assert beat is not None
    assert {"ts_monotonic", "wall", "pid", "daemon", "seq", "host", "interval", "proto"} <= set(
        beat.facts
    )


def test_without_a_daemon_nothing_is_sent(world: World) -> None:
    with pytest.raises(RelayDownError, match="aexp relay serve") as caught:
        world.client().pull()
    assert caught.value.request_id is None
    assert world.names("inbox") == []


def test_a_dead_daemon_is_noticed_and_the_request_withdrawn(world: World) -> None:
    world.serve()
    world.kill()
    began = world.clock.monotonic()
    with pytest.raises(RelayDownError, match="withdrawn and will not run") as caught:
        world.client(timeout=300).pull()
    assert 30 <= world.clock.monotonic() - began < 35
    world.serve()
    world.pass_time(5)
    assert world.argvs == []
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


def test_a_request_that_was_taken_up_by_a_daemon_that_died_may_have_run(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=900))
    world.serve()
    handle = world.client(timeout=300).submit("git_push", ["origin", "HEAD"])
    world.pass_time(2)
    world.kill()
    with pytest.raises(RelayDownError, match="may have run"):
        handle.result()


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
    assert world.argvs == []


def test_a_running_request_is_ended_with_term_and_then_kill(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=900, stubborn=True))
    world.serve()
    handle = world.client().submit("git_fetch")
    world.pass_time(1)
    assert handle.cancel() is False
    with pytest.raises(RelayCancelledError, match="was cancelled after"):
        handle.result(30)
    (execution,) = world.executor.executions
    assert execution.signals[:2] == ["TERM", "KILL"]
    assert world.names("cancel") == []


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


def test_an_operation_ends_at_its_time_limit(home: Path) -> None:
    world = World(home, lambda _: Plan(output=b"partial\n", duration_s=10_000))
    world.serve()
    with pytest.raises(RelayTimeLimitError, match="its time limit"):
        world.client().status(timeout=200)
    (execution,) = world.executor.executions
    assert execution.signals == ["TERM"]
    assert world.answer(world.names("outbox")[0].removesuffix(".json")).stdout == "partial\n"


def test_a_program_that_is_not_installed_is_told_apart(home: Path) -> None:
    world = World(home, lambda _: Plan(missing=True))
    world.serve()
    with pytest.raises(RelayStartError, match="not installed"):
        world.client().pull()
    with pytest.raises(RelayCrashedError):
        world.client().pull()


def test_a_request_older_than_a_day_expires_and_does_not_run(world: World) -> None:
    world.leave(ID, {"op": "git_push", "args": ["origin", "main"], "cwd": str(world.repo),
                     "submitted_at": world.clock.wall() - 25 * 3600})  # fmt: skip
    world.serve()
    world.pass_time(1)
    assert world.answer(ID).final_state is State.EXPIRED
    assert world.answer(ID).status == "timeout"
    assert world.argvs == []


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


def test_a_very_long_output_is_cut_in_the_answer_and_whole_in_the_log(home: Path) -> None:
    noise = b"x" * 3_000_000

    def plan(_: Command) -> Plan:
        return Plan(output=noise)

    world = World(home, plan)
    world.serve()
    result = world.client().status()
    assert len(result.stdout) < 1_100_000
    assert f"log/{result.request_id}.txt" in result.stdout
    assert len(world.storage.read(layout.log(result.request_id))) > len(noise)
