"""Several daemons on several nodes serve one queue: each request once, whoever has it, and whoever dies."""

import dataclasses
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import (
    RelayCrashedError,
    RelayDownError,
    RelayRejectedError,
    State,
)
from aexp.airgapped.ahead import open_requests
from aexp.airgapped.inspection import daemon_view
from aexp.airgapped.owners import Owners
from aexp.airgapped.standing import facts_of
from aexp.domain import layout, wire
from aexp.domain.destinations import Destination
from aexp.domain.limits import Limits
from tests.crowd import Crowd, DeskAtLogin
from tests.world import World

FOUR = ("login1", "login2", "login3", "login4")
LONG = Plan(output=b"half\n", duration_s=900)


def submitted(crowd: Crowd, count: int, op: str = "git_push", copies: int = 0) -> list[str]:
    """The ids of requests that were left at once, each in a working copy of its own unless told otherwise."""
    ids = []
    for number in range(count):
        where = crowd.copy(f"copy{number % copies if copies else number}")
        client = crowd.any.client(where)
        ids.append(client.submit(op, ["origin", "HEAD"] if op == "git_push" else []).id)
    return ids


def finals(crowd: Crowd, ids: list[str]) -> Counter[State]:
    """How the requests ended."""
    return Counter(crowd.any.answer(one).final_state for one in ids)


def test_four_daemons_serve_at_once_and_each_request_runs_once(home: Path) -> None:
    crowd = Crowd(home, *FOUR, plan=lambda _: Plan(duration_s=2))
    ids = submitted(crowd, 60)
    crowd.pass_time(30)
    assert crowd.started == sorted(ids)
    assert finals(crowd, ids) == {State.COMPLETED: 60}
    assert all(ran for ran in crowd.ran.values()), "every daemon had its share"
    assert crowd.storage.list(layout.PROCESSING) == []
    assert not [one for one in crowd.storage.list(layout.LEASE) if one.startswith("copy-")]


def test_a_queue_that_is_not_shared_has_one_daemon_as_before(home: Path) -> None:
    world = World(home)
    world.serve()
    assert world.storage.list(layout.LEASE) == ["00000001"]
    world.client().pull()
    assert world.storage.list(layout.STARTED) == []


def test_a_busy_daemon_leaves_the_rest_to_others(home: Path) -> None:
    crowd = Crowd(home, "login1", plan=lambda _: LONG)
    submitted(crowd, 40)
    crowd.pass_time(5)
    assert len(crowd.storage.list(layout.PROCESSING)) == 4, "what it runs, and no more"
    assert len(crowd.storage.list(layout.INBOX)) == 36
    late = crowd.join("login2")
    crowd.pass_time(2)
    assert len(late.ran) == 4


def test_more_than_may_wait_are_refused_with_several_as_well(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: LONG, limits=Limits(ready=20))
    ids = submitted(crowd, 100)
    crowd.pass_time(5)
    assert len(crowd.storage.list(layout.INBOX)) <= 20
    refused = [one for one in ids if one in crowd.answered()]
    assert refused
    assert finals(crowd, refused) == {State.REJECTED: len(refused)}


def test_a_working_copy_has_one_run_at_a_time_whichever_daemons_have_its_requests(
    home: Path,
) -> None:
    crowd = Crowd(home, *FOUR, plan=lambda _: Plan(duration_s=3))
    ids = submitted(crowd, 8, copies=1)
    crowd["login1"].stop()
    crowd.join("login5")
    most = 0
    for _ in range(400):
        crowd.pass_time(0.1, 0.1)
        running = [one for node in crowd.nodes.values() for one in node.executor.executions]
        most = max(most, sum(one.poll() is None for one in running))
    assert most == 1
    assert finals(crowd, ids) == {State.COMPLETED: 8}
    assert sum(1 for ran in crowd.ran.values() if ran) > 1, "more than one daemon had some of them"


def test_a_dead_daemon_on_another_node_is_taken_over_by_one_other(home: Path) -> None:
    crowd = Crowd(home, *FOUR, plan=lambda _: LONG)
    ids = submitted(crowd, 8)
    crowd.pass_time(2)
    tokens = layout.tokens_in(crowd.storage.list(layout.PROCESSING))
    dead = crowd["login2"].me
    ran = [token.request_id for token in tokens if (token.owner, token.stage) == (dead, "run")]
    crowd["login2"].die()
    crowd.pass_time(40)
    assert not [one for one in ran if one in crowd.answered()], "not before it is known to be dead"
    crowd.pass_time(30)
    assert ran
    assert finals(crowd, ran) == {State.CRASHED: len(ran)}
    with pytest.raises(RelayCrashedError, match="not known"):
        crowd.any.client().handle(ran[0]).result(1)
    crowd.pass_time(1000)
    assert crowd.started == sorted(ids), "nothing was run again"
    assert sorted(crowd.answered()) == sorted(ids)


def test_a_dead_daemons_claims_run_elsewhere(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=20))
    ids = submitted(crowd, 16, copies=2)
    crowd.pass_time(1)
    claims = [
        token.request_id
        for token in layout.tokens_in(crowd.storage.list(layout.PROCESSING))
        if (token.owner, token.stage) == (crowd["login1"].me, "claim")
    ]
    crowd["login1"].die()
    crowd.pass_time(200)
    assert claims
    assert finals(crowd, claims) == {State.COMPLETED: len(claims)}
    assert crowd.started == sorted(ids)


def test_on_its_own_node_a_dead_daemon_is_noticed_at_once(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: LONG)
    ids = submitted(crowd, 8)
    crowd.pass_time(1)
    crowd["login1"].die()
    crowd["login1"].start()
    crowd.pass_time(7)
    assert finals(crowd, crowd.answered()) == {State.CRASHED: 4}
    assert set(crowd.answered()) < set(ids)


def test_one_that_stood_still_and_was_taken_for_dead_does_no_harm(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=100))
    ids = submitted(crowd, 16, copies=4)
    crowd.pass_time(1)
    ran = crowd["login1"].ran
    paused, crowd["login1"].daemon = crowd["login1"].daemon, None
    crowd.pass_time(70)
    crowd["login1"].daemon = paused
    crowd.pass_time(400)
    assert sorted(crowd.answered()) == sorted(ids)
    assert crowd.started == sorted(ids), "what was adopted ran there, and nowhere else"
    assert ran
    assert finals(crowd, ids)[State.CRASHED] == len(ran)
    assert crowd["login1"].client().pull(timeout=200).ok


def test_what_was_taken_from_one_that_stood_still_comes_back_when_the_taker_dies(
    home: Path,
) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=60))
    copy = crowd.copy("repo")
    handles = [crowd.any.client(cwd=copy).submit("git_push", ["origin", f"b{n}"]) for n in (1, 2)]
    crowd.pass_time(2)
    (claim,) = [
        token
        for token in layout.tokens_in(crowd.storage.list(layout.PROCESSING))
        if token.stage == "claim"
    ]
    # Another takes it, in whose eyes this one is dead (a full disk, a long pause), and then ends itself.
    other = layout.Token(claim.request_id, "login9-9-9-0badf00d", "claim")
    assert crowd.storage.take(claim.name, other.name)
    crowd.pass_time(300)
    assert crowd.storage.list(layout.BAD) == [], "it is the only file of the request"
    assert finals(crowd, [handle.id for handle in handles]) == {State.COMPLETED: 2}
    assert crowd.started == sorted(handle.id for handle in handles)


def test_a_file_that_was_left_twice_runs_once(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=5))
    (request_id,) = submitted(crowd, 1)
    body = crowd.storage.read(layout.inbox(request_id))
    for _ in range(60):
        # A client whose first reply was lost leaves it again, whenever it has been taken away.
        crowd.storage.put_new(layout.inbox(request_id), body)
        crowd.pass_time(0.2, 0.1)
    crowd.pass_time(5)
    assert crowd.started == [request_id]
    assert crowd.storage.list(layout.PROCESSING) == []
    assert crowd.storage.list(layout.INBOX) == []


def test_of_two_owners_of_one_request_the_first_to_start_has_it(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=5))
    (request_id,) = submitted(crowd, 1)
    body = crowd.storage.read(layout.inbox(request_id))
    for node in crowd.nodes.values():
        name = layout.Token(request_id, node.me, "claim").name
        crowd.storage.put(name, body)
    crowd.storage.remove(layout.inbox(request_id))
    crowd.pass_time(20)
    assert crowd.started == [request_id]
    assert crowd.any.answer(request_id).final_state is State.COMPLETED
    assert crowd.storage.list(layout.PROCESSING) == []
    assert len(crowd.storage.list(layout.BAD)) == 1


def test_what_a_stopping_daemon_gives_back_another_runs(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: Plan(duration_s=30))
    ids = submitted(crowd, 16, copies=8)
    crowd.pass_time(1)
    ran = crowd["login1"].ran
    crowd["login1"].stop()
    crowd.pass_time(400)
    ended = finals(crowd, ids)
    assert ended == {State.CRASHED: len(ran), State.COMPLETED: 16 - len(ran)}
    assert ran, "and was ended"
    assert crowd.started == sorted(ids)


@pytest.mark.parametrize("mark", [layout.APPROVED, layout.REJECTED])
def test_a_marker_is_heard_whoever_parked_the_request(home: Path, mark: str) -> None:
    crowd = Crowd(home, *FOUR)
    ids = submitted(crowd, 12, "wandb_sync")
    crowd.pass_time(8)
    assert len(crowd.storage.list(layout.PENDING)) == 12
    for one in ids:
        crowd.storage.put(f"{mark}/{one}", b"")
    crowd.pass_time(20)
    yes = mark == layout.APPROVED
    assert finals(crowd, ids) == {State.COMPLETED if yes else State.REJECTED: 12}
    assert crowd.started == (sorted(ids) if yes else [])
    assert crowd.storage.list(layout.WAITING) == []
    assert crowd.storage.list(mark) == []


def test_a_marker_counts_before_the_others_have_looked(home: Path) -> None:
    crowd = Crowd(home, *FOUR)
    ids = submitted(crowd, 12, "wandb_sync")
    while len(crowd.storage.list(layout.PENDING)) < 12:
        crowd.pass_time(0.1, 0.1)
    for one in ids:
        crowd.storage.put(f"{layout.APPROVED}/{one}", b"")
    crowd.pass_time(15)
    assert finals(crowd, ids) == {State.COMPLETED: 12}


def test_a_marker_that_was_there_before_counts_at_no_daemon(home: Path) -> None:
    crowd = Crowd(home, *FOUR)
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.storage.put(f"{layout.APPROVED}/{request_id}", b"")
    crowd.pass_time(60)
    assert crowd.storage.list(layout.PENDING) == [f"{request_id}.json"]
    assert crowd.started == []


def test_what_a_dead_daemon_asked_about_is_asked_by_another(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    ids = submitted(crowd, 6, "wandb_sync")
    crowd.pass_time(8)
    crowd["login1"].die()
    for one in ids:
        crowd.storage.put(f"{layout.APPROVED}/{one}", b"")
    crowd.pass_time(90)
    assert finals(crowd, ids) == {State.COMPLETED: 6}
    assert crowd.started == sorted(ids)


def test_a_changed_file_is_noticed_by_whoever_takes_it_over(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(8)
    body = wire.decode(crowd.storage.read(layout.pending(request_id)))
    evil = wire.encode({**body, "cwd": str(crowd.copy("evil"))})
    crowd.storage.put(layout.pending(request_id), evil)
    owner = wire.decode(crowd.storage.read(layout.waiting(request_id)))["daemon"]
    for node in crowd.nodes.values():
        if node.me == owner:
            node.die()
    crowd.pass_time(60)
    crowd.storage.put(f"{layout.APPROVED}/{request_id}", b"")
    crowd.pass_time(20)
    with pytest.raises(RelayRejectedError, match="changed while it waited"):
        crowd.any.client().handle(request_id).result(1)
    assert crowd.started == []


@pytest.mark.parametrize("here", ["login1", "login2"])
def test_at_the_socket_of_any_node_people_decide_on_all_that_waits(home: Path, here: str) -> None:
    crowd = Crowd(home, "login1", "login2", decisions=DeskAtLogin)
    ids = submitted(crowd, 8, "wandb_sync")
    crowd.pass_time(8)
    assert all(crowd[here].login_desk.say("approve", one) for one in ids[:4])
    assert all(crowd[here].login_desk.say("reject", one) for one in ids[4:])
    crowd.pass_time(8)
    assert finals(crowd, ids[:4]) == {State.COMPLETED: 4}
    assert finals(crowd, ids[4:]) == {State.REJECTED: 4}
    assert len(crowd[here].ran) == 4, "it runs where it was approved"
    assert crowd.storage.list(layout.WAITING) == []


def test_two_people_who_approve_on_two_nodes_start_it_once(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", decisions=DeskAtLogin)
    ids = submitted(crowd, 8, "wandb_sync")
    crowd.pass_time(8)
    for node in crowd.nodes.values():
        assert all(node.login_desk.say("approve", one) for one in ids)
    crowd.pass_time(10)
    assert crowd.started == sorted(ids)
    assert finals(crowd, ids) == {State.COMPLETED: 8}


def test_one_who_says_no_on_another_node_first_is_heard(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", decisions=DeskAtLogin)
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(8)
    crowd["login2"].login_desk.say("reject", request_id)
    crowd.pass_time(1)
    assert not crowd["login1"].login_desk.say("approve", request_id) or crowd.started == []
    crowd.pass_time(8)
    assert crowd.any.answer(request_id).final_state is State.REJECTED
    assert crowd.started == []


def test_the_note_of_a_request_stays_that_of_the_daemon_that_asked_first(home: Path) -> None:
    crowd = Crowd(home, *FOUR, decisions=DeskAtLogin)
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(1)
    before = crowd.storage.read(layout.waiting(request_id))
    crowd.pass_time(20)
    assert crowd.storage.read(layout.waiting(request_id)) == before


def test_a_grant_lets_go_what_waits_at_any_daemon_and_runs_it_where_it_was_given(
    home: Path,
) -> None:
    crowd = Crowd(home, "login1", "login2", decisions=DeskAtLogin)
    granting = crowd["login2"].login_desk.granting
    for node in crowd.nodes.values():
        node.workshop._find = lambda order, plain: replace(
            plain,
            root=order.cwd,
            destinations=(Destination("wandb", "sync", "https://api.example.org"),),
            inventory=("1 run", "run-1"),
        )
    offer = granting.offer("wandb_sync", str(crowd.copy("copy0")), 600.0)
    granting.give(offer.digest, keep=False, by="ada")
    ids = submitted(crowd, 3, "wandb_sync", copies=1)
    crowd.pass_time(30)
    assert finals(crowd, ids) == {State.COMPLETED: 3}
    assert crowd.ran["login1"] == []


def test_the_limit_on_what_waits_for_people_is_that_of_the_queue(home: Path) -> None:
    limits = Limits(pending=10, pending_per_copy=100)
    crowd = Crowd(home, *FOUR, limits=limits)
    ids = submitted(crowd, 40, "wandb_sync")
    crowd.pass_time(20)
    assert len(crowd.storage.list(layout.PENDING)) == 10
    assert finals(crowd, crowd.answered()) == {State.REJECTED: 30}
    crowd.pass_time(60)
    assert len(crowd.storage.list(layout.PENDING)) == 10, "what was asked about stays"
    assert len(ids) == 40


def test_a_request_is_cancelled_on_whatever_daemon_runs_it(home: Path) -> None:
    crowd = Crowd(home, *FOUR, plan=lambda _: LONG)
    ids = submitted(crowd, 12)
    crowd.pass_time(2)
    for one in ids:
        crowd.any.client().handle(one).cancel()
    crowd.pass_time(10)
    assert finals(crowd, ids) == {State.CANCELLED: 12}
    assert crowd.storage.list(layout.CANCEL) == []


def test_no_daemon_is_told_only_when_none_lives(home: Path) -> None:
    crowd = Crowd(home, *FOUR, plan=lambda _: Plan(duration_s=80))
    handles = [crowd.any.client(crowd.copy("a")).submit("git_pull")]
    crowd.pass_time(1)
    owner = layout.tokens_in(crowd.storage.list(layout.PROCESSING))[0].owner
    (serving,) = (node for node in crowd.nodes.values() if node.me == owner)
    for node in crowd.nodes.values():
        if node is not serving:
            node.die()
    assert handles[0].result(300).ok
    serving.die()
    handle = crowd.any.client().submit("git_pull")
    with pytest.raises(RelayDownError, match="withdrawn"):
        handle.result(200)


def test_a_client_beside_a_dead_daemon_that_beat_last_looks_at_the_others(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    crowd.pass_time(6)
    beside = crowd["login1"]
    beside.gpu = FakeProcesses("login1", pid=7)
    dead = beside.me
    beside.die()
    beside.gpu.dead.add(dead)
    beat = {"daemon": dead, "proto": 2, "wall": crowd.clock.wall(), "host": "login1", "pid": 1}
    crowd.storage.put(layout.HEARTBEAT, wire.encode(beat))
    client = beside.client()
    assert client.pull(timeout=60).ok
    assert client.daemon().up


def test_a_clean_end_of_the_one_that_beat_last_is_no_end_of_the_others(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    crowd.pass_time(6)
    crowd["login2"].stop()
    crowd.storage.remove(layout.HEARTBEAT)
    handle = crowd.any.client().submit("git_pull")
    crowd.storage.remove(layout.HEARTBEAT)
    assert handle.result(60).ok


def test_a_common_beat_that_stands_still_is_not_believed_against_a_living_one(home: Path) -> None:
    crowd = Crowd(home, "login1", plan=lambda _: Plan(duration_s=120))
    handle = crowd.any.client().submit("git_pull")
    crowd.pass_time(1)
    put, stale = crowd.storage.put, crowd.storage.read(layout.HEARTBEAT)

    def frozen(name: str, data: bytes, *, durable: bool = True) -> None:
        put(name, stale if name == layout.HEARTBEAT else data, durable=durable)

    crowd.storage.put = frozen  # type: ignore[method-assign]
    assert handle.result(300).ok


@pytest.mark.parametrize(
    "beat", [b"", b"{}\n", b"\xff" * 100, b'{"daemon": "x-1-1-00000000", "wall": 1e308}\n']
)
@pytest.mark.parametrize(
    "name", ["nobody.hb", "login9-1-1-00000000.hb", "x-1-1-00000000.hb", "..hb", "login1.hb"]
)
def test_a_beat_of_a_name_that_never_was_changes_nothing(
    home: Path, name: str, beat: bytes
) -> None:
    crowd = Crowd(home, "login1", "login2")
    crowd.storage.put(f"{layout.DAEMONS}/{name}", beat)
    crowd.pass_time(70)
    assert crowd.any.client().pull().ok
    assert crowd.any.client().daemon().up
    for node in crowd.nodes.values():
        node.die()
    handle = crowd.any.client().submit("git_pull")
    with pytest.raises(RelayDownError):
        handle.result(300)
    assert not crowd.any.client().daemon().up


def test_tokens_of_a_name_that_never_was_are_taken_over(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    (request_id,) = submitted(crowd, 1)
    body = crowd.storage.read(layout.inbox(request_id))
    crowd.storage.remove(layout.inbox(request_id))
    crowd.storage.put(f"processing/{request_id}.nobody-1-1-00000000.claim", body)
    crowd.pass_time(60)
    assert crowd.any.answer(request_id).final_state is State.COMPLETED
    assert crowd.started == [request_id]


def test_a_note_that_names_a_living_daemon_for_what_it_never_asked_counts_for_nothing(
    home: Path,
) -> None:
    crowd = Crowd(home, "login1", "login2")
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    body = crowd.storage.read(layout.inbox(request_id))
    crowd.storage.remove(layout.inbox(request_id))
    note = {"since": 0, "file": "0" * 64, "daemon": crowd["login2"].me}
    crowd.storage.put(layout.waiting(request_id), wire.encode(note))
    crowd.storage.put(f"{layout.APPROVED}/{request_id}", b"")
    crowd.storage.put(layout.pending(request_id), body)
    crowd.pass_time(30)
    assert crowd.started == []


def test_a_lock_of_a_daemon_that_died_holds_nobody_up(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: LONG)
    submitted(crowd, 1, copies=1)
    crowd.pass_time(1)
    (lock,) = crowd.storage.list(layout.LEASE)
    (owner,) = (node for node in crowd.nodes.values() if lock.endswith(node.me))
    owner.die()
    ids = submitted(crowd, 1, copies=1)
    crowd.pass_time(70)
    assert len(crowd.started) == 2
    assert ids[0] in crowd.started


def test_one_of_them_sweeps_at_a_time_and_all_is_swept(home: Path) -> None:
    crowd = Crowd(home, *FOUR)
    ids = submitted(crowd, 5, "git_fetch")
    crowd.pass_time(10)
    assert len(crowd.storage.list(layout.STARTED)) == 5
    crowd.pass_time(9 * 86400, 900.0)
    for folder in (layout.OUTBOX, layout.STARTED, layout.REPLIED, layout.LOG):
        assert crowd.storage.list(folder) == [], folder
    (ledger, *_) = sorted(crowd.storage.list(layout.SWEEP)) or [""]
    lines = crowd.storage.read(f"{layout.SWEEP}/{ledger}").splitlines() if ledger else []
    assert len(lines) == len(set(lines))
    assert ids


def test_marks_of_a_daemon_that_died_are_forgotten_by_the_others(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    submitted(crowd, 8, "git_fetch")
    crowd.pass_time(5)
    assert len(crowd.storage.list(layout.REPLIED)) == 8
    crowd["login1"].die()
    crowd.pass_time(2 * 3600, 30.0)
    assert crowd.storage.list(layout.REPLIED) == []


def test_status_tells_of_each_of_them(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: LONG)
    submitted(crowd, 3)
    crowd.pass_time(12)
    view = daemon_view(crowd.any.queue, crowd.clock, crowd.any.gpu)
    assert [line.where for line in view.daemons] == ["login1 (pid 100)", "login2 (pid 100)"]
    assert sum(line.running for line in view.daemons) == 3
    told = facts_of(view)
    assert told[0] == ("up    ", "2 daemons serve")
    assert dict(told)["consent "] == view.daemons[0].consent
    other = dataclasses.replace(view.daemons[1], consent="acl")
    differing = dataclasses.replace(view, daemons=(view.daemons[0], other))
    assert dict(facts_of(differing))["consent "] == f"acl, {view.daemons[0].consent}"
    crowd["login2"].die()
    crowd.pass_time(60)
    view = daemon_view(crowd.any.queue, crowd.clock, crowd.any.gpu)
    assert [line.silent for line in view.daemons] == [False, True]
    assert view.up
    assert "login2 (pid 100): no beat for" in "\n".join(said for _, said in facts_of(view))


def test_what_waits_for_a_place_is_told_by_the_places_of_all(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", plan=lambda _: LONG)
    submitted(crowd, 10)
    crowd.pass_time(6)
    views = open_requests(crowd.any.queue, crowd.any.filesystem)
    assert sum(view.state is State.RUNNING for view in views) == 8
    assert {view.waits_for for view in views if view.state is not State.RUNNING} == {"slot"}


def test_shared_is_what_the_storage_says() -> None:
    clock = ManualClock()
    assert MemoryStorage(clock, shared=True).shared
    assert not MemoryStorage(clock).shared


def test_names_that_were_planted_and_are_gone_take_no_memory(home: Path) -> None:
    crowd = Crowd(home, "login1")
    owners = Owners(crowd.storage, crowd["login1"].login, crowd.clock)
    for number in range(500):
        assert not owners.is_dead(f"gpu7-9-9-{number:08x}")
    assert len(owners._watches) == 500
    for _ in range(3):
        crowd.clock.advance(500)
        owners.is_dead("login9-9-9-0badf00d")
    assert [*owners._watches] == ["login9-9-9-0badf00d"]


def test_what_a_daemon_has_started_is_not_run_again_where_the_storage_goes_back_in_time(
    home: Path,
) -> None:
    crowd = Crowd(home, "login1", plan=lambda _: Plan(duration_s=2))
    (request_id,) = submitted(crowd, 1)
    asked = crowd.storage.read(layout.inbox(request_id))
    crowd.pass_time(5)
    assert crowd.started == [request_id]
    # Such as a server that was started from an older dump, or a replica that took over.
    for folder in (layout.OUTBOX, layout.REPLIED, layout.STARTED, layout.LOG):
        for entry in crowd.storage.list(folder):
            crowd.storage.remove(f"{folder}/{entry}")
    crowd.storage.put(layout.inbox(request_id), asked)
    crowd.pass_time(30)
    assert crowd.started == [request_id]
    assert crowd.storage.list(layout.INBOX) == crowd.storage.list(layout.PROCESSING) == []
