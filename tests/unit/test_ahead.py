"""Who waits on whom, from what the queue shows."""

from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.airgapped.ahead import copy_of, most_at_once, open_requests, request_of, with_waits
from aexp.airgapped.inspection import RequestView
from aexp.domain.consent import State
from tests.world import World


def waits(world: World) -> dict[str, tuple[str | None, str | None]]:
    """Each open request by its operation: what it waits for, and behind which."""
    views = open_requests(world.queue, world.filesystem)
    ops = {view.request_id: view.op for view in views}
    return {view.op: (view.waits_for, ops.get(view.behind or "")) for view in views}


def busy(home: Path) -> World:
    world = World(home, lambda _: Plan(duration_s=900))
    world.serve()
    return world


def test_what_runs_waits_for_nothing_and_the_rest_of_its_folder_for_it(home: Path) -> None:
    world = busy(home)
    for op in ("git_fetch", "git_pull", "git_rebase"):
        world.client().submit(op)
        world.pass_time(1)
    behind = ("request", "git_fetch")
    assert waits(world) == {
        "git_fetch": (None, None), "git_pull": behind, "git_rebase": behind,
    }  # fmt: skip


def test_a_folder_below_the_working_copy_is_the_same_working_copy(home: Path) -> None:
    world = busy(home)
    (world.repo / "src").mkdir()
    (world.repo / "docs").mkdir()
    world.client(world.repo / "src").submit("git_fetch")
    world.pass_time(1)
    world.client(world.repo / "docs").submit("git_pull")
    world.pass_time(1)
    assert waits(world)["git_pull"] == ("request", "git_fetch")


def test_who_waits_for_a_person_and_for_the_daemon(home: Path) -> None:
    world = busy(home)
    world.client().submit("wandb_sync")
    world.pass_time(1)
    world.clock.tick = None
    world.client().submit("git_status")
    assert waits(world) == {"wandb_sync": ("person", None), "git_status": ("daemon", None)}


def test_where_as_many_run_as_may_the_next_one_waits_for_a_slot(home: Path) -> None:
    world = busy(home)
    for number in range(5):
        copy = home / f"copy{number}"
        (copy / ".git").mkdir(parents=True)
        world.client(copy).submit("git_pull" if number < 4 else "git_fetch")
        world.pass_time(1)
    assert most_at_once(world.queue) == 4
    assert waits(world)["git_fetch"] == ("slot", None)


def test_requests_that_share_a_run_take_one_place() -> None:
    shared = [
        RequestView(f"{number:032x}", State.RUNNING, "git_status", cwd="/home/a/x", when=1.0)
        for number in range(9)
    ]
    waiting = RequestView("f" * 32, State.APPROVED, "git_pull", cwd="/home/a/y", when=2.0)
    found = with_waits([*shared, waiting], lambda cwd: cwd, most=2)
    assert found[-1].waits_for == "daemon"
    assert with_waits([*shared, waiting], lambda cwd: cwd, most=1)[-1].waits_for == "slot"


def test_of_those_that_wait_in_a_folder_the_first_waits_for_no_other() -> None:
    one, two = (
        RequestView(name * 32, State.APPROVED, "git_pull", cwd="/home/a/x", when=when)
        for name, when in (("a", 2.0), ("b", 1.0))
    )
    found = {view.request_id[0]: view for view in with_waits([one, two], lambda cwd: cwd, most=4)}
    assert (found["b"].waits_for, found["b"].behind) == ("daemon", None)
    assert (found["a"].waits_for, found["a"].behind) == ("request", "b" * 32)


@pytest.mark.parametrize("cwd", ["/", "", "not absolute", "/etc", "x" * 5000])
def test_a_folder_that_is_none_of_ours_stands_for_itself(home: Path, cwd: str) -> None:
    assert Path(copy_of(LocalFilesystem())(cwd)) == Path(cwd)


def test_one_request_is_shown_with_what_it_waits_for(home: Path) -> None:
    world = busy(home)
    first = world.client().submit("git_fetch")
    second = world.client().submit("git_pull")
    world.pass_time(1)
    assert request_of(world.queue, second.id, world.filesystem).behind == first.id
    assert request_of(world.queue, first.id, world.filesystem).waits_for is None
