"""Equal requests that have not started share one run; each still gets its own answer, exactly one."""

from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.airgapped import RelayCancelledError, RelayHandle, RelayStartError
from aexp.ports.executor import Command
from tests.world import World

SLOW = 60.0


def busy(home: Path, plan: Plan | None = None) -> tuple[World, RelayHandle]:
    """A relay in which a pull runs for a minute, so that what is submitted now waits."""

    def planned(command: Command) -> Plan:
        return Plan(duration_s=SLOW) if command.op == "git_pull" else plan or Plan(b"## main\n")

    world = World(home, planned)
    world.serve()
    first = world.client().submit("git_pull")
    world.pass_time(1)
    return world, first


@pytest.mark.parametrize("op", ["git_status", "git_fetch"])
def test_what_only_reads_is_run_once_for_all_that_wait(home: Path, op: str) -> None:
    world, _ = busy(home)
    handles = [world.client().submit(op) for _ in range(5)]
    world.pass_time(SLOW + 2)
    results = [handle.result(5) for handle in handles]
    assert world.ran == ["git_pull", op]
    assert [result.stdout for result in results] == ["## main\n"] * 5
    assert {result.request_id for result in results} == {handle.id for handle in handles}
    assert "one run answered 5 requests" in results[0].notices[-1]
    assert world.names("processing") == []


@pytest.mark.parametrize("op", ["git_pull", "git_rebase"])
def test_what_changes_something_never_shares(home: Path, op: str) -> None:
    world, _ = busy(home)
    for _ in range(2):
        world.client().submit(op)
    world.client().submit("git_push", ["origin", "main"])
    world.client().submit("git_push", ["origin", "main"])
    world.pass_time(4 * SLOW)
    assert len(world.ran) == 5


def test_a_request_can_have_a_run_of_its_own(home: Path) -> None:
    world, _ = busy(home)
    alone = world.client().submit("git_status", coalesce=False)
    together = [world.client().submit("git_status") for _ in range(2)]
    world.pass_time(SLOW + 2)
    assert world.ran == ["git_pull", "git_status", "git_status"]
    assert alone.result(5).notices == ()
    assert all("answered 2 requests" in one.result(5).notices[-1] for one in together)


def test_another_folder_is_another_question(home: Path) -> None:
    world, _ = busy(home)
    below = world.repo / "below"
    below.mkdir()
    world.client().submit("git_status")
    world.client(cwd=below).submit("git_status")
    world.pass_time(SLOW + 2)
    assert [command.cwd for command in world.executor.commands] == [world.repo, world.repo, below]


def test_what_comes_after_the_start_is_not_answered_by_it(home: Path) -> None:
    world = World(home, lambda _: Plan(duration_s=10))
    world.serve()
    world.client().submit("git_status")
    world.pass_time(1)
    late = world.client().submit("git_status")
    world.pass_time(25)
    assert late.result(5).ok
    assert world.ran == ["git_status", "git_status"]


def test_one_of_several_can_be_cancelled_and_the_run_goes_on(home: Path) -> None:
    world = World(home, lambda _: Plan(b"done\n", duration_s=30))
    handles = []
    world.serve()
    blocked = world.client().submit("git_pull")
    handles = [world.client().submit("git_status") for _ in range(3)]
    world.pass_time(35)
    assert blocked.result(5).ok
    # The first gives the run its name; it can go like the others.
    for handle in handles[:2]:
        assert handle.cancel() is False
        world.pass_time(1)
        with pytest.raises(RelayCancelledError, match="goes on for others"):
            handle.result(5)
    assert world.executor.executions[-1].signals == []
    world.pass_time(30)
    assert handles[2].result(5).stdout == "done\n"


def test_the_last_one_that_is_cancelled_ends_the_run(home: Path) -> None:
    world, _ = busy(home, Plan(duration_s=300))
    handles = [world.client().submit("git_fetch") for _ in range(2)]
    world.pass_time(SLOW + 2)
    for handle in handles:
        handle.cancel()
        world.pass_time(1)
    assert world.executor.executions[-1].signals == ["TERM"]
    assert world.names("processing") == []


def test_a_start_that_fails_is_told_to_each(home: Path) -> None:
    world, _ = busy(home, Plan(missing=True))
    handles = [world.client().submit("git_status") for _ in range(3)]
    world.pass_time(SLOW + 2)
    for handle in handles:
        with pytest.raises(RelayStartError, match="not installed"):
            handle.result(5)


def test_a_daemon_that_dies_answers_for_each_of_them(home: Path) -> None:
    world, _ = busy(home, Plan(duration_s=300))
    handles = [world.client().submit("git_fetch") for _ in range(3)]
    world.pass_time(SLOW + 2)
    world.serve(world.kill())
    world.pass_time(5)
    assert {world.answer(handle.id).status for handle in handles} == {"crashed"}
    assert world.ran == ["git_pull", "git_fetch"]


def test_the_switch_is_true_or_false(world: World) -> None:
    world.serve()
    body = {"op": "git_status", "args": [], "cwd": str(world.repo), "coalesce": "yes"}
    world.leave("0" * 32, body)
    world.pass_time(1)
    assert "coalesce is text" in (world.answer("0" * 32).error or "")
    assert world.ran == []
