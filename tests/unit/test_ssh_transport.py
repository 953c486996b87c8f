"""``ssh://``: URLs, frames, what failures are told, and connections that end and are made again."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.storage.ssh.address import Address, folder_named, read_address
from aexp.adapters.storage.ssh.failures import Ended, failure_of
from aexp.airgapped import RelayClient
from aexp.airgapped.defaults import open_queue
from aexp.airgapped.hints import approve_hint, serve_hint, wait_hint
from aexp.domain import errors, far_errors
from aexp.domain.errors import (
    RelayConnectionError,
    RelayDownError,
    RelayStorageError,
    RelayValidationError,
    SettingsError,
    StorageMissingError,
)
from aexp.domain.far import FINAL, Broken
from aexp.domain.frames import MAX_HEAD, Frame, FrameError, FrameReader
from aexp.domain.setting_file import read_file
from tests.gates import GateWorld, dropped, gate_of, storage_through
from tests.world import executable

ID = "0" * 32

URLS = [
    ("login/~/proj", Address("login", folder="~/proj")),
    ("me@login.site.edu:2222/~/a b", Address("login.site.edu", "me", 2222, "~/a b")),
    ("login/scratch/me/proj", Address("login", folder="/scratch/me/proj")),
    ("login", Address("login")),
    ("login/", Address("login")),
    ("login/~", Address("login", folder="~")),
    ("[2001:db8::1]:22/~/p", Address("2001:db8::1", None, 22, "~/p")),
    (
        "login/~/p?queue=~/q&aexp=/opt/x/aexp",
        Address("login", None, None, "~/p", "~/q", "/opt/x/aexp"),
    ),
]


@pytest.mark.parametrize(("location", "address"), URLS)
def test_a_url_says_the_host_the_working_copy_and_the_queue(
    location: str, address: Address
) -> None:
    assert read_address(location) == address
    assert read_address(address.url.removeprefix("ssh://")) == address


@pytest.mark.parametrize(
    "location",
    [
        *(
            "",
            "/~/proj",
            "-oProxyCommand=x/~/p",
            "-l@login/~/p",
            "me@-login",
            "me:secret@login/~/p",
        ),
        *(
            "login:0/~/p",
            "login:99999/~/p",
            "login:/~/p",
            "lo gin/~/p",
            "login\n/~/p",
            "log%69n/~/p",
        ),
        *(
            "login/~/p?queue=",
            "login/~/p?queue=-x",
            "login/~/p?aexp=-c",
            "login/~/p?port=3",
            "$(x)/~/p",
        ),
        *("login/~/p?aexp=a%0Ab", "x" * 3000, "`id`", "a;b/~/p", "%h/~/p"),
    ],
)
def test_what_ssh_must_not_be_given_is_no_url(location: str) -> None:
    with pytest.raises(SettingsError, match=r"ssh://\[user@\]host"):
        read_address(location)


@given(st.text(max_size=80))
def test_no_word_that_ssh_gets_begins_with_a_dash_unless_it_is_ours(text: str) -> None:
    try:
        address = read_address(text)
    except SettingsError:
        return
    *_, host = address.destination
    assert not host.startswith("-")
    assert not address.command.startswith("-")
    assert address.user is None or not address.user.startswith("-")


def test_the_command_is_quoted_for_a_shell_that_knows_the_home() -> None:
    address = read_address("login/~/p?queue=~/my%20q&aexp=/o'p/$(x)/aexp")
    assert address.command == "'/o'\"'\"'p/$(x)/aexp' relay exec --queue ~/'my q'"
    assert read_address("login/~/p").command == "aexp relay exec"


def test_a_folder_is_one_of_the_other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/Users/me")
    named = {given: folder_named(given, "~/proj") for given in (None, "sub", ".", "/data/x", "~/y")}
    assert named == {
        None: "~/proj",
        "sub": "~/proj/sub",
        ".": "~/proj/.",
        "/data/x": "/data/x",
        "~/y": "~/y",
    }
    # A shell has put the home of this machine in for ~.
    assert folder_named("/Users/me/y", "~/proj") == "~/y"
    assert folder_named("/Users/me", None) == "~"
    assert folder_named("/Users/mean", None) == "/Users/mean"
    assert folder_named("proj", None) == "~/proj"


def test_hints_for_the_login_node_do_not_name_the_way_to_it() -> None:
    url = "ssh://login/~/proj"
    assert serve_hint(url).endswith("aexp relay up")
    assert approve_hint(ID, url) == "aexp relay approve 00000000"
    assert approve_hint(ID, f"{url}?queue=~/q") == "aexp relay approve 00000000 --queue '~/q'"
    assert wait_hint(ID, url) == "aexp relay wait 00000000 --queue 'ssh://login/~/proj'"


def test_a_repositorys_file_cannot_send_anybodys_ssh_anywhere() -> None:
    body = {"relay": {"queue": "ssh://evil/~/p?aexp=~/p/run"}}
    values, (problem,) = read_file(body, of_repository=True)
    assert values == {}
    assert "cannot name a server" in problem.hint
    values, problems = read_file(body, of_repository=False)
    assert values
    assert not problems


def test_a_client_of_another_machine_needs_nothing_of_this_one_and_connects_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "ssh", "#!/bin/sh\nexit 3\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    client = RelayClient(queue="ssh://login/~/proj", cwd="~/other")
    assert str(client.cwd) == "~/other"
    with pytest.raises(RelayValidationError, match="longer than"):
        RelayClient(queue="ssh://login/~/proj", cwd="x" * 70_000).pull()
    (tmp_path / "ssh").unlink()
    with pytest.raises(RelayConnectionError, match="no ssh") as met:
        client.pull()
    assert met.value.kind == Broken.NO_SSH
    with pytest.raises(RelayValidationError, match="did you mean git_push"):
        client.request("git_pus")
    with pytest.raises(RelayValidationError, match="number"):
        client.request("git_push", [1, 2])  # type: ignore[list-item]


# Frames.


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=9), st.integers(), max_size=3), st.binary(max_size=99)
        ),
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_frames_arrive_as_they_were_sent_however_they_are_cut(
    sent: list[tuple[dict[str, int], bytes]], piece: int
) -> None:
    data = b"".join(Frame(head, body).to_bytes() for head, body in sent)
    reader, arrived = FrameReader(100), []
    for at in range(0, len(data), piece):
        reader.feed(data[at : at + piece])
        while (frame := reader.take()) is not None:
            arrived.append(tuple(frame))
    assert arrived == sent
    assert len(reader) == 0


@given(st.binary(min_size=8, max_size=200))
def test_bytes_that_are_no_frame_are_found_out_or_waited_for_within_bounds(data: bytes) -> None:
    reader = FrameReader(64)
    reader.feed(data)
    try:
        while reader.take() is not None:
            pass
    except FrameError:
        return
    # What is waited for is at most one frame.
    assert len(reader) < 8 + MAX_HEAD + 64


@pytest.mark.parametrize(
    "data",
    [b"\0" * 8, b"\xff" * 8, b"GET / HTTP/1.1\r\n", b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\1\0\0{}",
     b"\0\0\0\3\0\0\0\0{}}", b"\0\1\0\1\0\0\0\0"],
)  # fmt: skip
def test_hostile_bytes_are_no_frame(data: bytes) -> None:
    reader = FrameReader(64)
    reader.feed(data)
    with pytest.raises(FrameError):
        reader.take()


# What failures are told.

SAID = [
    (255, "me@login: Permission denied (publickey).", Broken.KEY),
    (
        255,
        "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
        Broken.KEY,
    ),
    (
        255,
        "No ED25519 host key is known for login.\nHost key verification failed.",
        Broken.HOST_KEY,
    ),
    (255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", Broken.HOST_KEY),
    (255, "ssh: Could not resolve hostname login: Name or service not known", Broken.UNREACHABLE),
    (255, "ssh: connect to host login port 22: Connection refused", Broken.UNREACHABLE),
    (255, "kex_exchange_identification: Connection closed by remote host", Broken.UNREACHABLE),
    (255, "", Broken.FAILED),
    (255, "unix_listener: path too long for Unix domain socket", Broken.FAILED),
    (127, "bash: line 1: aexp: command not found", Broken.NOT_FOUND),
    (126, "sh: /opt/aexp: Permission denied", Broken.NOT_FOUND),
    (1, "aexp: Command not found.", Broken.NOT_FOUND),
    (2, "Error: No such command 'exec'.", Broken.VERSION),
    (78, "error: The setting consent is bad.\n  next: Allowed: x.", Broken.REFUSED),
    (77, "aexp: this key serves the relay and nothing else; 'x' was not run.", Broken.REFUSED),
    (1, "fatal: Interactive git shell is not enabled.", Broken.NOISE),
    (0, "", Broken.NOISE),
    (None, "", Broken.SILENT),
]


@pytest.mark.parametrize(("status", "said", "kind"), SAID)
def test_a_failure_before_the_gate_is_told_with_sshs_own_last_line(
    status: int | None, said: str, kind: Broken
) -> None:
    error = failure_of(Ended(status, said), Address("login"))
    assert error.kind == kind
    assert error.hint
    told = said.splitlines()[0 if "\n  next:" in said else -1] if said else ""
    assert f"ssh says: {told}" in error.what or not said


def test_noise_in_place_of_a_gate_is_told_harmlessly() -> None:
    error = failure_of(Ended(None, "", b"\x1b[1mWelcome to login1\n"), Address("login"))
    assert error.kind == Broken.NOISE
    assert "\\x1b[1mWelcome to login1" in error.what
    assert "~/.bashrc" in error.hint
    assert failure_of(Ended(None, "", b"aexp-gate/9\n"), Address("login")).kind == Broken.VERSION


def test_a_connection_that_ends_later_was_dropped_whatever_ssh_exits_with() -> None:
    for status in (255, 0, -9, 1):
        assert failure_of(Ended(status, "", greeted=True), Address("login")).kind == Broken.DROPPED


# Errors of the gate.


ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AexpError)
]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_one_that_a_client_knows(kind: Any) -> None:
    sent = (
        kind("what", "hint")
        if kind is not RelayValidationError
        else kind("op", "is bad", "x", None)
    )
    told = far_errors.raised(far_errors.told(sent), ID)
    assert isinstance(told, errors.RelayError)
    assert told.request_id == ID
    assert sent.what in (told.what, "what")
    if type(sent) in far_errors._PLAIN:
        assert type(told) is type(sent)


@given(
    st.dictionaries(
        st.text(max_size=8), st.none() | st.integers() | st.text() | st.lists(st.text())
    )
)
def test_an_error_that_makes_no_sense_is_one_all_the_same(found: dict[str, Any]) -> None:
    assert isinstance(far_errors.raised(found), errors.RelayError)


def test_what_the_far_side_says_does_nothing_to_a_terminal() -> None:
    told = far_errors.raised({"class": "RelayDownError", "what": "\x1b[2Jgone", "hint": "\x07"})
    assert isinstance(told, RelayDownError)
    assert "\x1b" not in str(told)
    assert "\x07" not in str(told)


# Connections that end.


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "repo/.git").mkdir(parents=True)
    made = GateWorld()
    made.serve()
    return made


class Drops:
    """Ends the connection at certain questions.

    Attributes:
        plan: verb to how often.
    """

    def __init__(self, **plan: int) -> None:
        self.plan = plan
        self.asked: list[str] = []

    def __call__(self, verb: str) -> None:
        self.asked.append(verb)
        if self.plan.get(verb, 0) > 0:
            self.plan[verb] -= 1
            raise dropped()


def test_a_question_that_meets_the_end_of_a_connection_is_asked_again(world: GateWorld) -> None:
    drops = Drops(list=1)
    storage = storage_through(world.new_gate, world.clock, before=drops)
    assert storage.list("") == ["heartbeat"]
    assert drops.asked == ["open", "list", "open", "list"]


def test_a_lost_answer_to_a_submit_leaves_one_request(world: GateWorld) -> None:
    drops = Drops(submit=2)
    storage = storage_through(world.new_gate, world.clock, after=drops)
    handle = RelayClient(queue=storage, clock=world.clock, processes=world.login).submit("git_pull")
    assert world.storage.list("inbox") == [f"{handle.id}.json"]
    assert drops.asked.count("submit") == 3


def test_a_submit_that_cannot_be_delivered_says_that_it_may_have_arrived(world: GateWorld) -> None:
    storage = storage_through(world.new_gate, world.clock, before=Drops(submit=1000))
    client = RelayClient(queue=storage, clock=world.clock, processes=world.login)
    with pytest.raises(RelayConnectionError, match="aexp relay show") as met:
        client.submit("git_pull")
    assert met.value.kind == Broken.DROPPED
    assert met.value.request_id


def test_connecting_again_is_patient_and_not_eager(world: GateWorld) -> None:
    down = Drops(open=6)
    storage = storage_through(world.new_gate, world.clock, before=down)
    began, waits = world.clock.monotonic(), 0
    while down.plan["open"]:
        waits += 1
        try:
            storage.list("")
        except RelayConnectionError:
            continue
    assert storage.list("") == ["heartbeat"]
    assert waits == 6
    assert 5 < world.clock.monotonic() - began < 60


def test_a_wait_while_there_is_no_connection_lets_time_pass_and_says_nothing(
    world: GateWorld,
) -> None:
    storage = storage_through(world.new_gate, world.clock, before=Drops(open=1000))
    began = world.clock.monotonic()
    for number in range(1, 51):
        assert storage.wait(["replied"], 0.2) is False
        assert world.clock.monotonic() - began <= 0.2 * number + 0.01
    assert world.clock.monotonic() - began > 5


def test_waiting_for_an_answer_outlasts_a_network_that_is_away(world: GateWorld) -> None:
    away = Drops()
    storage = storage_through(world.new_gate, world.clock, before=away)
    client = RelayClient(queue=storage, clock=world.clock, processes=world.login)
    handle = client.submit("git_pull")
    away.plan = {"list": 4, "wait": 1, "read": 2, "open": 5}
    world.clock.tick = lambda: _answer_later(world, handle.id)
    assert handle.result(timeout=120).returncode == 255
    assert away.plan == {"list": 0, "wait": 0, "read": 0, "open": 0}


def _answer_later(world: GateWorld, request_id: str) -> None:
    from aexp.domain.requests import Response

    world.serve()
    if world.clock.monotonic() > 1_000_030.0 and world.storage.list("inbox"):
        # git itself ends with 255 as ssh does.
        answer = Response(request_id=request_id, op="git_pull", status="completed", returncode=255)
        world.storage.put_new(f"outbox/{request_id}.json", answer.to_bytes())
        world.storage.take(f"inbox/{request_id}.json", f"replied/{request_id}")


def test_what_a_person_must_mend_is_not_tried_again_and_again(world: GateWorld) -> None:
    asked: list[str] = []

    def refuse(verb: str) -> None:
        asked.append(verb)
        raise RelayConnectionError("no", "mend it", kind=Broken.KEY)

    storage = storage_through(world.new_gate, world.clock, before=refuse)
    with pytest.raises(RelayConnectionError):
        storage.list("")
    assert asked == ["open"]
    assert Broken.KEY in FINAL


def test_a_submit_ends_when_its_key_is_taken_away(world: GateWorld) -> None:
    gone = Drops(submit=1)

    def refuse(verb: str) -> None:
        if verb == "open" and "submit" in gone.asked:
            raise RelayConnectionError("no", "mend it", kind=Broken.KEY)
        gone(verb)

    storage = storage_through(world.new_gate, world.clock, before=refuse)
    client = RelayClient(queue=storage, clock=world.clock, processes=world.login)
    began = world.clock.monotonic()
    with pytest.raises(RelayConnectionError) as met:
        client.submit("git_pull")
    assert met.value.kind == Broken.KEY
    assert world.clock.monotonic() - began < 2


def test_a_child_of_a_fork_makes_a_connection_of_its_own(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops = Drops()
    storage = storage_through(world.new_gate, world.clock, before=drops)
    storage.list("")
    monkeypatch.setattr(os, "getpid", lambda: 4)
    storage.list("")
    assert drops.asked == ["open", "list", "open", "list"]


def test_what_is_no_clients_move_does_not_even_travel(world: GateWorld) -> None:
    drops = Drops()
    storage = storage_through(world.new_gate, world.clock, before=drops)
    moves = (
        lambda: storage.put(f"approved/{ID}", b""),
        lambda: storage.put_new(f"outbox/{ID}.json", b""),
        lambda: storage.take(f"pending/{ID}.json", f"approved/{ID}"),
        lambda: storage.remove("heartbeat"),
        lambda: storage.append(f"log/{ID}.txt", b""),
    )
    for move in moves:
        with pytest.raises(RelayStorageError, match="Log in and do it there: ssh login"):
            move()
    assert drops.asked == []


def test_reading_goes_on_over_several_answers(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aexp.adapters.storage.ssh import storage as module

    monkeypatch.setattr(module, "MAX_ANSWER", 3)
    world.storage.append(f"log/{ID}.txt", b"0123456789")
    storage = storage_through(world.new_gate, world.clock)
    assert storage.read(f"log/{ID}.txt") == b"0123456789"
    assert storage.read(f"log/{ID}.txt", 1, 8) == b"12345678"
    assert storage.read(f"log/{ID}.txt", 9, 8) == b"9"
    with pytest.raises(StorageMissingError):
        storage.read(f"log/{ID[:-1]}1.txt")


def test_a_file_without_end_is_read_up_to_a_bound(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aexp.adapters.storage.ssh import storage as module

    monkeypatch.setattr(module, "MAX_ANSWER", 3)
    monkeypatch.setattr(module, "MOST_READ", 9)
    monkeypatch.setattr(world.storage, "read", lambda name, offset, limit: b"x" * limit)
    storage = storage_through(world.new_gate, world.clock)
    with pytest.raises(RelayStorageError, match="has more than"):
        storage.read(f"log/{ID}.txt")


def test_the_url_names_the_queue_once_the_gate_has_said_which(world: GateWorld) -> None:
    gate = lambda: world.new_gate(is_default=False)  # noqa: E731
    storage = storage_through(gate, world.clock)
    assert storage.url == "ssh://login/~/repo"
    storage.list("")
    assert storage.url == "ssh://login/~/repo?queue=memory://"
    assert open_queue(storage.url, ManualClock()).url == storage.url


def test_many_threads_share_one_connection(world: GateWorld) -> None:
    storage = storage_through(world.new_gate, world.clock)
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(storage.list(""))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["heartbeat"]] * 8


def test_a_queue_that_several_daemons_serve_is_one_for_a_far_client_as_well() -> None:
    clock = ManualClock()
    queues = [MemoryStorage(clock, shared=shared) for shared in (True, False)]
    far = [storage_through(lambda queue=queue: gate_of(queue, clock), clock) for queue in queues]
    assert [storage.list("inbox") for storage in far] == [[], []]
    assert [storage.shared for storage in far] == [True, False]
