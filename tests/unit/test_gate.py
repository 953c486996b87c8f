"""The gate lets a client's moves through, and whatever else it is told nothing happens to the queue."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aexp.airgapped import gate as gates
from aexp.airgapped import gate_moves
from aexp.airgapped.asked import GateClosedError
from aexp.domain import layout
from aexp.domain.consent import NOT_TAKEN_UP, State
from aexp.domain.far import may_list, may_read
from aexp.domain.frames import Frame
from aexp.domain.identity import new_request_id
from aexp.domain.requests import Response
from tests.gates import LAPTOP, GateWorld

ID = "0" * 32


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "repo/.git").mkdir(parents=True)
    made = GateWorld()
    made.serve()
    made.open()
    return made


def body(**more: Any) -> bytes:
    said = {"op": "git_push", "args": ["origin", "main"], "cwd": "~/repo", "client": LAPTOP, **more}
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


def submit(world: GateWorld, data: bytes, request_id: str = ID, again: bool = False) -> Frame:
    return world.ask("submit", data, id=request_id, again=again)


def everything(world: GateWorld) -> dict[str, bytes]:
    found = {}
    for folder in ("", *layout.EVERY_FOLDER):
        for entry in world.storage.list(folder):
            name = f"{folder}/{entry}" if folder else entry
            if "/" in name or not world.storage.list(name):
                found[name] = world.storage.read(name)
    return found


def test_a_request_that_is_allowed_goes_into_the_inbox_in_the_gates_own_words(
    world: GateWorld, tmp_path: Path
) -> None:
    world.clock.advance(5)
    answer = submit(world, body(submitted_at=17.0, ttl_s=60, coalesce=False))
    assert answer.head == {"n": 2, "known": False}
    written = json.loads(world.storage.read(f"inbox/{ID}.json"))
    assert written == {
        **{"op": "git_push", "args": ["origin", "main"], "cwd": str(tmp_path / "repo")},
        # By the clock of this side, whatever the client's says, and with where it came from.
        **{"submitted_at": world.clock.wall(), "ttl_s": 60, "coalesce": False},
        "client": "laptop pid 7 over ssh from 192.0.2.7",
    }


REFUSED = [
    (body(op="git_clone"), "op"),
    (body(args=["origin", "+main"]), "args[1]"),
    (body(args=["origin", "--force"]), "args[1]"),
    (body(args=["origin"]), "args"),
    (body(cwd="~"), "cwd"),
    (body(cwd="~/"), "cwd"),
    (body(cwd="/etc"), "cwd"),
    (body(cwd="~/repo/.git"), "cwd"),
    (body(cwd="~/gone"), "cwd"),
    (body(cwd="repo"), "cwd"),
    (body(cwd="~/repo/../.."), "cwd"),
    (body(approved=True), "payload"),
    (body(ttl_s=1e9), "ttl_s"),
    (b"", "payload"),
    (b"[]", "payload"),
    (b'{"op": "git_pull", "op": "git_push"}', "payload"),
    (b"\xff" * 40, "payload"),
    (b"[" * 60_000, "payload"),
]


@pytest.mark.parametrize(("data", "field"), REFUSED)
def test_a_request_that_the_closed_list_does_not_allow_is_told_why_and_not_written(
    world: GateWorld, data: bytes, field: str
) -> None:
    before = everything(world)
    error = submit(world, data).head["error"]
    assert error["class"] == "RelayValidationError"
    assert error["field"].startswith(field)
    assert everything(world) == before


@pytest.mark.parametrize("client", [None, "", "me", 7, ["x"], "laptop"])
def test_a_request_that_does_not_say_which_process_asks_is_refused(
    world: GateWorld, client: Any
) -> None:
    error = submit(world, body(client=client)).head["error"]
    assert error["class"] in ("RelayRejectedError", "RelayValidationError")
    assert world.storage.list("inbox") == []


def test_one_connection_speaks_for_one_process(world: GateWorld) -> None:
    submit(world, body())
    other = LAPTOP.replace("laptop-7", "gpu7-8")
    error = submit(world, body(client=other), new_request_id()).head["error"]
    assert "another process" in error["what"]
    assert len(world.storage.list("inbox")) == 1


def test_a_submit_whose_answer_was_lost_is_looked_up_and_not_repeated(world: GateWorld) -> None:
    submit(world, body())
    # A daemon has taken it up and answered meanwhile.
    assert world.storage.take(f"inbox/{ID}.json", f"replied/{ID}")
    answer = Response(request_id=ID, op="git_push", status="completed", returncode=0)
    world.storage.put_new(f"outbox/{ID}.json", answer.to_bytes())
    assert submit(world, body(), again=True).head["known"] is True
    assert world.storage.list("inbox") == []
    world.gate = world.new_gate()
    world.open()
    assert submit(world, body(), new_request_id(), again=True).head["known"] is False


@pytest.mark.parametrize("place", [f"pending/{ID}.json", f"outbox/{ID}.json", f"inbox/{ID}.json"])
def test_an_id_that_is_known_is_not_taken_in_again(world: GateWorld, place: str) -> None:
    answer = Response(request_id=ID, op="git_push", status="completed", returncode=0)
    world.storage.put(place, answer.to_bytes())
    before = everything(world)
    error = submit(world, body()).head["error"]
    assert "already" in error["what"]
    assert everything(world) == before
    # Nor can a file that was never left be taken back in the name of one that runs.
    assert submit(world, body()).head["error"]["class"] == "RelayRejectedError"


def test_what_is_kept_for_a_week_is_bounded(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_moves, "MAX_KEPT", 3)
    monkeypatch.setattr(gate_moves, "COUNT_EVERY", 2)
    for _ in range(3):
        request_id = new_request_id()
        assert submit(world, body(), request_id).head["known"] is False
        # What is taken back is answered, and the answer stays.
        assert world.ask("withdraw", id=request_id, pending=False).head["withdrawn"] is True
    assert submit(world, body(), new_request_id()).head["known"] is False
    error = submit(world, body(), new_request_id()).head["error"]
    assert (error["class"], "after 7 days" in error["hint"]) == ("RelayStorageError", True)


def test_nothing_is_taken_in_while_no_daemon_serves(world: GateWorld) -> None:
    world.login.dead.add(str(world.login.me))
    error = submit(world, body()).head["error"]
    assert error["class"] == "RelayDownError"
    assert "aexp relay up" in error["hint"]
    assert world.storage.list("inbox") == []


HOSTILE: list[tuple[Any, dict[str, Any]]] = [
    ("put", {"name": f"approved/{ID}"}),
    ("put_new", {"name": f"approved/{ID}"}),
    ("take", {"src": f"pending/{ID}.json", "dst": f"approved/{ID}"}),
    ("remove", {"name": f"outbox/{ID}.json"}),
    ("append", {"name": "daemon.log"}),
    ("approve", {"id": ID}),
    ("reject", {"id": ID}),
    ("grant", {"op": "git_push"}),
    ("open", {}),
    ("__class__", {}),
    (None, {}),
    (7, {}),
    (["list"], {}),
    ({"verb": "list"}, {}),
    *[("list", {"folder": folder}) for folder in ("approved", "rejected", "bad", "tmp", "cancel")],
    *[
        ("list", {"folder": folder})
        for folder in ("lease", "sweep", "..", "/", "inbox/", ".", None, 7)
    ],
    *[
        ("read", {"name": name, "offset": 0, "limit": 10})
        for name in (
            *("consent.log", "daemon.log", "audit.jsonl", "approved/" + ID, f"cancel/{ID}"),
            *("../.ssh/id_ed25519", "/etc/passwd", "inbox/../../x", f"inbox/{ID}.json/../y"),
            *("inbox/.hidden", "inbox", "", f"inbox/{ID}", f"log/{ID}.json", f"outbox/{ID}.json\0"),
            *(
                f"inbox/{ID.replace('0', chr(0xFF10))}.json",
                f"processing/{ID}.x.run",
                "heartbeat/x",
                None,
            ),
        )
    ],
    ("read", {"name": "heartbeat", "offset": -1, "limit": 10}),
    ("read", {"name": "heartbeat", "offset": 0, "limit": 1 << 30}),
    ("read", {"name": "heartbeat", "offset": 0, "limit": True}),
    ("read", {"name": "heartbeat", "offset": 0}),
    ("read", {"name": "heartbeat", "offset": 1e300, "limit": 1}),
    ("read", {"name": "heartbeat", "offset": 0, "limit": 1, "follow": True}),
    ("wait", {"folders": ["approved"], "seconds": 1}),
    ("wait", {"folders": ["inbox"] * 9, "seconds": 1}),
    ("wait", {"folders": ["inbox"], "seconds": 1e9}),
    ("wait", {"folders": ["inbox"], "seconds": -1}),
    ("wait", {"folders": "inbox", "seconds": 1}),
    ("wait", {"folders": ["inbox"], "seconds": 1, "file": "heartbeat"}),
    ("wait", {"folders": ["inbox"], "seconds": 1, "file": f"pending/{ID}.json"}),
    ("withdraw", {"id": "../x", "pending": True}),
    ("withdraw", {"id": ID, "why": "x", "pending": True}),
    ("withdraw", {"id": ID, "pending": "yes"}),
    ("stop", {"id": "*"}),
    ("stop", {"id": ID, "name": "x"}),
    ("submit", {"id": "x", "again": False}),
    ("submit", {"id": ID}),
    ("alive", {"process": ["x"]}),
    ("place", {"cwd": "x" * 9000}),
    ("check", {"op": "git_push", "args": "origin", "cwd": "~/repo"}),
    ("check", {"op": "git_push", "args": ["x"] * 1000, "cwd": "~/repo"}),
]


@pytest.mark.parametrize(("verb", "parts"), HOSTILE)
def test_what_is_no_clients_move_is_refused_told_and_changes_nothing(
    world: GateWorld, verb: Any, parts: dict[str, Any]
) -> None:
    world.storage.put(f"pending/{ID}.json", body())
    world.storage.put(f"approved/{ID[:-1]}1", b"")
    before = everything(world)
    answer = world.ask(verb, **parts)
    assert answer.head["error"]["class"] == "RelayRejectedError", answer
    assert answer.body == b""
    assert everything(world) == before
    assert [event for event, _ in world.told] == ["gate-refused"]


def test_nothing_is_answered_before_the_connection_was_opened(world: GateWorld) -> None:
    world.gate = world.new_gate()
    assert "error" in world.ask("list", folder="inbox").head
    world.open()
    assert "error" not in world.ask("list", folder="inbox").head


def test_content_comes_with_a_request_alone(world: GateWorld) -> None:
    assert "error" in world.ask("list", b"x", folder="inbox").head


def test_the_connection_ends_after_some_refusals(world: GateWorld) -> None:
    for _ in range(gates.MAX_REFUSED - 1):
        world.ask("approve", id=ID)
    with pytest.raises(GateClosedError, match="refused"):
        world.ask("approve", id=ID)


def test_a_question_without_a_number_ends_the_connection(world: GateWorld) -> None:
    for number in (None, "1", True, 1.5):
        with pytest.raises(GateClosedError):
            world.gate.answer(Frame({"n": number, "verb": "list", "folder": "inbox"}))


def test_requests_and_questions_of_one_connection_are_counted(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_moves, "MAX_REQUESTS", 2)
    for _ in range(2):
        assert "error" not in submit(world, body(), new_request_id()).head
    with pytest.raises(GateClosedError):
        submit(world, body(), new_request_id())
    monkeypatch.setattr(gates, "MAX_QUESTIONS", 3)
    with pytest.raises(GateClosedError):
        world.ask("facts")


def test_an_inbox_that_nobody_empties_fills_to_a_bound(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_moves, "MAX_WAITING", 1)
    submit(world, body())
    assert "error" in submit(world, body(), new_request_id()).head
    assert len(world.storage.list("inbox")) == 1


def test_a_client_takes_back_what_has_not_started_and_the_gate_answers_it(world: GateWorld) -> None:
    submit(world, body())
    told = world.ask("withdraw", id=ID, pending=False)
    assert told.head["withdrawn"] is True
    answer = world.queue.answer(ID)
    assert answer is not None
    assert answer.final_state is State.CANCELLED
    assert answer.error == NOT_TAKEN_UP
    assert world.ask("withdraw", id=ID, pending=True).head["withdrawn"] is False


def test_one_that_waits_for_consent_is_taken_back_only_when_that_is_asked(world: GateWorld) -> None:
    world.storage.put(f"pending/{ID}.json", body())
    assert world.ask("withdraw", id=ID, pending=False).head["withdrawn"] is False
    assert world.ask("withdraw", id=ID, pending=True).head["withdrawn"] is True


def test_only_what_is_open_can_be_asked_to_end(world: GateWorld) -> None:
    assert world.ask("stop", id=ID).head["error"]["class"] == "RelayNotFoundError"
    world.storage.put(f"processing/{ID}.{world.login.me}.run", body())
    assert "error" not in world.ask("stop", id=ID).head
    assert world.storage.list("cancel") == [ID]


def test_a_folder_shows_only_what_a_client_has_to_do_with(world: GateWorld) -> None:
    for entry in (f"{ID}.json", "notes.txt", ".draft", "x.json", f"{ID}.json.bak"):
        world.storage.put(f"outbox/{entry}", b"{}")
    assert world.ask("list", folder="outbox").body == f"{ID}.json".encode()
    assert world.ask("list", folder="").body == b"heartbeat"
    assert world.ask("list", folder="pending").body == b""


def test_more_names_than_can_be_told_are_an_error_and_not_a_part_of_them(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aexp.airgapped import gate_looks

    monkeypatch.setattr(gate_looks, "MAX_NAMES", 1)
    for _ in range(2):
        world.storage.put(f"outbox/{new_request_id()}.json", b"{}")
    assert world.ask("list", folder="outbox").head["error"]["class"] == "RelayStorageError"


def test_what_is_read_is_bounded_by_what_was_asked_for(world: GateWorld) -> None:
    world.storage.append(f"log/{ID}.txt", b"0123456789")
    assert world.ask("read", name=f"log/{ID}.txt", offset=2, limit=3).body == b"234"
    error = world.ask("read", name=f"log/{new_request_id()}.txt", offset=0, limit=3).head["error"]
    assert error["class"] == "StorageMissingError"


def test_a_wait_ends_when_the_client_asks_again(tmp_path: Path) -> None:
    from aexp.adapters.clock.system import SystemClock
    from aexp.airgapped.defaults import open_queue
    from tests.gates import gate_of

    read_end, write_end = os.pipe()
    storage = open_queue(str(tmp_path / "queue"), SystemClock())
    gate = gate_of(storage, SystemClock(), listens=(read_end,))
    os.write(write_end, b"x")
    gate.answer(Frame({"n": 1, "verb": "open"}))
    parts = {"folders": ["replied"], "seconds": 20.0, "file": f"inbox/{ID}.json"}
    began = SystemClock().monotonic()
    assert gate.answer(Frame({"n": 2, "verb": "wait", **parts})).head["moved"] is False
    assert SystemClock().monotonic() - began < 10
    os.close(read_end)
    os.close(write_end)


def test_nothing_is_waited_for_while_another_question_is_there(world: GateWorld) -> None:
    hurry = [False]
    world.gate = world.new_gate(hurry=lambda: hurry[0])
    world.open()
    took = []
    for hurry[0] in (False, True):
        began = world.clock.monotonic()
        world.ask("wait", folders=["replied"], seconds=3)
        took.append(world.clock.monotonic() - began)
    assert took == [3, 0]


def test_the_queue_that_a_client_names_must_be_the_one_behind_the_gate(world: GateWorld) -> None:
    world.gate = world.new_gate(is_queue=lambda named: named == "/q", is_default=False)
    refused = world.ask("open", queue="/other").head["error"]
    assert "this key is for the queue memory://, not /other" in refused["what"]
    assert refused["hint"].startswith("Leave ?queue= out of the URL, or change")
    assert [event for event, _ in world.told] == ["gate-refused"]
    assert world.ask("open", queue="/q").head["queue"] == "memory://"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=6,
)
VERBS = [
    "list",
    "read",
    "wait",
    "alive",
    "place",
    "check",
    "submit",
    "withdraw",
    "stop",
    "facts",
    "open",
]
PARTS = [
    "folder",
    "name",
    "offset",
    "limit",
    "id",
    "again",
    "why",
    "pending",
    "cwd",
    "op",
    "args",
    "process",
]
names = st.sampled_from(
    [*layout.EVERY_FOLDER, "", ID, f"inbox/{ID}.json", f"approved/{ID}", "consent.log", "~/repo"]
)


@pytest.mark.thorough
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    verb=st.sampled_from(VERBS) | anything,
    parts=st.dictionaries(st.sampled_from(PARTS), names | anything, max_size=6),
    data=st.binary(max_size=80),
)
def test_whatever_is_asked_no_decision_is_written_and_nothing_but_an_answer_comes(
    world: GateWorld, verb: Any, parts: dict[str, Any], data: bytes
) -> None:
    world.gate = world.new_gate()
    world.open()
    before = {name: held for name, held in everything(world).items() if _is_others(name)}
    answer = world.gate.answer(Frame({"n": 1, "verb": verb, **parts}, data))
    assert answer.head["n"] == 1
    after = {name: held for name, held in everything(world).items() if _is_others(name)}
    assert after == before


def _is_others(name: str) -> bool:
    """Whether only the daemon or a person writes there."""
    return not name.startswith(("inbox/", "cancel/", "stale/", "outbox/", "replied/"))


def test_what_may_be_read_lies_in_folders_that_may_be_listed() -> None:
    for folder in layout.EVERY_FOLDER:
        for entry in (f"{ID}.json", ID, f"{ID}.txt"):
            assert not may_read(f"{folder}/{entry}") or may_list(folder)
