"""The console without a screen: what it shows, what a look costs, that only what was shown is approved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped.approver import Approver
from aexp.airgapped.console.growing import CHUNK, TAIL_LINES
from aexp.airgapped.console.history import MOST_PAST
from aexp.airgapped.console.picture import Alert, Picture
from aexp.airgapped.console.watching import AGAIN_S, Console
from aexp.airgapped.granter import Granter
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout, wire
from aexp.domain.chain import Entry
from aexp.domain.consent import State
from aexp.domain.decisions import Waiting, listed
from aexp.domain.errors import RelayNotFoundError, RelayRejectedError, RelayStorageError
from aexp.domain.layout import Token
from aexp.domain.petition import Petition
from aexp.domain.polling import CONSOLE_MOST_S, CONSOLE_S, console_wait
from tests.unit.test_approval import EVIL, ONE, TWO, Key, Shell, petition
from tests.unit.test_granter import GrantingLine

THREE = "ad" * 16


class CountedStorage(MemoryStorage):
    """Counts what a file server would be asked, and fails on command."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.calls: Counter[str] = Counter()
        self.fails = False

    def list(self, folder: str) -> list[str]:
        self._count(f"list {folder}")
        return super().list(folder)

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        self._count(f"read {name}")
        return super().read(name, offset, limit)

    def _count(self, call: str) -> None:
        if self.fails:
            raise RelayStorageError("The file server does not answer.", "Wait.")
        self.calls[call] += 1


class ListingLine(GrantingLine):
    """Lists what waits as a daemon does, with the digests, and gives grants."""

    def __init__(self, *held: Petition) -> None:
        super().__init__(dead=not held)
        self.petitions = {one.request_id: one for one in held}

    def waiting(self) -> list[Waiting]:
        return [Waiting.of(listed(one, 5.0), known) for known, one in self._known().items()]


class Desk(Shell):
    """A shell with a console in it."""

    def __init__(self, *held: Any, host: str = "login1") -> None:
        super().__init__(*held, host=host)
        self.storage: CountedStorage = CountedStorage(self.clock)
        self.queue = RelayQueue(self.storage, self.here, self.clock)
        self.line = ListingLine(*held)
        self.approver = Approver(self.queue, self.clock, self.here, self.line, Key())
        granter = Granter(self.queue, self.here, self.line)
        self.console = Console(self.queue, self.approver, granter, self.clock)

    def look(self, seconds: float = 0.0, chosen: str | None = None) -> Picture:
        self.clock.advance(seconds)
        return self.console.look(chosen)

    def runs(self, request_id: str, stage: Any = "run", **more: Any) -> None:
        body = {"op": "git_push", "args": ["origin", "x"], "cwd": "/home/ada/x", "client": "c"}
        token = Token(request_id, str(self.daemon.me), stage)
        self.storage.put(token.name, wire.encode({**body, "submitted_at": 5.0, **more}))

    def prints(self, request_id: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.storage.append(layout.log(request_id), data)

    def notes(self, event: str, request_id: str = ONE, **facts: Any) -> None:
        entry = Entry(1, "2026-01-02T03:04:05.000Z", event, request_id, facts, "0" * 64)
        self.storage.append(layout.TRAIL_COPY, entry.to_line() + b"\n")


def test_what_waits_comes_from_the_daemon_with_the_preview_of_the_oldest_or_the_chosen() -> None:
    desk = Desk(petition(), petition(TWO, inventory=("run-1",)))
    desk.beats("login")
    picture = desk.look()
    assert [one.request_id for one in picture.waiting] == [ONE, TWO]
    assert picture.preview is not None
    assert picture.preview.lines == tuple(petition().lines())
    chosen = desk.look(1, chosen=TWO).preview
    assert chosen is not None
    assert "sends      run-1" in chosen.lines
    assert desk.storage.calls["list pending"] == 0


def test_a_look_of_a_quiet_queue_lists_one_folder_and_reads_the_beat_every_five_seconds() -> None:
    desk = Desk(petition())
    desk.beats("login")
    desk.notes("serving", "-")
    desk.look()
    desk.storage.calls.clear()
    for _ in range(20):
        desk.look(1)
    assert desk.storage.calls == {
        "list processing": 20,
        "list ": 4,
        f"read {layout.HEARTBEAT}": 4,
        f"read {layout.TRAIL_COPY}": 4,
    }


def test_without_a_line_what_waits_is_read_when_a_name_changes_or_after_a_while() -> None:
    desk = Desk(host="gpu7")
    desk.beats("file")
    desk.waits(petition())
    assert [one.request_id for one in desk.look().waiting] == [ONE]
    desk.storage.calls.clear()
    for _ in range(5):
        desk.look(1)
    assert desk.storage.calls["list pending"] == 5
    assert desk.storage.calls[f"read {layout.pending(ONE)}"] == 0
    desk.waits(petition(TWO))
    assert len(desk.look(1).waiting) == 2
    desk.storage.calls.clear()
    desk.look(AGAIN_S)
    assert desk.storage.calls[f"read {layout.pending(ONE)}"] == 1


def test_a_preview_is_asked_for_once_and_again_when_its_digest_changes() -> None:
    desk = Desk(petition())
    desk.beats("login")
    asked = Counter[str]()
    show = desk.line.show
    desk.line.show = lambda prefix: (asked.update([prefix]), show(prefix))[1]  # type: ignore[method-assign]
    for _ in range(30):
        desk.look(1)
    assert asked == {ONE: 1}
    desk.line.petitions[ONE] = petition(inventory=("run-2",))
    changed = desk.look(1)
    assert changed.preview is not None
    assert "sends      run-2" in changed.preview.lines
    assert changed.digest_of(ONE) == petition(inventory=("run-2",)).digest
    assert changed.digest_of(TWO) is None


def test_what_was_shown_is_approved_and_what_changed_or_went_away_is_not() -> None:
    desk = Desk(host="gpu7")
    desk.beats("file")
    desk.waits(petition())
    shown = desk.console.show(ONE)
    desk.waits(petition(inventory=("run-1",)))
    with pytest.raises(RelayRejectedError, match="has changed since it was shown"):
        desk.console.approve(shown)
    desk.storage.remove(layout.pending(ONE))
    with pytest.raises(RelayNotFoundError):
        desk.console.approve(shown)
    assert desk.approved() == {}
    desk.waits(petition())
    desk.console.approve(shown)
    assert [*desk.approved()] == [ONE]


def test_a_rejection_names_the_request_and_its_reason() -> None:
    desk = Desk(petition())
    desk.beats("login")
    assert desk.console.reject(ONE, "not now").request_id == ONE
    assert desk.line.said == [("reject", ONE, "not now")]


def test_a_grant_is_shown_given_and_listed_until_it_is_gone() -> None:
    desk = Desk(petition())
    desk.beats("login")
    assert desk.look().grants == ()
    offer = desk.console.offer(desk.console.show(ONE), 60)
    assert (offer.op, offer.root) == ("wandb_sync", "/home/ada/x")
    assert desk.look(5).grants == ()
    given = desk.console.grant(offer)
    assert desk.look(0.5).grants == (given,)
    assert [one.id for one in desk.look(5).grants] == [given.id]
    desk.line.revoke(given.id)
    assert desk.look(5).grants == ()


def test_elsewhere_it_shows_what_it_can_and_where_to_go() -> None:
    desk = Desk(host="gpu7")
    desk.beats("login", "login2.cluster")
    desk.waits(petition(inventory=("run-1",)), "login")
    picture = desk.look()
    assert picture.standing.up
    (alert,) = picture.standing.alerts
    assert "only on login2.cluster" in alert.what
    assert alert.next == "ssh -t login2.cluster aexp relay console --queue memory://"
    assert picture.preview is not None
    assert "sends      run-1" in picture.preview.lines
    assert picture.preview.alert is not None


@pytest.mark.parametrize("host", ["a; rm -rf ~", "-oProxyCommand=x", EVIL, 5, None])
def test_a_forged_host_never_becomes_part_of_a_command(host: object) -> None:
    desk = Desk(host="gpu7")
    desk.beats("login", host)
    (alert,) = desk.look().standing.alerts
    assert "ssh" not in alert.next
    assert alert.next.startswith("On its login node: aexp relay console")


def test_without_a_daemon_it_says_so_and_how_to_get_one() -> None:
    desk = Desk()
    standing = desk.look().standing
    assert not standing.up
    (alert,) = standing.alerts
    assert "No daemon serves this queue" in alert.what
    assert "aexp relay up" in alert.next
    desk.beats("login")
    assert desk.look(1).standing.up
    desk.here.dead.add(str(desk.daemon.me))
    desk.look(5)
    gone = desk.look(2).standing
    assert "its process is gone" in gone.alerts[0].what


def test_a_daemon_that_stops_beating_is_told_within_its_patience_and_never_waited_for() -> None:
    desk = Desk()
    desk.beats("login")
    began = desk.clock.monotonic()
    assert desk.look().standing.up
    for _ in range(28):
        assert desk.look(1).standing.up
    assert desk.clock.monotonic() - began == 28
    for _ in range(10):
        picture = desk.look(1)
    assert "is it suspended?" in picture.standing.alerts[0].what
    assert picture.standing.alerts[0].next == f"Let it go on: kill -CONT {desk.daemon.me.pid}"
    far = Desk(host="gpu7")
    far.beats("login")
    far.clock.skew = 3600.0
    assert not far.look().standing.up
    for _ in range(9):
        picture = far.look(1)
    assert "the beat of the one on login1 has stopped" in picture.standing.alerts[0].what


def test_trouble_of_the_daemon_and_a_forgeable_consent_are_told() -> None:
    desk = Desk()
    facts = {"wall": desk.clock.wall(), "daemon": str(desk.daemon.me), "host": EVIL, "pid": "x"}
    desk.storage.put(layout.HEARTBEAT, wire.encode({**facts, "trouble": EVIL, "consent": EVIL}))
    standing = desk.look().standing
    told = "".join([standing.what, *(alert.what + alert.next for alert in standing.alerts)])
    assert "is in trouble" in told
    assert "can forge" in told
    assert told.isprintable()


def test_what_runs_is_shown_with_the_end_of_its_output_and_progress_is_collapsed() -> None:
    desk = Desk(petition(THREE))
    desk.beats("login")
    desk.runs(ONE)
    desk.runs(TWO, "claim", submitted_at=6.0)
    first = desk.look().running
    assert [(one.view.state, one.tail) for one in first] == [
        (State.RUNNING, ()), (State.APPROVED, ()),
    ]  # fmt: skip
    desk.prints(ONE, "$ git push  (cwd=/x)\ncounting\nwriting 10%\rwriting 20%\r")
    assert desk.look(1).running[0].tail == ("counting", "writing 20%")
    desk.prints(ONE, "writing 100%\ndone")
    desk.storage.calls.clear()
    assert desk.look(1).running[0].tail == ("counting", "writing 100%", "done")
    assert desk.storage.calls == {"list processing": 1, f"read {layout.log(ONE)}": 1}


def test_a_long_log_is_shown_by_its_end_at_a_bounded_price() -> None:
    desk = Desk()
    desk.runs(ONE)
    desk.prints(ONE, b"".join(b"line %d\n" % number for number in range(500_000)))
    desk.storage.calls.clear()
    tail = desk.look().running[0].tail
    assert tail == tuple(f"line {number}" for number in range(500_000 - TAIL_LINES, 500_000))
    assert desk.storage.calls[f"read {layout.log(ONE)}"] < 30
    desk.prints(ONE, "$ not a heading\n" + "more\n" * CHUNK + "the end\n")
    assert desk.look(1).running[0].tail[-2:] == ("more", "the end")
    desk.prints(ONE, "$ looks like a heading\n")
    assert desk.look(1).running[0].tail[-1] == "$ looks like a heading"


def test_a_run_without_a_log_of_its_own_does_not_cost_a_listing_each_time() -> None:
    desk = Desk()
    desk.runs(ONE)
    for _ in range(9):
        desk.look(1)
    assert desk.storage.calls["list log"] == 3


def test_what_is_over_is_told_by_the_trail_the_latest_first() -> None:
    desk = Desk()
    desk.notes("received", ONE, op="wandb_sync", cwd="/home/ada/x", client="c")
    desk.notes("approve", ONE, op="wandb_sync", how="over the socket", digest="d")
    desk.notes("done", ONE, op="wandb_sync", state="completed", returncode=0)
    desk.notes("received", TWO, op="git_push", args="origin x", cwd="/home/ada/y")
    desk.notes("done", TWO, op="git_push", state="completed", returncode=1)
    desk.notes("crashed", THREE, op="git_pull", answered=True)
    crashed, pushed, synced = desk.look().history
    assert (crashed.state, crashed.op) == (State.CRASHED, "git_pull")
    assert (pushed.args, pushed.cwd, pushed.returncode) == ("origin x", "/home/ada/y", 1)
    assert (synced.decided, synced.returncode, synced.at) == ("over the socket", 0, 1767323045.0)
    desk.notes("done", TWO, op="git_fetch", state="completed", returncode=0)
    desk.runs(THREE)
    assert desk.look(1).history[0].op == "git_fetch"


def test_another_daemons_trail_is_read_anew() -> None:
    desk = Desk()
    desk.beats("login")
    desk.notes("done", ONE, op="git_push", state="completed", returncode=0)
    desk.notes("done", TWO, op="git_push", state="completed", returncode=0)
    assert len(desk.look().history) == 2
    desk.daemon = FakeProcesses("login1", pid=9)
    desk.storage.remove(layout.TRAIL_COPY)
    desk.notes("done", THREE, op="git_pull", state="completed", returncode=0)
    desk.beats("login")
    assert [one.request_id for one in desk.look(5).history] == [THREE]


def test_a_long_trail_and_a_torn_line_keep_to_the_latest() -> None:
    desk = Desk()
    for number in range(2000):
        desk.notes("done", f"{number:032x}", op="git_push", state="completed", returncode=0)
    desk.storage.append(layout.TRAIL_COPY, b'{"torn')
    found = desk.look().history
    assert len(found) == MOST_PAST
    assert found[0].request_id == f"{1999:032x}"
    desk.storage.append(layout.TRAIL_COPY, b'"}\n')
    desk.notes("done", ONE, op="git_pull", state="completed", returncode=0)
    assert desk.look(5).history[0].request_id == ONE


def every_text(found: object) -> list[str]:
    """Every text in a picture."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, Sequence):
        return [text for item in found for text in every_text(item)]
    if hasattr(found, "__dataclass_fields__"):
        return every_text([*vars(found).values()])
    return []


def test_nothing_in_a_picture_acts_on_a_terminal() -> None:
    desk = Desk()
    desk.beats("file", EVIL)
    hostile = petition(op=EVIL, args=(EVIL,), cwd=EVIL, client=EVIL, reason=EVIL, inventory=(EVIL,))
    desk.waits(hostile)
    desk.runs(TWO, op=EVIL, args=[EVIL], cwd=EVIL, client=EVIL)
    desk.prints(TWO, f"{EVIL}\n".encode("utf-8", "surrogateescape"))
    desk.notes("done", "-" + EVIL, op=EVIL, args=EVIL, cwd=EVIL, state=EVIL, error=EVIL, how=EVIL)
    desk.storage.append(layout.TRAIL_COPY, EVIL.encode("utf-8", "surrogateescape") + b"\n")
    picture = desk.look()
    texts = every_text(picture)
    assert len(picture.waiting) == len(picture.running) == len(picture.history) == 1
    assert picture.running[0].tail
    assert len(texts) > 20
    assert [text for text in texts if not text.isprintable()] == []


def test_when_the_file_server_fails_the_last_picture_stays_and_says_that_it_is_old() -> None:
    desk = Desk(petition())
    desk.beats("login")
    desk.runs(TWO)
    before = desk.look()
    desk.storage.fails = True
    failing = desk.look(1)
    assert failing.alert == Alert(
        "What is shown may be old: The file server does not answer.", "Wait."
    )
    assert replace(failing, alert=None) == before
    desk.storage.fails = False
    assert desk.look(1).alert is None


def test_a_quiet_queue_is_looked_at_less_often_and_a_change_quickens_it() -> None:
    desk = Desk(petition())
    desk.beats("login")
    desk.look()
    assert desk.console.pause_s == CONSOLE_S
    for _ in range(300):
        desk.beats("login")
        desk.look(1)
    assert desk.console.pause_s == CONSOLE_MOST_S
    desk.runs(TWO)
    desk.look(1)
    assert desk.console.pause_s == CONSOLE_S
    assert [console_wait(second) for second in (0, 60, 120, 600)] == [1.0, 1.0, 2.0, 3.0]
