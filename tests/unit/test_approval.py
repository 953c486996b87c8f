"""The person's side of consent: what is shown, where an approval can be given, and what it is bound to."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import visits
from aexp.airgapped.approval import waiting_requests
from aexp.airgapped.approver import Approver, Shown
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout, wire
from aexp.domain.consent import Mode
from aexp.domain.decisions import Question, Waiting
from aexp.domain.errors import (
    RelayDownError,
    RelayNotFoundError,
    RelayRejectedError,
    RelayStorageError,
)
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.notices import Notice
from aexp.domain.petition import Petition
from aexp.ports.approval import DecisionLine, Signer

ONE, TWO = "ab" * 16, "ac" * 16
EVIL = "x\x1b[2K\r\n\u202e\u0430\udc80"


def petition(request_id: str = ONE, **more: Any) -> Petition:
    values = {"op": "wandb_sync", "args": (), "cwd": "/home/ada/x", "root": "/home/ada/x", **more}
    return Petition(request_id, **values)


class Line(DecisionLine):
    """A daemon's memory at the other end of the line; without any it is dead."""

    def __init__(self, *petitions: Petition) -> None:
        self.petitions = {one.request_id: one for one in petitions}
        self.said: list[tuple[str, ...]] = []

    def _known(self) -> dict[str, Petition]:
        if not self.petitions:
            raise RelayDownError("No daemon takes decisions on this machine.", "Nobody listens.")
        return self.petitions

    def waiting(self) -> list[Waiting]:
        return [Waiting.of(one.to_dict(), known) for known, one in self._known().items()]

    def show(self, prefix: str) -> Petition:
        fits = [one for known, one in self._known().items() if known.startswith(prefix)]
        if len(fits) != 1:
            raise RelayNotFoundError("No request that begins so waits for consent.")
        return fits[0]

    def approve(self, request_id: str, digest: str) -> None:
        if self._known()[request_id].digest != digest:
            raise RelayRejectedError("What was approved is not what waits.")
        self.said.append(("approve", request_id))

    def reject(self, request_id: str, reason: str) -> None:
        self.said.append(("reject", self._known()[request_id].request_id, reason))

    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        raise NotImplementedError

    def grant(self, digest: str, *, keep: bool) -> GrantLine:
        raise NotImplementedError

    def grants(self) -> list[GrantLine]:
        raise NotImplementedError

    def revoke(self, prefix: str) -> GrantLine:
        raise NotImplementedError


class Key(Signer):
    """A key whose signatures can be read."""

    def sign(self, text: bytes) -> bytes:
        return b"signed " + text


class Shell:
    """A person's shell on some machine, and the queue."""

    def __init__(self, *held: Petition, host: str = "login1") -> None:
        self.clock = ManualClock()
        self.storage = MemoryStorage(self.clock)
        self.here = FakeProcesses(host, pid=7)
        self.daemon = FakeProcesses("login1")
        self.queue = RelayQueue(self.storage, self.here, self.clock)
        self.line = Line(*held)
        self.approver = Approver(self.queue, self.clock, self.here, self.line, Key())

    def beats(self, consent: str | None, host: object = "login1") -> None:
        facts = {"wall": self.clock.wall(), "daemon": str(self.daemon.me), "host": host}
        told = {} if consent is None else {"consent": consent}
        beat = {**facts, "proto": 1, "pid": self.daemon.me.pid, **told}
        self.storage.put(layout.HEARTBEAT, wire.encode(beat))

    def waits(self, one: Petition, mode: str = "file", since: object = 5.0, **note: Any) -> None:
        raw = {"op": one.op, "args": [*one.args], "cwd": one.cwd, "client": one.client}
        self.storage.put(layout.pending(one.request_id), wire.encode(raw))
        told = {"since": since, "digest": "0" * 64, "mode": mode, "petition": one.to_dict()}
        self.storage.put(layout.waiting(one.request_id), wire.encode({**told, **note}))

    def approved(self) -> dict[str, bytes]:
        names = self.storage.list(layout.APPROVED)
        return {name: self.storage.read(f"{layout.APPROVED}/{name}") for name in names}


def test_where_the_daemon_can_be_asked_its_word_counts_and_not_the_queues() -> None:
    held = petition(inventory=("run-1",))
    shell = Shell(held)
    shell.beats("file")
    shell.waits(petition(inventory=("nothing at all",)), "file")
    shown = shell.approver.look("ab")
    assert shown == Shown(held, Mode.LOGIN)
    shell.approver.approve(shown)
    assert shell.line.said == [("approve", ONE)]
    assert shell.approved() == {}


def test_what_changed_between_the_look_and_the_yes_is_not_approved() -> None:
    shell = Shell(petition(inventory=("run-1",)))
    shown = shell.approver.look("ab")
    shell.line.petitions[ONE] = petition(inventory=("run-1", "run-2"))
    with pytest.raises(RelayRejectedError):
        shell.approver.approve(shown)
    assert shell.line.said == []


def test_a_file_that_the_daemon_does_not_hold_cannot_be_approved() -> None:
    shell = Shell(petition(TWO))
    shell.beats("login")
    shell.waits(petition())
    with pytest.raises(RelayNotFoundError, match="does not hold"):
        shell.approver.look("ab")
    assert [one.request_id for one in shell.approver.waiting()] == [TWO]


def test_on_another_machine_a_person_is_told_where_to_go_and_what_to_type() -> None:
    shell = Shell(host="gpu7")
    shell.beats("login", "login2.cluster")
    shell.waits(petition(), "login")
    with pytest.raises(RelayDownError, match="only on the machine where the daemon runs") as caught:
        shell.approver.look("ab")
    assert "ssh -t login2.cluster aexp relay approve abababab" in caught.value.hint
    assert shell.approved() == {}
    assert shell.approver.elsewhere() == "login2.cluster"


@pytest.mark.parametrize("host", ["a; rm -rf ~", "-oProxyCommand=x", "$(x)", EVIL, "", 5, None])
def test_a_forged_host_never_becomes_part_of_a_command(host: object) -> None:
    shell = Shell(host="gpu7")
    shell.beats("login", host)
    shell.waits(petition(), "login")
    with pytest.raises(RelayDownError) as caught:
        shell.approver.look("ab")
    assert "ssh" not in str(caught.value)
    assert "on its login node: aexp relay approve abababab" in caught.value.hint
    assert shell.approver.elsewhere() == ""


def test_a_daemon_on_this_machine_that_does_not_answer_is_told_as_that() -> None:
    shell = Shell()
    shell.beats("login")
    shell.waits(petition(), "login")
    with pytest.raises(RelayDownError, match=r"is on this machine and cannot be asked") as caught:
        shell.approver.look("ab")
    assert "Is it suspended?" in caught.value.hint
    shell.here.dead.add(str(shell.daemon.me))
    with pytest.raises(RelayDownError, match="No daemon serves the queue"):
        shell.approver.look("ab")


def test_without_a_daemon_an_approval_for_its_memory_cannot_be_given() -> None:
    shell = Shell()
    shell.waits(petition(), "login")
    with pytest.raises(RelayDownError, match="No daemon serves the queue"):
        shell.approver.look("ab")
    assert shell.approved() == {}


@pytest.mark.parametrize("consent", ["file", None, "whatever", 5])
def test_where_files_decide_that_is_said_and_a_file_is_written(consent: Any) -> None:
    shell = Shell(host="gpu7")
    shell.beats(consent)
    shell.waits(petition(inventory=("run-1",)))
    shown = shell.approver.look("ab")
    assert (shown.mode, shown.petition) == (Mode.FILE, petition(inventory=("run-1",)))
    assert "can forge" in shown.warning
    shell.approver.approve(shown)
    assert [*shell.approved()] == [ONE]
    assert shell.approver.elsewhere() is None


def test_a_daemon_that_publishes_no_more_than_the_request_can_be_answered() -> None:
    shell = Shell()
    raw = {"op": "wandb_sync", "args": [], "cwd": "/x\x1b[2K", "submitted_at": None}
    shell.storage.put(layout.pending(ONE), wire.encode(raw))
    shown = shell.approver.look(ONE)
    assert shown.petition.op == "wandb_sync"
    shell.approver.approve(shown)
    assert [*shell.approved()] == [ONE]


def test_a_signature_is_over_what_was_shown_whatever_digest_the_file_claims() -> None:
    shell = Shell(host="laptop")
    shell.beats("signed")
    one = petition(inventory=("run-1",))
    shell.waits(one, "signed", digest=petition(inventory=("evil",)).digest)
    shown = shell.approver.look("ab")
    assert shown.mode is Mode.SIGNED
    shell.approver.approve(shown)
    assert shell.approved() == {ONE: f"signed {one.digest}\n".encode()}


def looked_in(shell: Shell) -> None:
    for _ in range(2):
        visits.note(shell.storage, shell.clock)
        shell.clock.advance(300)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (lambda shell: None, "none was started"),
        (lambda shell: shell.beats("signed") or shell.clock.advance(60), "stopped changing"),
        (looked_in, r"one looks in from time to time \(`serve --once`\), last 5 min ago"),
    ],
    ids=["never started", "dead", "between two visits"],
)
def test_a_signature_that_no_daemon_would_hear_is_refused_and_not_left_behind(
    before: Callable[[Shell], object], why: str
) -> None:
    shell = Shell(host="laptop")
    shell.waits(petition(), "signed")
    before(shell)
    with pytest.raises(RelayDownError, match=f"would count for nothing now.*{why}") as caught:
        shell.approver.look("ab")
    assert "aexp relay up" in caught.value.hint
    assert f"aexp relay approve {ONE[:8]}" in caught.value.hint
    assert shell.approved() == {}


@pytest.mark.parametrize(
    "note",
    [
        {"petition": None},
        {"petition": petition(TWO).to_dict()},
        {"petition": {"request_id": ONE, "args": "x"}},
        {"petition": [[]]},
    ],
)
def test_what_cannot_be_shown_is_not_signed(note: dict[str, Any]) -> None:
    shell = Shell()
    shell.beats("signed")
    shell.waits(petition(), "signed", **note)
    with pytest.raises(RelayStorageError, match="does not hold what an approval"):
        shell.approver.look("ab")


def test_a_rejection_goes_over_the_line_or_else_into_the_queue() -> None:
    shell = Shell(petition())
    assert shell.approver.reject("ab", EVIL).request_id == ONE
    assert shell.line.said[0][:2] == ("reject", ONE)
    assert shell.line.said[0][2].isprintable()
    shell = Shell(host="gpu7")
    shell.beats("login")
    shell.waits(petition(), "login")
    assert shell.approver.reject("ab", "not now").op == "wandb_sync"
    assert shell.storage.read(f"rejected/{ONE}") == b"not now\n"


def test_a_prefix_must_fit_one_request_that_waits() -> None:
    shell = Shell()
    shell.beats("file")
    shell.waits(petition(ONE))
    shell.waits(petition(TWO))
    for prefix, said in (("a", "2 requests begin"), ("f", "No request begins"), ("../x", "is 32")):
        with pytest.raises(RelayNotFoundError, match=said):
            shell.approver.look(prefix)
        with pytest.raises(RelayNotFoundError, match=said):
            shell.approver.reject(prefix)
    assert shell.storage.list(layout.REJECTED) == []


@pytest.mark.parametrize("since", [None, "x", True, 1e300, [1], {}])
def test_whatever_lies_in_the_queue_is_listed_in_words_that_are_harmless(since: object) -> None:
    shell = Shell()
    hostile = petition(op=EVIL, args=(EVIL,) * 40, cwd=EVIL * 500, client=EVIL, reason=EVIL)
    shell.waits(hostile, since=since)
    shell.storage.put(layout.pending(TWO), b"\xff{")
    shell.storage.put(layout.pending(EVIL), b"{}")
    listed = shell.approver.waiting()
    assert sorted(one.request_id for one in listed) == [ONE, TWO]
    for one in listed:
        text = "".join([one.op, *one.args, one.cwd, one.client, one.reason, one.digest])
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 40_000
        assert one.since is None
    assert waiting_requests(shell.queue) == listed


def test_what_a_person_approves_is_shown_in_ascii_a_field_a_line() -> None:
    told = petition(
        op=EVIL, args=(EVIL,), cwd=EVIL, root=EVIL, reason=EVIL, destinations=(EVIL,),
        inventory=(EVIL,) * 300, client=EVIL,
    ).lines()  # fmt: skip
    assert all(line.isascii() and line.isprintable() for line in told)
    assert len(told) < 1010
    assert told[-1].startswith("digest ")


def test_the_notice_in_the_queue_is_one_harmless_line() -> None:
    storage = MemoryStorage(ManualClock())
    told = petition(args=("x\x1b]0;t\x07",), cwd="/home/\u202e\n/\r" + "y" * 5000)
    ConsentLogNotifier(storage, ManualClock()).consent_needed(Notice.of(told))
    text = storage.read(layout.CONSENT_LOG).decode()
    assert text.count("\n") == 1
    assert text.strip().isprintable()
    assert text.isascii()
    assert len(text) < 1000


def test_the_notices_in_the_queue_take_a_bounded_space() -> None:
    storage = MemoryStorage(ManualClock())
    log = ConsentLogNotifier(storage, ManualClock())
    notice = Notice.of(petition(cwd="/home/" + "y" * 390))
    storage.put(layout.CONSENT_LOG, b"an older notice\n" * ((1 << 16) - 1))
    for _ in range(100):
        log.consent_needed(notice)
        assert len(storage.read(layout.CONSENT_LOG)) <= (1 << 20) + 1000
    text = storage.read(layout.CONSENT_LOG).decode()
    assert len(text) < 200_000
    assert text.endswith("\n")
    assert text.splitlines()[0] == "an older notice"
    assert text.splitlines()[-1].count(notice.short) == 2


def test_a_question_survives_the_way_and_nothing_else_is_taken_for_one() -> None:
    asked = Question("reject", ONE, reason="no")
    assert Question.from_bytes(asked.to_bytes()) == asked
    for bad in (b'{"verb":"drop"}', b'{"id":"x"}', b'{"verb":"list","id":[]}', b'"list"'):
        with pytest.raises(wire.WireError):
            Question.from_bytes(bad)


@pytest.fixture
def waiting_home(tmp_path: Path) -> tuple[dict[str, str], Path, Petition]:
    """A home with a request that waits where files decide, and the environment of its shells."""
    queue = tmp_path / "home/.relay"
    one = petition()
    for name, text in (
        (layout.pending(ONE), json.dumps({"op": one.op, "args": [], "cwd": one.cwd})),
        (layout.waiting(ONE), json.dumps({"since": 5.0, "petition": one.to_dict()})),
    ):
        (queue / name).parent.mkdir(parents=True, mode=0o700)
        (queue / name).write_text(text)
    env = {
        "HOME": str(tmp_path / "home"), "AEXP_RELAY_STATE": str(tmp_path / "state"),
        "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb",
    }  # fmt: skip
    return env, queue, one


APPROVE = [sys.executable, "-P", "-m", "aexp", "relay", "approve", "ab"]


def typed(env: dict[str, str], text: str, *more: str) -> tuple[int, str]:
    """Run the command on a terminal of its own and type; its exit status and screen."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*APPROVE, *more], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as shell:
        os.close(theirs)
        os.write(ours, text.encode())
        seen = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                chunk = os.read(ours, 4096)
            except OSError:
                break
            seen += chunk
        os.close(ours)
        return shell.wait(60), seen.decode()


Home = tuple[dict[str, str], Path, Petition]


@pytest.mark.parametrize(
    ("answer", "more", "status"),
    [
        (lambda digest: digest[:4] + "\n", (), 0),
        (lambda digest: digest[:4].upper() + "\n", (), 0),
        (lambda digest: "y\n", (), 77),
        (lambda digest: "\n", (), 77),
        (lambda digest: "", ("--yes",), 0),
    ],
)
def test_on_a_terminal_the_digits_of_the_digest_are_asked_for(
    waiting_home: Home, answer: Callable[[str], str], more: tuple[str, ...], status: int
) -> None:
    env, queue, one = waiting_home
    code, screen = typed(env, answer(one.digest), *more)
    assert (code, (queue / f"approved/{ONE}").exists()) == (status, status == 0)
    assert one.digest in screen
    assert "folder     /home/ada/x" in screen
    assert ("type the first 4 digits" in screen) is (not more)


def test_in_a_script_it_is_shown_what_was_approved_and_nothing_is_asked(waiting_home: Home) -> None:
    env, queue, one = waiting_home
    done = subprocess.run(
        APPROVE, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"approved {ONE}: wandb_sync in /home/ada/x\n"
    assert one.digest in done.stderr
    assert "can forge" in done.stderr
    assert (queue / f"approved/{ONE}").exists()
