"""Whose turn it is, what is taken next, and how much may wait."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.adapters.clock.manual import ManualClock
from aexp.airgapped.turns import Arrivals, Slice, Turns, spread
from aexp.domain.limits import Limits


@dataclass(frozen=True)
class Item:
    """Something that waits."""

    client: str
    request_id: str


def turns(*names: str, most_clients: int = 64) -> Turns[Item]:
    """Items such as ``a1``: the first letter is the client."""
    made: Turns[Item] = Turns(most_clients)
    for name in names:
        made.add(Item(name[0], name))
    return made


def order(waiting: Turns[Item]) -> list[str]:
    return [item.request_id for item in waiting]


def test_clients_take_turns_and_each_keeps_its_order() -> None:
    assert order(turns("a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_client_alone_is_first_come_first_served() -> None:
    assert order(turns("a3", "a1", "a2")) == ["a3", "a1", "a2"]


def test_whose_item_was_taken_out_waits_until_the_others_had_their_turn() -> None:
    waiting = turns("a1", "a2", "a3", "b1", "b2")
    taken = []
    while len(waiting):
        item = next(iter(waiting))
        waiting.remove(item)
        taken.append(item.request_id)
    assert taken == ["a1", "b1", "a2", "b2", "a3"]


def test_one_request_is_second_in_a_flood() -> None:
    waiting = turns(*(f"a{number}" for number in range(5000)))
    waiting.remove(next(iter(waiting)))
    waiting.add(Item("b", "b1"))
    assert order(waiting)[:2] == ["a1", "b1"]


def test_what_was_put_back_is_first_again() -> None:
    waiting = turns("a1", "a2", "b1")
    item = next(iter(waiting))
    waiting.remove(item)
    waiting.put_back(item)
    assert order(waiting) == ["a1", "b1", "a2"]


def test_it_may_change_while_it_is_gone_through() -> None:
    waiting = turns("a1", "a2", "b1")
    for item in waiting:
        waiting.remove(item)
    assert len(waiting) == 0


def test_it_knows_what_waits_and_for_whom() -> None:
    waiting = turns("a1", "a2", "b1")
    assert waiting.has("a2")
    assert not waiting.has("a9")
    assert waiting.get("b1") == Item("b", "b1")
    assert waiting.get("b9") is None
    assert [waiting.count(client) for client in "abc"] == [2, 1, 0]
    assert [item.request_id for item in waiting.clear()] == ["a1", "b1", "a2"]
    assert len(waiting) == 0


def test_too_many_clients_share_one_line_and_those_before_keep_theirs() -> None:
    waiting = turns("a1", "b1", "c1", "d1", "e1", "a2", most_clients=2)
    assert order(waiting) == ["a1", "b1", "c1", "a2", "d1", "e1"]
    assert waiting.count("c") == waiting.count("e") == 3
    assert waiting.count("a") == 2


def test_a_client_with_a_name_of_no_letters_is_a_client() -> None:
    waiting: Turns[Item] = Turns()
    waiting.add(Item("", "1"))
    waiting.add(Item("a", "2"))
    assert order(waiting) == ["1", "2"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_nothing_is_lost_and_nothing_comes_twice(steps: list[tuple[str, bool]]) -> None:
    waiting: Turns[Item] = Turns(3)
    there: set[str] = set()
    for number, (client, out) in enumerate(steps):
        if out and there:
            item = next(iter(waiting))
            waiting.remove(item)
            there.remove(item.request_id)
        else:
            waiting.add(Item(client, str(number)))
            there.add(str(number))
        assert sorted(order(waiting)) == sorted(there)
        assert len(waiting) == len(there)


def test_a_small_inbox_is_taken_as_it_is() -> None:
    assert Arrivals().choose(["b", "a"], 4) == ["b", "a"]


def test_what_is_new_is_taken_at_once_whatever_waits() -> None:
    arrivals = Arrivals()
    flood = [f"f{number}" for number in range(1000)]
    arrivals.choose(flood, 100)
    assert "new" in arrivals.choose([*flood, "new"], 100)


def test_what_has_waited_longest_is_taken_whatever_is_new() -> None:
    arrivals = Arrivals()
    taken: set[str] = set()
    listed = ["old"]
    for look in range(3):
        listed = [*listed, *(f"f{look}-{number}" for number in range(1000))]
        chosen = set(arrivals.choose(listed, 100)) if look else set()
        taken |= chosen
        listed = [one for one in listed if one not in taken]
    assert "old" in taken


def test_of_a_flood_that_never_ends_everything_is_taken_in_the_end() -> None:
    arrivals, number, listed, age = Arrivals(), 0, ["one"], 0
    while "one" in listed:
        age += 1
        listed += [f"f{number + count}" for count in range(150)]
        number += 150
        chosen = arrivals.choose([*reversed(listed)], 100)
        assert len(chosen) == len(set(chosen)) == 100
        listed = [entry for entry in listed if entry not in chosen]
    assert age < 10


def test_of_a_flood_that_is_over_the_last_ones_do_not_wait_for_the_first() -> None:
    arrivals = Arrivals()
    arrivals.choose([f"f{number}" for number in range(5000)], 100)
    listed = [f"f{number}" for number in range(4900)] + [f"g{number}" for number in range(120)]
    looks = 0
    while any(entry[0] == "g" for entry in listed):
        chosen = arrivals.choose(listed, 100)
        listed = [entry for entry in listed if entry not in chosen]
        looks += 1
    assert looks == 3


def test_a_slice_shrinks_when_it_takes_long_and_grows_when_it_does_not() -> None:
    clock = ManualClock()
    of = Slice(clock)
    sizes = []
    for seconds in (0, 0, 0, 0, 5, 5, 5, 5, 5, 5, 5, 0.2, 0):
        with of.measured() as most:
            sizes.append(most)
            clock.advance(seconds)
    assert sizes == [32, 64, 128, 256, 256, 128, 64, 32, 16, 8, 8, 8, 8]


def test_what_is_gone_is_forgotten() -> None:
    arrivals = Arrivals()
    arrivals.choose([str(number) for number in range(1000)], 10)
    arrivals.choose([], 10)
    assert arrivals._seen == {}


@pytest.mark.parametrize("most", [0, 1, 3, 10, 20])
def test_spreading_takes_from_all_over(most: int) -> None:
    items = [str(number) for number in range(10)]
    found = spread(items, most)
    assert len(found) == len(set(found)) == min(most, 10)


def test_a_cap_refuses_with_the_number_that_waits() -> None:
    limits = Limits(ready=10, ready_per_client=3, pending=5, pending_per_copy=2)
    assert limits.too_many_ready(9, 2) is None
    assert "3 requests of this client" in (limits.too_many_ready(9, 3) or "")
    assert "10 requests wait to run" in (limits.too_many_ready(10, 2) or "")
    assert limits.too_many_pending(4, 1) is None
    assert "2 requests of this working copy" in (limits.too_many_pending(4, 2) or "")
    assert "5 requests wait for a person" in (limits.too_many_pending(5, 1) or "")


def test_a_thousand_requests_of_one_client_may_wait() -> None:
    assert Limits().too_many_ready(1000, 1000) is None
