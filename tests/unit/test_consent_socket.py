"""Decisions over a socket: real sockets, and clients that are slow, silent or hostile."""

import json
import os
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.domain.consent import APPROVAL_EXPIRES_S
from aexp.domain.decisions import MAX_QUESTION_BYTES, Question
from aexp.domain.errors import RelayNotFoundError, RelayRejectedError
from aexp.domain.grant_offers import MAX_CHARS
from aexp.domain.grants import MOST_GRANTS
from aexp.domain.petition import Petition
from tests.login import ONE, TWO, Counter, Login, is_hung_up, petition


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def login(run: Path, tmp_path: Path) -> Iterator[Login]:
    with Login(run, tmp_path / "fallback") as made:
        made.decisions.park(petition())
        made.decisions.collect(())
        yield made


def reply(client: socket.socket) -> dict[str, object]:
    heard = b""
    while not heard.endswith(b"\n"):
        chunk = client.recv(1 << 16)
        assert chunk, f"the daemon hung up after {heard!r}"
        heard += chunk
    told: dict[str, object] = json.loads(heard)
    return told


def test_a_person_sees_what_waits_and_approves_exactly_that(login: Login) -> None:
    login.decisions.park(petition(TWO, reason="the URL changed"))
    (first, second) = login.asking(login.line.waiting)
    assert (first.request_id, first.args, first.digest) == (ONE, ("run-1",), petition().digest)
    assert second.reason == "the URL changed"
    shown = login.asking(lambda: login.line.show(TWO))
    assert shown == petition(TWO, reason="the URL changed")
    login.asking(lambda: login.line.approve(TWO, shown.digest))
    verdicts = login.decisions.collect((ONE, TWO))
    assert [*verdicts.approved] == [TWO]
    assert f"process {os.getpid()}" in verdicts.approved[TWO]


def test_what_goes_on_waiting_is_told_with_the_time_at_which_it_began(login: Login) -> None:
    login.decisions.resume(petition(TWO), 5.0)
    told = login.asking(login.line.waiting)
    assert [one.since for one in told if one.request_id == TWO] == [5.0]


def test_a_person_rejects_with_a_reason_made_harmless(login: Login) -> None:
    login.asking(lambda: login.line.reject(ONE, "no\x1b[2K"))
    assert login.decisions.collect((ONE,)).rejected == {ONE: r"no\x1b[2K"}


def test_an_approval_of_anything_else_is_refused(login: Login) -> None:
    for digest in ("", "0" * 64, petition(TWO).digest, petition().digest[:-1], "\udc80"):
        with pytest.raises(RelayRejectedError, match="not what waits"):
            login.asking(lambda digest=digest: login.line.approve(ONE, digest))
    assert login.approved() == []


def test_a_prefix_shows_but_never_approves(login: Login) -> None:
    assert login.asking(lambda: login.line.show("11")) == petition()
    with pytest.raises(RelayNotFoundError):
        login.asking(lambda: login.line.approve(ONE[:8], petition().digest))
    login.decisions.park(petition(TWO))
    with pytest.raises(RelayNotFoundError, match="2 waiting requests begin"):
        login.asking(lambda: login.line.show("11"))


@pytest.mark.parametrize("evil", ["../../x", ".", "", "\x1b[2K", "*", "1" * 5000])
def test_an_id_that_is_none_is_not_found_and_not_repeated_raw(login: Login, evil: str) -> None:
    with pytest.raises(RelayNotFoundError) as caught:
        login.asking(lambda: login.line.show(evil))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_an_approval_is_gone_once_it_was_used(login: Login) -> None:
    login.asking(lambda: login.line.approve(ONE, petition().digest))
    assert login.approved() == [ONE]
    login.decisions.settle(ONE)
    assert login.approved() == []
    with pytest.raises(RelayNotFoundError):
        login.asking(lambda: login.line.approve(ONE, petition().digest))


def test_an_approval_that_led_to_nothing_for_an_hour_counts_no_more(login: Login) -> None:
    login.asking(lambda: login.line.approve(ONE, petition().digest))
    login.clock.advance(APPROVAL_EXPIRES_S - 1)
    assert login.approved() == [ONE]
    login.clock.advance(2)
    assert login.approved() == []


def test_a_client_that_says_nothing_is_dropped_after_its_time(login: Login) -> None:
    silent = login.client()
    login.decisions.collect(())
    login.clock.advance(4.9)
    login.decisions.collect(())
    assert select.select([silent], [], [], 0)[0] == []
    login.clock.advance(0.2)
    login.decisions.collect(())
    assert is_hung_up(silent)


def test_two_hundred_silent_clients_do_not_keep_a_person_out(login: Login) -> None:
    for number in range(200):
        login.client()
        if number > 60:
            login.decisions.collect(())
    assert len(login.decisions.descriptors()) < 50
    assert login.asking(lambda: login.line.show(ONE)) == petition()


def test_more_clients_than_the_kernel_lets_wait_are_all_served(login: Login) -> None:
    told: list[object] = []
    people = [
        threading.Thread(target=lambda: told.append(login.line.show(ONE))) for _ in range(100)
    ]
    for person in people:
        person.start()
    while any(person.is_alive() for person in people):
        login.decisions.collect(())
        select.select(login.decisions.descriptors(), [], [], 0.1)
    assert told == [petition()] * 100


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"GET / HTTP/1.1\r\n\r\n",
        b'{"verb": "approve"', b'{"verb": "open"}\n', b'{"verb": "list", "id": 1}\n',
        b'{"verb": "list", "verb": "list"}\n', b'{"verb": NaN}\n', b"[" * 1000 + b"\n",
        b'{"verb": ["list"]}\n', b'{"verb": "show", "id": {"a": {}}}\n',
    ],
)  # fmt: skip
def test_garbage_is_answered_or_dropped_and_the_next_one_is_served(
    login: Login, garbage: bytes
) -> None:
    hostile = login.client(garbage)
    hostile.shutdown(socket.SHUT_WR)
    login.decisions.collect(())
    heard = hostile.recv(1 << 16)
    assert heard == b"" or json.loads(heard)["ok"] is False
    assert heard.decode().strip().isprintable()
    assert login.approved() == []
    assert login.asking(lambda: login.line.show(ONE)) == petition()


def test_a_message_that_is_too_long_is_refused_without_being_kept(login: Login) -> None:
    flood = login.client()
    flood.setblocking(False)
    for _ in range(50):
        try:
            flood.send(b"x" * (1 << 16))
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            login.decisions.collect(())
    flood.setblocking(True)
    told = reply(flood)
    assert told["ok"] is False
    assert str(MAX_QUESTION_BYTES) in str(told["what"])
    assert login.asking(lambda: login.line.show(ONE)) == petition()


def test_a_question_may_come_in_pieces_and_the_daemon_never_waits_for_the_rest(
    login: Login,
) -> None:
    slow = login.client()
    for byte in Question("show", ONE).to_bytes():
        assert select.select([slow], [], [], 0)[0] == []
        slow.send(bytes([byte]))
        login.decisions.collect(())
    assert reply(slow)["ok"] is True
    assert is_hung_up(slow)


def test_a_client_that_does_not_read_a_long_answer_is_dropped_and_wakes_nobody(
    login: Login,
) -> None:
    long = Petition(ONE, "wandb_sync", (), "/x", "/x", inventory=("y" * 1000,) * 600)
    login.decisions.park(long)
    deaf = login.client(Question("show", ONE).to_bytes())
    login.decisions.collect(())
    deaf.send(b"more\n")
    assert select.select(login.decisions.descriptors(), [], [], 0)[0] == []
    assert login.asking(lambda: login.line.show(ONE)) == long
    login.clock.advance(6)
    login.decisions.collect(())
    assert len(login.decisions.descriptors()) == 1
    deaf.settimeout(0)
    while not is_hung_up(deaf):
        pass


def test_what_is_too_long_to_be_shown_cannot_be_approved_over_the_socket(login: Login) -> None:
    login.decisions.park(Petition(ONE, "x", (), "/x", "/x", inventory=("y" * 1000,) * 1200))
    with pytest.raises(RelayRejectedError, match="too long to be shown"):
        login.asking(lambda: login.line.show(ONE))
    (listed,) = login.asking(login.line.waiting)
    assert listed.op == "x"


def test_a_file_in_approved_is_removed_and_the_person_is_told_where_to_go(login: Login) -> None:
    login.storage.put(f"approved/{ONE}", b"")
    login.storage.put(f"approved/{'f' * 32}", b"")
    verdicts = login.decisions.collect((ONE,))
    assert verdicts.ignored == {
        ONE: "a file in approved/ does not count: on the login node login1 run "
        f"`aexp relay approve {ONE[:8]}`"
    }
    assert login.storage.list("approved") == ["f" * 32]
    login.storage.put(f"approved/{ONE}", b"")
    assert login.decisions.collect((ONE,)).ignored == {}
    assert login.storage.list("approved") == ["f" * 32]


def test_while_the_daemon_takes_no_turns_nobody_at_the_socket_wakes_it(login: Login) -> None:
    login.client()
    assert select.select(login.decisions.descriptors(), [], [], 0)[0] != []
    login.clock.advance(1.1)
    assert login.decisions.descriptors() == []
    login.decisions.collect(())
    assert login.decisions.descriptors() != []


def test_a_grant_that_is_refused_is_told_harmlessly_with_what_to_do(login: Login) -> None:
    login.decisions.hears_grants(Counter())
    with pytest.raises(RelayRejectedError, match="unknown") as caught:
        login.asking(lambda: login.line.offer("git_clone", "/home/ada/x", 60.0))
    assert str(caught.value).isprintable()
    assert caught.value.hint == "Allowed: wandb_sync."


def test_before_the_daemon_hears_grants_they_are_refused(login: Login) -> None:
    with pytest.raises(RelayRejectedError, match="No grants are given"):
        login.asking(login.line.grants)


@pytest.mark.parametrize("seconds", ["", "2h", "x" * 4000])
def test_a_span_that_is_no_number_is_refused(login: Login, seconds: str) -> None:
    login.decisions.hears_grants(Counter())
    said = Question("grant-show", op="wandb_sync", cwd="/x", seconds=seconds).to_bytes()
    client = login.client(said)
    login.decisions.collect(())
    assert reply(client)["ok"] is False


def test_as_many_grants_as_may_be_live_fit_into_one_answer(login: Login) -> None:
    granting = Counter()
    login.decisions.hears_grants(granting)
    for _ in range(MOST_GRANTS):
        offer = granting.offer("wandb_sync", "/" + "x" * (MAX_CHARS - 300), 60.0)
        assert not offer.is_too_long
        granting.give(offer.digest, keep=False, by="x")
    assert len(login.asking(login.line.grants)) == MOST_GRANTS
