"""The chained trail: what is changed in it, and how that is seen; and what the audit does with it."""

import json
import logging
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.journal.memory import MemoryJournal
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import audit as audit_module
from aexp.airgapped.audit import Audit
from aexp.airgapped.publisher import without_secrets
from aexp.airgapped.runlog import RunLog
from aexp.domain.chain import FIRST, MAX_LINE_BYTES, Entry, digest_of, lines_of, verify
from aexp.domain.errors import RelayStorageError
from aexp.domain.identity import ProcessId
from aexp.domain.redaction import MARK, Redactor
from aexp.domain.requests import Response
from aexp.domain.trail_check import examine

ID = "0123456789abcdef0123456789abcdef"
SECRET = "Zq3vX9kLm2Rt7Yw5Bn8C"


def trail(count: int = 8) -> list[bytes]:
    """The lines of a whole trail, with their ends."""
    journal = MemoryJournal(ManualClock())
    for number in range(count):
        journal.record("started", ID, {"op": "git_pull", "number": number})
    return [line + b"\n" for line in journal.lines]


def changed(line: bytes) -> bytes:
    return line.replace(b"git_pull", b"git_push")


def test_a_whole_trail_fits_and_has_a_head() -> None:
    lines = trail()
    report = verify(lines)
    assert report.fits
    assert (report.count, report.digest, report.lines) == (8, digest_of(lines[-1][:-1]), 8)
    assert json.loads(lines[0])["prev"] == FIRST
    assert json.loads(lines[4])["prev"] == digest_of(lines[3][:-1])


def test_an_empty_trail_fits() -> None:
    assert verify([]).fits
    assert (verify([]).count, verify([]).digest) == (0, "")


HARMS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "changed": (lambda lines: [*lines[:3], changed(lines[3]), *lines[4:]], 5),
    "deleted": (lambda lines: [*lines[:3], *lines[4:]], 4),
    "beginning deleted": (lambda lines: lines[1:], 1),
    "swapped": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3),
    "twice": (lambda lines: [*lines[:4], lines[3], *lines[4:]], 5),
    "no JSON": (lambda lines: [*lines[:4], b"no JSON\n", *lines[4:]], 5),
    "empty line": (lambda lines: [*lines[:4], b"\n", *lines[4:]], 5),
    "no entry": (lambda lines: [*lines[:4], b"{}\n", *lines[4:]], 5),
    "key twice": (lambda lines: [*lines[:4], b'{"n":5,' + lines[4][1:], *lines[5:]], 5),
    "text for number": (
        lambda lines: [*lines[:4], lines[4].replace(b'"n":5', b'"n":"5"'), *lines[5:]],
        5,
    ),
    "blank added": (lambda lines: [*lines[:4], b" " + lines[4], *lines[5:]], 6),
    "endless": (lambda lines: [*lines, b"x" * (MAX_LINE_BYTES + 1) + b"\n"], 9),
}


@pytest.mark.parametrize("harm", [*HARMS])
def test_the_first_line_that_does_not_fit_is_named(harm: str) -> None:
    act, line = HARMS[harm]
    report = verify(act(trail()))
    assert not report.fits
    assert (report.bad_line, report.count) == (line, line - 1)
    assert report.why


def test_a_torn_last_line_is_told_apart_from_a_change() -> None:
    lines = trail()
    report = verify([*lines[:-1], lines[-1][:20]])
    assert report.fits
    assert (report.count, report.torn) == (7, 20)


def test_what_was_cut_off_is_seen_against_a_noted_head() -> None:
    lines = trail()
    noted = {8: digest_of(lines[-1][:-1])}
    assert verify(lines, noted).fits
    assert verify(lines, {8: noted[8][:12].upper()}).fits
    assert verify(lines[:-2]).fits
    assert not verify(lines[:-2], noted).fits
    assert not verify([*lines[:-1], changed(lines[-1])], noted).fits


@given(st.data())
def test_every_single_changed_byte_is_seen_against_the_head(data: st.DataObject) -> None:
    text = b"".join(trail(4))
    at = data.draw(st.integers(0, len(text) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda new: new != text[at]))
    harmed = text[:at] + bytes([byte]) + text[at + 1 :]
    head = {4: digest_of(text.splitlines()[-1])}
    assert not verify(read(harmed), head).fits


def read(text: bytes) -> list[bytes]:
    return [*lines_of(lambda offset, length: text[offset : offset + min(length, 70_001)])]


def test_lines_are_read_in_pieces_and_endless_ones_are_cut() -> None:
    text = b"".join(trail(600))
    assert b"".join(read(text)) == text
    assert verify(read(text)).count == 600
    endless = [len(line) for line in read(b"x" * 400_000)]
    assert max(endless) <= MAX_LINE_BYTES + 70_001


def test_hostile_facts_make_a_line_that_can_be_read_back() -> None:
    facts = {
        "a": "\ud800\n\x00",
        "b": float("nan"),
        "c": [1, "x"],
        "d": {"e": object},
        "f": 2.5,
        "g": None,
    }
    line = Entry(1, "2026-01-01T00:00:00.000Z", "done", ID, facts, FIRST).to_line()
    assert b"\n" not in line
    assert Entry.from_line(line).facts["a"] == "\ud800\n\x00"
    huge = Entry(1, "x", "done", ID, {"a": "y" * MAX_LINE_BYTES}, FIRST).to_line()
    assert len(huge) < 1000


def findings(trail_lines: list[bytes] | None, copy_lines: list[bytes] | None) -> tuple[str, bool]:
    found = examine(lambda: trail_lines, lambda: copy_lines, {})
    return " ".join(found.problems), found.may_pass


def test_the_copy_is_compared_with_the_trail_and_it_is_said_which_was_changed() -> None:
    lines = trail()
    anew = [line.replace(b"git_pull", b"git_push") for line in lines]
    assert findings(lines, lines) == ("", False)
    assert findings(None, lines) == ("", False)
    assert findings(lines, lines[:-1])[0].startswith("The copy in the queue ends before line 8")
    assert findings(lines, [*lines[:-1], lines[-1][:9]])[1]
    assert findings(lines[:-1], lines)[1]
    assert "line 5 is not" in findings(lines, [*lines[:4], changed(lines[4]), *lines[5:]])[0]
    assert "another trail" in findings(lines, anew)[0]
    assert "is missing" in findings(lines, None)[0]
    assert (
        "The trail was changed" in findings([*lines[:4], changed(lines[4]), *lines[5:]], lines)[0]
    )
    assert "The copy in the queue was changed" in findings(None, [*lines[:4], *lines[5:]])[0]


class BrokenJournal(MemoryJournal):
    """A journal that cannot be written as long as it is told so."""

    why: str | None = "the disk is full"

    def record(self, event: str, request_id: str, facts: Mapping[str, object]) -> None:
        if self.why is not None:
            raise RelayStorageError(self.why)
        super().record(event, request_id, facts)


def told(journal: MemoryJournal) -> list[tuple[str, dict[str, object]]]:
    return [(entry.event, dict(entry.facts)) for entry in journal.entries]


def test_what_an_auditor_asks_for_is_recorded_and_the_rest_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "aexp.relay")
    journal = MemoryJournal()
    audit = Audit(journal)
    client = ProcessId.new("gpu7", 4711, 99)
    audit.note("received", ID, op="git_pull", args=None, client=str(client))
    audit.note("received", ID, op="git_pull", client="somebody")
    audit.note("swept", files=3)
    audit.warn("done", ID, returncode=1, duration_s=0.25, error=None)
    assert told(journal) == [
        ("received", {"op": "git_pull", "host": "gpu7", "pid": 4711}),
        ("received", {"op": "git_pull", "client": "somebody"}),
        ("done", {"returncode": 1, "duration_s": 0.25}),
    ]
    assert caplog.messages == [
        f"{ID} received op=git_pull client={client}",
        f"{ID} received op=git_pull client=somebody",
        "- swept files=3",
        f"{ID} done returncode=1 duration_s=0.250",
    ]
    assert audit.head == journal.head


def test_secrets_and_escapes_reach_neither_the_log_nor_the_journal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "aexp.relay")
    journal = MemoryJournal()
    audit = Audit(journal, Redactor([SECRET]))
    facts = {
        "error": f"\x1b[2K{SECRET} https://u:{SECRET[:9]}@h/",
        "token": "short",
        "why": [SECRET],
    }
    audit.note("done", ID, **facts)
    shown = caplog.text + journal.lines[0].decode()
    assert SECRET[:9] not in shown
    assert "short" not in shown
    assert "\x1b" not in shown
    assert MARK in caplog.text
    assert journal.entries[0].facts["why"] == [MARK]


def test_a_journal_that_fails_stops_nothing_and_gets_its_lines_later_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = BrokenJournal()
    audit = Audit(journal)
    for number in range(3):
        audit.note("started", ID, number=number)
    assert audit.trouble is not None
    assert "the disk is full" in audit.trouble
    assert [message for message in caplog.messages if "journal-failed" in message] == [
        '- journal-failed error="the disk is full"'
    ]
    journal.why = "another cause"
    audit.retry()
    assert "another cause" in caplog.text
    journal.why = None
    audit.note("done", ID)
    assert told(journal) == [
        *(("started", {"number": number, "late": True}) for number in range(3)),
        ("done", {}),
    ]
    assert audit.trouble is None


def test_lines_beyond_the_memory_are_lost_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "MOST_KEPT", 2)
    journal = BrokenJournal()
    audit = Audit(journal)
    for number in range(5):
        audit.note("started", ID, number=number)
    journal.why = None
    audit.retry()
    assert [event for event, _ in told(journal)] == ["lines-lost", "started", "started"]
    assert journal.entries[0].facts == {"count": 3}
    assert [entry.facts["number"] for entry in journal.entries[1:]] == [3, 4]


def test_an_answer_is_published_without_its_secrets() -> None:
    answer = Response(
        request_id=ID,
        op="git_push",
        status="completed",
        stdout=f"to https://u:{SECRET}@h/o",
        error=f"token={SECRET}",
        details={"args": ["origin", f"ghp_{SECRET}"], "cwd": "/home/u", "n": 3},
    )
    clean = without_secrets(answer, Redactor())
    assert SECRET not in clean.to_bytes().decode()
    assert clean.details == {"args": ["origin", MARK], "cwd": "/home/u", "n": 3}
    assert clean.hint is None


def test_the_log_of_a_run_holds_no_secret_although_it_comes_in_two_pieces() -> None:
    clock = ManualClock()
    storage = MemoryStorage(clock)
    log = RunLog(storage, ID, clock, Audit(redactor=Redactor([SECRET])))
    answered = log.add(b"$ git push\npushing to ")
    assert answered == b"$ git push\n"
    answered += log.add(SECRET[:7].encode())
    clock.advance(1)
    log.flush_if_due()
    assert storage.read(f"log/{ID}.txt") == b"$ git push\n"
    answered += log.add(SECRET[7:].encode() + b" done\nno end")
    answered += log.end()
    log.flush()
    assert answered == f"$ git push\npushing to {MARK} done\nno end".encode()
    assert storage.read(f"log/{ID}.txt") == answered
