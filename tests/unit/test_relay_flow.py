"""A request's way through the whole relay, in one thread and in virtual time."""

from pathlib import Path

import pytest

from aexp import airgapped
from aexp.adapters.executor.recording import Plan
from aexp.airgapped import (
    ALLOWED,
    RelayCancelledError,
    RelayCrashedError,
    RelayDownError,
    RelayStartError,
    RelayTimeLimitError,
    RelayValidationError,
    State,
)
from aexp.domain import layout
from aexp.ports.executor import Command
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("verb", "line"),
    [
        ("pull", "git_pull"),
        ("push", "git_push origin HEAD"),
        ("fetch", "git_fetch"),
        ("status", "git_status"),
        ("rebase", "git_rebase"),
    ],
)
def test_each_verb_runs_its_one_command_in_the_clients_folder(
    world: World, verb: str, line: str
) -> None:
    world.serve()
    result = getattr(world.client(), verb)(timeout=5)
    assert world.ran == [line]
    assert world.executor.commands[0].cwd == world.repo
    assert (result.op, result.returncode, result.ok) == (f"git_{verb}", 0, True)


def test_push_sends_the_branch_that_was_asked_for_to_the_remote_that_was_asked_for(
    world: World,
) -> None:
    world.serve()
    world.client().push("topic", remote="upstream")
    world.client().push(branch="HEAD")
    assert world.ran == ["git_push upstream topic", "git_push origin HEAD"]


def test_a_branch_is_never_taken_for_a_remote(world: World) -> None:
    world.serve()
    with pytest.raises(RelayValidationError, match="<remote>, <branch>"):
        world.client().request("git_push", ["main"])
    assert world.ran == []


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
    line = " ".join(ALLOWED["git_status"].argv(()))
    assert log == f"$ {line}  (cwd={world.repo})\none\ntwo\n"
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
    assert world.ran == ["git_pull"]
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
    assert world.ran == ["git_fetch", "git_pull", "git_status", "git_rebase"]


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
    with pytest.raises(RelayDownError, match="nothing was sent") as caught:
        world.client().pull()
    assert caught.value.request_id is None
    assert world.names("inbox") == []


def test_a_request_that_was_taken_up_by_a_daemon_that_died_may_have_run(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=900))
    world.serve()
    handle = world.client(timeout=300).submit("git_push", ["origin", "HEAD"])
    world.pass_time(2)
    world.kill()
    with pytest.raises(RelayDownError, match="may have run"):
        handle.result()


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
    assert world.ran == []


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
