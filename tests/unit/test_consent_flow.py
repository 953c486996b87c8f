"""Consent: who decides, when it counts, and that nothing runs without it."""

import pytest

from aexp.adapters.workshop.recording import PlainWorkshop
from aexp.airgapped import (
    RelayCancelledError,
    RelayExpiredError,
    RelayHandle,
    RelayNotFoundError,
    RelayRejectedError,
    RelayTimeoutError,
    State,
)
from aexp.airgapped.adoption import AGAIN_S
from aexp.airgapped.approval import approve, reject, waiting_requests
from aexp.airgapped.inspection import request_view
from aexp.domain import layout
from aexp.domain.errors import ProgramMissingError, RelayValidationError, TransitionError
from aexp.domain.layout import Token
from aexp.ports.workshop import Order, Survey
from tests.world import World

RUN = "wandb/offline-run-20260102_030405-ab12cd34"


@pytest.fixture
def waiting(world: World) -> RelayHandle:
    """A wandb_sync that waits for a person."""
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(1)
    assert handle.state is State.PENDING
    return handle


def test_it_does_not_run_before_it_is_approved(world: World, waiting: RelayHandle) -> None:
    world.pass_time(600, step=5)
    assert world.ran == []
    approve(world.queue, waiting.id, world.clock)
    assert waiting.result().ok
    assert world.ran == ["wandb_sync"]


def test_a_prefix_of_the_id_will_do(world: World, waiting: RelayHandle) -> None:
    approve(world.queue, waiting.id[:4], world.clock)
    assert waiting.result().ok


def test_an_empty_marker_decides_as_in_the_original_layout(
    world: World, waiting: RelayHandle
) -> None:
    world.storage.put(f"approved/{waiting.id}", b"")
    assert waiting.result().ok


def test_a_rejection_is_told_with_its_reason_made_harmless(
    world: World, waiting: RelayHandle
) -> None:
    reject(world.queue, waiting.id, "not tonight\x1b[2K")
    with pytest.raises(RelayRejectedError, match="not tonight") as caught:
        waiting.result()
    assert "\x1b" not in str(caught.value)
    assert world.ran == []


def test_a_rejection_wins_over_an_approval(world: World, waiting: RelayHandle) -> None:
    world.storage.put(f"approved/{waiting.id}", b"")
    world.storage.put(f"rejected/{waiting.id}", b"")
    with pytest.raises(RelayRejectedError):
        waiting.result()
    assert world.ran == []


def test_an_approval_that_was_there_before_counts_for_nothing(world: World) -> None:
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.storage.put(f"approved/{handle.id}", b"")
    world.pass_time(60)
    assert handle.state is State.PENDING
    assert world.names("approved") == []
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok


def test_a_request_that_was_changed_while_it_waited_is_not_run(
    world: World, waiting: RelayHandle
) -> None:
    other = {"op": "git_push", "args": ["origin", "main"], "cwd": str(world.repo)}
    world.leave(waiting.id, other)
    world.storage.take(f"inbox/{waiting.id}.json", f"pending/{waiting.id}.json")
    approve(world.queue, waiting.id, world.clock)
    with pytest.raises(RelayRejectedError, match="was changed while it waited"):
        waiting.result()
    assert world.ran == []


def test_markers_for_other_requests_are_left_alone(world: World, waiting: RelayHandle) -> None:
    world.storage.put("approved/" + "f" * 32, b"")
    world.pass_time(5)
    assert waiting.state is State.PENDING
    assert world.names("approved") == ["f" * 32]


def test_it_expires_after_a_day_without_a_decision(world: World, waiting: RelayHandle) -> None:
    world.pass_time(24 * 3600 - 60, step=4)
    assert waiting.state is State.PENDING
    world.pass_time(120, step=4)
    with pytest.raises(RelayExpiredError, match="Nobody decided"):
        waiting.result()
    assert world.ran == []


def test_waiting_survives_a_restart_and_its_time_goes_on(
    world: World, waiting: RelayHandle
) -> None:
    world.pass_time(3600, step=4)
    world.serve(world.kill())
    world.pass_time(10)
    assert waiting.state is State.PENDING
    world.pass_time(23 * 3600 + 40, step=4)
    assert waiting.state is State.EXPIRED


def without_program(world: World, error: type[RelayValidationError]) -> None:
    """The next daemon is one that refuses every upload."""

    def refuse(order: Order, plain: Survey) -> Survey:
        raise error("op", "is wandb_sync, and wandb is not installed on the login node")

    world.workshop = PlainWorkshop(world.filesystem, world.home, refuse)
    world.serve(world.kill())


def test_a_request_for_which_a_program_is_missing_is_left_for_a_daemon_that_has_it(
    world: World, waiting: RelayHandle
) -> None:
    able = world.workshop
    without_program(world, ProgramMissingError)
    world.pass_time(2 * AGAIN_S)
    assert waiting.state is State.PENDING
    heard: list[str] = []
    with pytest.raises(RelayTimeoutError):
        waiting.result(1, on_said=heard.append)
    assert "The daemon that serves now cannot run it" in heard[0]
    assert "is left for one that can" in heard[0]

    world.workshop = able
    world.serve(world.kill())
    world.pass_time(1)
    approve(world.queue, waiting.id, world.clock)
    assert waiting.result().ok


def test_a_request_that_is_not_allowed_any_more_is_refused_whatever_its_words_are(
    world: World, waiting: RelayHandle
) -> None:
    without_program(world, RelayValidationError)
    with pytest.raises(RelayValidationError, match="is not installed"):
        waiting.result()


def test_one_that_was_left_is_taken_over_once_its_program_is_there(
    world: World, waiting: RelayHandle
) -> None:
    able = world.workshop._find
    without_program(world, ProgramMissingError)
    world.pass_time(5)
    world.workshop._find = able
    world.pass_time(2 * AGAIN_S)
    approve(world.queue, waiting.id, world.clock)
    assert waiting.result().ok


def test_one_that_was_left_can_be_cancelled(world: World, waiting: RelayHandle) -> None:
    without_program(world, ProgramMissingError)
    world.pass_time(5)
    waiting.cancel()
    with pytest.raises(RelayCancelledError):
        waiting.result()


def test_an_approval_after_a_restart_counts(world: World, waiting: RelayHandle) -> None:
    world.serve(world.kill())
    approve(world.queue, waiting.id, world.clock)
    assert waiting.result().ok


def test_an_approval_made_while_no_daemon_runs_counts_at_the_next_start(
    world: World, waiting: RelayHandle
) -> None:
    after = world.kill()
    approve(world.queue, waiting.id, world.clock)
    world.serve(after)
    assert waiting.result().ok


def test_a_client_can_withdraw_what_waits(world: World, waiting: RelayHandle) -> None:
    assert waiting.cancel() is True
    world.pass_time(2)
    assert isinstance(waiting.exception(), RelayCancelledError)
    with pytest.raises(RelayNotFoundError, match="does not wait for consent: it is cancelled"):
        approve(world.queue, waiting.id, world.clock)


@pytest.mark.parametrize("end", ["rejected", "expired", "cancelled", "changed"])
def test_an_answer_without_a_run_still_says_where_it_was_wanted_and_with_what(
    world: World, end: str
) -> None:
    (world.repo / RUN).mkdir(parents=True)
    world.serve()
    waiting = world.client().submit("wandb_sync", [RUN])
    world.pass_time(1)
    assert waiting.state is State.PENDING
    if end == "rejected":
        reject(world.queue, waiting.id, "")
    elif end == "cancelled":
        assert waiting.cancel()
    elif end == "changed":
        world.leave(waiting.id, {"op": "git_pull", "args": ["other"], "cwd": "/elsewhere"})
        world.storage.take(f"inbox/{waiting.id}.json", f"pending/{waiting.id}.json")
        approve(world.queue, waiting.id, world.clock)
    world.pass_time(24 * 3600 + 60 if end == "expired" else 5, step=4)
    view = request_view(world.queue, waiting.id)
    assert view.state is State("rejected" if end == "changed" else end)
    assert (view.op, view.args, view.cwd) == ("wandb_sync", (RUN,), str(world.repo))


def test_only_what_waits_can_be_decided(world: World, waiting: RelayHandle) -> None:
    with pytest.raises(RelayNotFoundError, match="No request begins"):
        approve(world.queue, "f" * 32, world.clock)


def test_the_waiting_client_is_told_how_to_have_it_approved(world: World) -> None:
    world.serve()
    told: list[State] = []
    handle = world.client().submit("wandb_sync")
    with pytest.raises(RelayTimeoutError, match="waits for consent") as caught:
        handle.result(20, on_state=told.append)
    assert told[-1] is State.PENDING
    assert f"aexp relay approve {handle.id[:8]}" in str(caught.value)


def test_people_are_told_in_words_that_cannot_act_on_their_terminal(world: World) -> None:
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(1)
    text = world.storage.read(layout.CONSENT_LOG).decode()
    assert text.count("\n") == 1
    assert f"relay-approve {handle.id[:8]}" in text
    hostile = {"op": "wandb_sync\x1b[2K", "args": ["\r"], "cwd": "/x\ny"}
    world.leave("e" * 32, hostile)
    world.storage.take(f"inbox/{'e' * 32}.json", f"pending/{'e' * 32}.json")
    shown = next(one for one in waiting_requests(world.queue) if one.request_id == "e" * 32)
    assert (shown.op + shown.cwd + "".join(shown.args)).isprintable()


def test_a_file_planted_among_the_waiting_is_validated_before_it_runs(world: World) -> None:
    world.leave("d" * 32, {"op": "git_push", "args": ["--force", "x"], "cwd": "/etc"})
    world.storage.take(f"inbox/{'d' * 32}.json", f"pending/{'d' * 32}.json")
    world.serve()
    world.storage.put(f"approved/{'d' * 32}", b"")
    world.pass_time(2)
    assert world.answer("d" * 32).status == "validation"
    assert world.ran == []


def test_nothing_of_a_decided_request_stays_behind(world: World, waiting: RelayHandle) -> None:
    approve(world.queue, waiting.id, world.clock)
    waiting.result()
    world.pass_time(1)
    for folder in ("pending", "approved", "rejected", "waiting", "processing"):
        assert world.names(folder) == []


def test_an_impossible_move_is_a_defect_and_says_so() -> None:
    from aexp.domain.consent import Event, transition

    with pytest.raises(TransitionError, match="defect"):
        transition(State.COMPLETED, Event.START)
    assert Token.parse("x") is None


def test_a_file_without_its_ending_is_not_taken_for_the_request(world: World) -> None:
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(1)
    (entry,) = world.names("pending")
    # As many entries as before, and the right digits: only the ending tells.
    world.storage.take(f"pending/{entry}", f"pending/{handle.id}")
    world.pass_time(70)
    assert world.daemon is not None
    assert world.daemon._crew.desk.waiting == 0


def test_what_is_taken_back_on_its_way_to_a_person_does_not_wait(world: World) -> None:
    daemon = world.serve()
    world.clock.tick = None
    handle = world.client().submit("wandb_sync")
    world.queue.ask_to_stop(handle.id)
    daemon.step()
    with pytest.raises(RelayCancelledError):
        handle.result(timeout=1)
    assert world.storage.list(layout.CANCEL) == world.storage.list(layout.PENDING) == []


def test_what_came_to_a_person_while_it_was_taken_back_is_found_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve()
    world.clock.tick = None
    handle = world.client().submit("wandb_sync")
    claimed = f"processing/{handle.id}.{world.login.me}.claim"
    assert world.storage.take(layout.inbox(handle.id), claimed)
    put = world.storage.put

    def parked_just_before(name: str, data: bytes, *, durable: bool = True) -> None:
        world.storage.take(claimed, layout.pending(handle.id))
        put(name, data, durable=durable)

    monkeypatch.setattr(world.storage, "put", parked_just_before)
    assert handle.cancel()
    assert world.storage.list(layout.PENDING) == []
