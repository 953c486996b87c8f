"""What a request would do is looked at first, compared with what is remembered, and asked about."""

from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.airgapped import (
    RelayExpiredError,
    RelayHandle,
    RelayRejectedError,
    RelayValidationError,
    State,
)
from aexp.airgapped.approval import approve, reject, waiting_requests
from aexp.airgapped.waiting_notes import read_note
from aexp.domain import layout, wire
from aexp.domain.destinations import Destination
from aexp.domain.limits import Limits
from aexp.domain.petition import Petition
from aexp.domain.preview import CommitLine, Preview
from aexp.ports.executor import Command
from aexp.ports.workshop import Order, Survey
from tests.world import World

HOME_URL = "https://git.example.org/a.git"
EVIL_URL = "https://evil.example.net/a.git"


class Remote:
    """A working copy whose remote leads where the test says."""

    def __init__(self, world: World, url: str = HOME_URL) -> None:
        self.url = url
        world.workshop._find = self.find

    def find(self, order: Order, plain: Survey) -> Survey:
        if order.op == "git_status":
            return plain
        going = Destination("origin", "fetch", self.url)
        return replace(plain, destinations=(going,), configured=(going,))


@pytest.fixture
def remote(world: World) -> Remote:
    """A remote that was used once; a daemon serves."""
    made = Remote(world)
    world.serve()
    assert world.client().pull().ok
    return made


def submitted(world: World, op: str = "git_pull") -> RelayHandle:
    handle = world.client().submit(op)
    world.pass_time(1)
    return handle


def test_the_first_use_is_remembered_and_the_next_one_asks_nobody(
    world: World, remote: Remote
) -> None:
    assert world.pins.known(world.repo) == (Destination("origin", "fetch", HOME_URL),)
    assert world.client().pull().ok
    assert world.ran == ["git_pull", "git_pull"]


def test_a_changed_url_waits_for_a_person_who_sees_both(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    assert handle.state is State.PENDING
    petition = read_note(world.storage, handle.id)["petition"]
    (line,) = petition["destinations"]
    assert line == f"origin (fetch): {EVIL_URL} - CHANGED, before: {HOME_URL}"
    assert petition["reason"] == "another URL than before: origin"
    assert world.ran == ["git_pull"]


def test_an_approved_url_runs_and_is_remembered(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok
    assert world.client().pull().ok
    assert world.pins.known(world.repo) == (Destination("origin", "fetch", EVIL_URL),)


def test_a_refused_url_is_neither_used_nor_remembered(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    reject(world.queue, handle.id, "no")
    with pytest.raises(RelayRejectedError):
        handle.result()
    assert world.pins.known(world.repo) == (Destination("origin", "fetch", HOME_URL),)


def test_what_would_be_done_may_not_change_after_it_was_shown(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    remote.url = "https://worse.example.net/a.git"
    approve(world.queue, handle.id, world.clock)
    with pytest.raises(RelayRejectedError, match="has changed since"):
        handle.result()
    assert world.ran == ["git_pull"]


def test_a_url_that_is_changed_back_runs_without_further_words(
    world: World, remote: Remote
) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    remote.url = HOME_URL
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok


def test_strict_asks_at_the_first_use(home: Path) -> None:
    world = World(home, strict=True)
    Remote(world)
    world.serve()
    handle = submitted(world)
    assert handle.state is State.PENDING
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok
    assert world.client().pull().ok


def test_a_person_agrees_only_to_what_they_saw(home: Path) -> None:
    world = World(home, strict=True)
    remote = Remote(world)
    other = Destination("leak", "push", EVIL_URL)
    world.workshop._find = lambda order, plain: replace(
        remote.find(order, plain), configured=(other,)
    )
    world.serve()
    handle = submitted(world)
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok
    assert other not in world.pins.known(world.repo)


def test_the_url_that_was_judged_is_the_one_that_is_started(world: World, remote: Remote) -> None:
    survey = world.executor.commands[0].survey
    assert survey is not None
    assert [one.url for one in survey.destinations] == [HOME_URL]


def test_people_can_see_where_working_copies_lead(world: World, remote: Remote) -> None:
    world.pass_time(10)
    shown = wire.decode(world.storage.read(layout.DESTINATIONS))["destinations"]
    assert shown == [f"{world.repo}: origin (fetch): {HOME_URL}"]


def test_what_needs_no_program_is_answered_at_once(world: World) -> None:
    world.workshop._find = lambda order, plain: replace(plain, done="Nothing to sync.\n")
    world.serve()
    result = world.client().wandb_sync()
    assert (result.returncode, result.stdout) == (0, "Nothing to sync.\n")
    assert world.ran == []


def test_what_was_not_used_stands_in_the_result(world: World) -> None:
    notice = "hooks of the repository do not run in the relay"
    world.workshop._find = lambda order, plain: replace(plain, notices=(notice,))
    world.serve()
    result = world.client().status()
    assert (result.notices, result.consent) == ((notice,), "file (forgeable)")


def test_a_survey_that_says_no_is_an_answer(world: World) -> None:
    def refuse(order: Order, plain: Survey) -> Survey:
        raise RelayValidationError("cwd", "sets core.sshcommand", "a repository without it")

    world.workshop._find = refuse
    world.serve()
    with pytest.raises(RelayValidationError, match=r"sets core\.sshcommand"):
        world.client().pull()


def test_a_token_in_a_url_is_shown_to_nobody(world: World) -> None:
    Remote(world, "https://ada:Zq3vX9kLm2Rt7Yw5@git.example.org/a.git")
    world.serve()
    assert world.client().pull().ok
    world.pass_time(10)
    assert b"Zq3vX9kLm2Rt7Yw5" not in world.storage.read(layout.DESTINATIONS)


def test_no_more_may_wait_for_a_person_than_is_allowed(home: Path) -> None:
    world = World(home, limits=Limits(pending=3, pending_per_copy=2))
    world.serve()
    waiting = [submitted(world, "wandb_sync") for _ in range(3)]
    assert [handle.state for handle in waiting[:2]] == [State.PENDING] * 2
    with pytest.raises(RelayRejectedError, match="2 requests of this working copy wait"):
        waiting[2].result()
    other = home / "other"
    (other / ".git").mkdir(parents=True)
    assert world.client(other).submit("wandb_sync").id
    world.pass_time(1)
    with pytest.raises(RelayRejectedError, match="3 requests wait for a person already"):
        world.client(other).submit("wandb_sync").result()
    reject(world.queue, waiting[0].id)
    world.pass_time(1)
    assert submitted(world, "wandb_sync").state is State.PENDING


def test_an_approval_that_does_not_come_to_its_turn_expires(home: Path) -> None:
    def plan(command: Command) -> Plan:
        return Plan(duration_s=590.0 if command.op == "git_fetch" else 0.0)

    world = World(home, plan)
    world.serve()
    for _ in range(8):
        world.client().submit("git_fetch", coalesce=False)
    handle = submitted(world, "wandb_sync")
    approve(world.queue, handle.id, world.clock)
    world.pass_time(5000, step=4)
    with pytest.raises(RelayExpiredError, match="did not come to its turn"):
        handle.result()
    assert "wandb_sync" not in world.ran


def test_what_a_person_is_asked_survives_a_restart(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    handle = submitted(world)
    before = read_note(world.storage, handle.id)
    world.serve(world.kill())
    world.pass_time(6)
    after = read_note(world.storage, handle.id)
    assert after["since"] == before["since"]
    assert after["digest"] != before["digest"], "an approval of the first waiting fits no other"
    assert [one.request_id for one in waiting_requests(world.queue)] == [handle.id]
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok


def test_a_planted_request_that_nobody_needs_to_be_asked_about_goes_the_usual_way(
    world: World,
) -> None:
    request_id = "c" * 32
    world.leave(request_id, {"op": "git_status", "args": [], "cwd": str(world.repo)})
    world.storage.take(f"inbox/{request_id}.json", f"pending/{request_id}.json")
    world.serve()
    world.pass_time(6)
    assert world.answer(request_id).status == "completed"


def test_what_cannot_be_shown_whole_is_refused(world: World) -> None:
    lines = tuple(f"line {number}" for number in range(1001))
    world.workshop._find = lambda order, plain: replace(plain, inventory=lines)
    world.serve()
    with pytest.raises(RelayValidationError, match="more than a person can be shown"):
        world.client().wandb_sync()


def test_a_secret_in_a_line_hides_nothing_of_what_follows_it(world: World, remote: Remote) -> None:
    remote.url = "ssh://git@evil.example.net/token=Zq3vX9kLm2Rt7Yw5/r.git"
    handle = submitted(world)
    (line,) = read_note(world.storage, handle.id)["petition"]["destinations"]
    assert "Zq3vX9kLm2Rt7Yw5" not in line
    assert line.endswith(f" - CHANGED, before: {HOME_URL}")


def test_a_defect_of_ours_fails_the_one_request_that_met_it(world: World) -> None:
    def broken(order: Order, plain: Survey) -> Survey:
        raise RecursionError("too deep")

    world.workshop._find = broken
    world.serve()
    with pytest.raises(RelayValidationError, match="met a defect of the relay"):
        world.client().pull()
    world.workshop._find = None
    assert world.client().pull().ok


# What would leave


class Branch(Remote):
    """A working copy whose branch is on a commit, and whose remote was moved."""

    def find(self, order: Order, plain: Survey) -> Survey:
        verb = "push" if order.op == "git_push" else "fetch"
        both = tuple(Destination("origin", one, self.url) for one in ("fetch", "push"))
        going = Destination("origin", verb, self.url)
        return replace(plain, destinations=(going,), configured=both)


@pytest.fixture
def branch(world: World) -> Branch:
    """A branch that a person is asked about, since its remote leads elsewhere now."""
    made = Branch(world)
    world.workshop.tips["main"] = "a" * 40
    world.serve()
    assert world.client().push("main").ok
    made.url = EVIL_URL
    return made


def pushed(world: World) -> RelayHandle:
    handle = world.client().submit("git_push", ["origin", "main"])
    world.pass_time(1)
    return handle


def test_nothing_is_looked_at_closely_unless_a_person_is_asked(
    world: World, branch: Branch
) -> None:
    assert world.workshop.previewed == []
    handle = pushed(world)
    assert world.workshop.previewed == [handle.id]


def test_an_approved_push_sends_the_commit_that_was_shown(world: World, branch: Branch) -> None:
    handle = pushed(world)
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok
    survey = world.executor.commands[-1].survey
    assert survey is not None
    assert survey.commit == "a" * 40
    assert f"{'a' * 40}:refs/heads/main" in world.executor.commands[-1].argv


def test_a_push_that_asks_nobody_sends_the_branch(world: World, branch: Branch) -> None:
    assert "refs/heads/main:refs/heads/main" in world.executor.commands[-1].argv


def test_another_commit_than_the_one_that_was_shown_is_not_pushed(
    world: World, branch: Branch
) -> None:
    handle = pushed(world)
    world.workshop.tips["main"] = "b" * 40
    approve(world.queue, handle.id, world.clock)
    with pytest.raises(RelayRejectedError, match="has changed since"):
        handle.result()
    assert world.ran == ["git_push origin main"]


def test_what_only_asks_a_remote_says_so(world: World, remote: Remote) -> None:
    remote.url = EVIL_URL
    petition = read_note(world.storage, submitted(world).id)["petition"]
    assert petition["preview"]["summary"] == "ids of commits"
    assert "no commit and no file" in petition["inventory"][0]
    (listed,) = waiting_requests(world.queue)
    assert listed.summary == "ids of commits"


def test_a_secret_in_what_is_shown_is_taken_out_and_still_bound(
    world: World, branch: Branch
) -> None:
    token = "ghp_" + "Ab1" * 12

    def previewed(subject: str) -> Petition:
        line = CommitLine("a" * 40, "", subject)
        found = Preview(commit="a" * 40, branch="main", commits=(line,), commit_count=1)
        world.workshop._find = lambda order, plain: replace(
            branch.find(order, plain), preview=found, inventory=found.inventory
        )
        note = read_note(world.storage, pushed(world).id)
        return Petition.from_dict(note["petition"])

    one, two = map(previewed, (f"use {token}", f"use {token[:-1]}c"))
    assert token not in str(one.to_dict())
    assert one.preview is not None
    assert "[redacted]" in one.preview.commits[0].subject
    assert one.bound != two.bound
