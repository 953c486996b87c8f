"""The life of a request: the table, and that rejection wins."""

import itertools

import pytest

from aexp.airgapped import State
from aexp.domain.consent import FINAL, TABLE, Event, decide, transition
from aexp.domain.errors import TransitionError

NAMED_IN_THE_PROMISE = {
    "received", "pending", "approved", "rejected", "expired", "running", "completed",
    "failed-to-start", "crashed", "cancelled",
}  # fmt: skip


def test_every_promised_state_exists() -> None:
    assert {str(state) for state in State} >= NAMED_IN_THE_PROMISE


@pytest.mark.parametrize(("state", "event"), [*itertools.product(State, Event)])
def test_the_table_alone_says_what_may_happen(state: State, event: Event) -> None:
    if (state, event) in TABLE:
        assert transition(state, event) is TABLE[state, event]
    else:
        with pytest.raises(TransitionError, match=f"{state} cannot {event}"):
            transition(state, event)


def test_a_final_state_is_never_left() -> None:
    assert not {state for state, _ in TABLE} & FINAL


def test_every_state_is_reached_from_the_first_one() -> None:
    reached = {State.RECEIVED}
    for _ in State:
        reached |= {after for (before, _), after in TABLE.items() if before in reached}
    assert reached == {*State}


def test_what_waits_for_a_person_never_starts_without_an_approval() -> None:
    ways_to_run = [before for (before, event), after in TABLE.items() if after is State.RUNNING]
    assert ways_to_run == [State.APPROVED]
    out_of_pending = {event for (before, event), after in TABLE.items()
                      if before is State.PENDING and after not in FINAL}  # fmt: skip
    assert out_of_pending == {Event.APPROVE}


def test_a_rejection_wins_over_an_approval_and_over_time() -> None:
    assert decide(approved=True, rejected=True, expired=True) is Event.REJECT
    assert transition(State.APPROVED, Event.REJECT) is State.REJECTED


def test_an_approval_in_time_counts_and_nothing_is_decided_without_one() -> None:
    assert decide(approved=True, rejected=False, expired=False) is Event.APPROVE
    assert decide(approved=False, rejected=False, expired=True) is Event.EXPIRE
    assert decide(approved=False, rejected=False, expired=False) is None


def test_what_ran_is_never_run_again_when_its_daemon_is_lost() -> None:
    assert transition(State.RUNNING, Event.LOSE) is State.CRASHED
    assert transition(State.APPROVED, Event.LOSE) is State.APPROVED
