"""The smaller rules of the domain: names, text, output, polls, retention, wire types."""

import datetime as dt
import os
import pickle
from typing import NoReturn

import pytest

from aexp.airgapped import RelayTimeoutError, RelayValidationError, State
from aexp.domain import layout, polling, retention
from aexp.domain.errors import RelayAnswerError
from aexp.domain.identity import ProcessId, is_request_id, new_request_id
from aexp.domain.layout import Token
from aexp.domain.output import BoundedOutput
from aexp.domain.requests import STATUS, Request, Response
from aexp.domain.text import age, visible, visible_lines

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("name", [ID, "01234567-89ab-cdef-0123-456789abcdef"])
def test_hexadecimal_digits_and_uuids_are_request_ids(name: str) -> None:
    assert is_request_id(name)
    assert layout.request_of(f"{name}.json") == name


@pytest.mark.parametrize(
    "entry",
    [
        f"{ID}\n.json", f"{ID}.json.tmp", f"{ID}0.json", f".{ID}.json", "`id`.json", f"{ID}.JSON",
        f"{ID}\x1b[2K.json", f"{ID} .json", "$(id).json", "--help.json", "request.json", ".json", "...json",
        "g" * 32 + ".json", "\uff10" * 32 + ".json", f"{ID}\u202e.json", ID.upper() + ".json", ID,
    ],
)  # fmt: skip
def test_any_other_entry_is_not_a_request(entry: str) -> None:
    assert layout.request_of(entry) is None


def test_ids_are_fresh() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


def test_a_process_name_survives_the_queue_and_hides_no_dots() -> None:
    process = ProcessId.new("login.site-1.example/x", 4711, 99)
    assert ProcessId.parse(str(process)) == process
    assert not set("./") & set(str(process))
    assert ProcessId.parse("not a process") is None


def test_a_token_is_read_back_from_its_name() -> None:
    token = Token(ID, str(ProcessId.new("login1", 1, 2)), "claim")
    folder, entry = token.name.split("/")
    assert folder == layout.PROCESSING
    assert Token.parse(entry) == token
    assert Token.parse(token.started().name.split("/")[1]) == token.started()


@pytest.mark.parametrize(
    "entry", ["x.y.run", f"{ID}.run", f"{ID}.o.json", f"{ID}..run", f"{ID}.a.b.run"]
)
def test_what_is_no_token_is_passed_over(entry: str) -> None:
    assert Token.parse(entry) is None


def test_hostile_text_is_spelt_out_and_bounded() -> None:
    assert visible("a\x1b[2K\r\nb\u202e\x9b\ud800") == "a\\x1b[2K\\r\\nb\\u202e\\x9b\\ud800"
    assert visible("x" * 500, limit=10) == "x" * 9 + "…"
    assert visible_lines("one\n\ttwo\x07") == "one\n\ttwo\\x07"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0 ms"),
        (0.0004, "0 ms"),
        (0.042, "42 ms"),
        (0.1, "0.1 s"),
        (0.42, "0.4 s"),
        (12, "12 s"),
        (119, "119 s"),
        (180, "3 min"),
        (7200, "2 h"),
        (90000, "1 d"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, told: str) -> None:
    assert age(seconds) == told


def test_short_output_is_kept_whole() -> None:
    output = BoundedOutput(limit=100)
    for _ in range(10):
        output.add(b"0123456789")
    output.close()
    assert output.text("log") == "0123456789" * 10
    assert not output.truncated


def test_of_a_line_of_progress_the_output_keeps_its_last_state() -> None:
    output = BoundedOutput(limit=100)
    for piece in (b"first\n10%\r", *(b"%d%%\r" % n for n in range(1000)), b"done.\n50%\r", b"\xff"):
        output.add(piece)
    output.close()
    assert output.text("log") == "first\ndone.\n\ufffd"
    assert (output.total, output.truncated) == (13, False)


def test_long_output_keeps_head_and_tail_and_says_where_the_rest_is() -> None:
    output = BoundedOutput(limit=100)
    output.add(b"H" * 60)
    for _ in range(10_000):
        output.add(b"m" * 100)
    output.add(b"T" * 60)
    output.close()
    text = output.text("log/x.txt")
    assert text.startswith("H" * 50 + "\n[")
    assert text.endswith("]\n" + "T" * 50)
    assert f"{60 + 1_000_000 + 60 - 100} bytes left out; the rest is in log/x.txt" in text
    assert output.truncated


def test_a_client_looks_often_at_first_and_ever_less_often() -> None:
    waits = [polling.client_wait(second / 10) for second in range(1200)]
    assert waits[0] == 0.005
    assert waits == sorted(waits)
    assert polling.client_wait(2.0) == 0.25
    assert polling.client_wait(3600) == 2.0
    assert polling.client_wait(3600, for_consent=True) == 5.0


def test_a_client_beside_its_daemon_leaves_the_first_looks_to_the_events() -> None:
    waits = [polling.client_wait(second / 100, near=True) for second in range(200)]
    assert waits[0] == 0.1
    assert waits == sorted(waits)
    assert polling.client_wait(3600, near=True) == polling.client_wait(3600)


def test_a_daemon_looks_often_after_activity_and_ever_less_often() -> None:
    waits = [polling.daemon_wait(second / 10) for second in range(3000)]
    assert waits[0] == 0.01
    assert waits == sorted(waits)
    assert [polling.daemon_wait(quiet) for quiet in (12, 60, 90)] == [0.3, 0.3, 0.3]
    assert polling.daemon_wait(120) == pytest.approx(0.5)
    assert polling.daemon_wait(3600) == 1.5


def test_markers_are_looked_for_at_every_look_at_first_and_every_twelve_seconds_at_last() -> None:
    waits = [polling.markers_wait(second / 10) for second in range(3000)]
    assert waits[0] == polling.daemon_wait(0)
    assert waits == sorted(waits)
    assert polling.markers_wait(3600) == 12.0


def test_jitter_moves_a_wait_by_a_tenth_either_way() -> None:
    assert polling.jittered(1.0, 0.0) == pytest.approx(0.9)
    assert polling.jittered(1.0, 1.0) == pytest.approx(1.1)


def test_a_ledger_is_due_once_it_is_older_than_a_week() -> None:
    today = dt.date(2026, 11, 23)
    ledgers = ["2026-11-23", "2026-11-16", "2026-11-15", "2026-11-01", "notes", "2026-13-01"]
    assert retention.due(ledgers, today) == ["2026-11-01", "2026-11-15"]


def test_only_the_ledgers_of_these_days_are_read() -> None:
    today = dt.date(2026, 11, 23)
    ledgers = ["2026-11-24", "2026-11-15", "2026-11-14", "notes", "2099-01-01"]
    assert retention.current(ledgers, today) == ["2026-11-15", "2026-11-24"]


def test_a_ledger_can_only_name_what_may_be_swept() -> None:
    data = (
        b"outbox/a.json\nlog/a.txt\n../x\ninbox/a.json\nheartbeat\noutbox/../x\noutbox/..\nlog/\n"
    )
    assert [*retention.lines(data)] == ["outbox/a.json", "log/a.txt"]


def test_an_answer_of_the_original_layout_is_understood() -> None:
    data = (
        b'{"request_id": "x", "op": "git_pull", "status": "completed", "returncode": 0,'
        b' "stdout": "hi", "duration_s": 1.5, "error": null, "new_key": [1]}'
    )
    answer = Response.from_bytes(data, "x")
    assert (answer.final_state, answer.returncode, answer.stdout) == (State.COMPLETED, 0, "hi")


@pytest.mark.parametrize(
    "status", ["completed", "validation", "rejected", "timeout", "crashed", "?"]
)
def test_every_original_status_has_a_final_state(status: str) -> None:
    data = f'{{"request_id": "x", "op": "o", "status": "{status}", "state": ["odd"]}}'.encode()
    assert Response.from_bytes(data, "x").final_state in STATUS


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"status": 7}', b"\xff"])
def test_an_answer_that_is_none_is_an_error_of_its_own(data: bytes) -> None:
    with pytest.raises(RelayAnswerError, match="x"):
        Response.from_bytes(data, "x")


def test_a_request_leaves_out_what_it_does_not_say() -> None:
    assert (
        Request(op="git_pull", cwd="/h/r").to_bytes()
        == b'{"op": "git_pull", "args": [], "cwd": "/h/r"}\n'
    )


@pytest.mark.parametrize(
    "error",
    [RelayTimeoutError("what", "hint", ID), RelayValidationError("op", "is odd", "git_pull", ID)],
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_process_has_a_name_also_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    from aexp.adapters import processes

    def missing(_: object) -> NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(processes, "_text", missing)
    monkeypatch.setattr(processes.os.path, "exists", lambda _: False)
    me = processes.ProcProcesses().me
    assert (me.pid, me.start) == (os.getpid(), 0)
    assert ProcessId.parse(str(me)) == me
