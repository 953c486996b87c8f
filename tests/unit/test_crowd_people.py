"""What people are told, and can do, where several daemons serve one queue."""

from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.journal.chained import ChainedJournal
from aexp.adapters.post.memory import Ground, MemoryPost
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.terminals.memory import MemoryTerminals
from aexp.airgapped import RelayBusyError, RelayDownError, RelayNotFoundError
from aexp.airgapped.approver import Approver
from aexp.airgapped.beats import Vigil
from aexp.airgapped.bringing_up import Bringer
from aexp.airgapped.checkup.of_queue import _daemons
from aexp.airgapped.console.history import History
from aexp.airgapped.locks import Locks
from aexp.airgapped.owners import Owners
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.taking_down import Ender
from aexp.domain import layout, wire
from aexp.domain.consent import Mode
from aexp.domain.decisions import Question
from aexp.domain.errors import RelayStorageError
from aexp.domain.findings import Finding
from aexp.domain.identity import ProcessId
from aexp.domain.petition import Petition
from aexp.ports.approval import DecisionLine, Signer
from aexp.ports.post import Posted
from aexp.ports.terminals import Job
from tests.crowd import Crowd, DeskAtLogin, Node
from tests.surgery import FolderStorage, Surgery
from tests.unit.test_crowd import submitted

ID = "0123456789abcdef0123456789abcdef"


class Shell:
    """Somebody types on a node."""

    def __init__(self, crowd: Crowd, name: str) -> None:
        self.processes = FakeProcesses(name, pid=7)
        self.queue = RelayQueue(crowd.storage, self.processes, crowd.clock)
        self.ground = Ground()
        post = MemoryPost(self.ground, self.processes)
        parts = (self.processes, crowd.clock)
        self.ender = Ender(self.queue, post, *parts)
        self.bringer = Bringer(self.queue, post, MemoryTerminals(available=True), *parts)

    def serves(self, pid: int) -> None:
        """A daemon with this number stands at the post of the node."""
        self.ground.posted = Posted(ProcessId.new(self.processes.me.host, pid, 1))


class NoLine(DecisionLine):
    """A line to a daemon that does not hold what it is asked about, or to none."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def show(self, prefix: str) -> Petition:
        raise self.error

    waiting = approve = reject = offer = grant = grants = revoke = show  # type: ignore[assignment]


class NoKey(Signer):
    """Nobody's key."""

    def sign(self, text: bytes) -> bytes:
        raise AssertionError("nothing is signed here")


def approver(crowd: Crowd, host: str, error: Exception) -> Approver:
    """A person on a node whose daemon answers with this error."""
    shell = FakeProcesses(host, pid=7)
    queue = RelayQueue(crowd.storage, shell, crowd.clock)
    return Approver(queue, crowd.clock, shell, NoLine(error), NoKey())


def test_up_starts_one_more_beside_those_on_other_nodes(home: Path) -> None:
    crowd = Crowd(home, "login1")
    shell = Shell(crowd, "login2")
    crowd.clock.tick = lambda: shell.serves(1001)
    assert shell.bringer.up(Job(("/usr/bin/python3",), "/", {})).state == "started"


def test_down_without_a_daemon_here_says_where_they_are(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    crowd.pass_time(6)
    with pytest.raises(RelayBusyError) as caught:
        Shell(crowd, "login3").ender.down()
    assert "served by the one on login1 (pid 100), and on login2 (pid 100)" in caught.value.what
    for node in crowd.nodes.values():
        node.die()
    crowd.clock.advance(100)
    assert Shell(crowd, "login3").ender.down().pid is None


def test_down_says_where_they_are_though_their_clocks_are_hours_off(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(home, "login1")
    put = crowd.storage.put

    def late(name: str, data: bytes, *, durable: bool = True) -> None:
        if name.endswith(".hb"):
            facts = wire.decode(data)
            data = wire.encode({**facts, "wall": facts["wall"] - 7200})
        put(name, data, durable=durable)

    monkeypatch.setattr(crowd.storage, "put", late)
    crowd.pass_time(11)
    with pytest.raises(RelayBusyError, match=r"served by the one on login1 \(pid 100\)"):
        Shell(crowd, "login3").ender.down()


def test_down_ends_the_one_here_and_names_the_others(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2")
    crowd.pass_time(6)
    shell = Shell(crowd, "login1")
    shell.serves(1001)
    posted = shell.ground.posted
    assert posted is not None
    shell.processes.dead.add(str(posted.process))
    assert shell.ender.down().others == ("login2 (pid 100)",)


def test_down_ends_nothing_that_the_queue_alone_names(home: Path) -> None:
    crowd = Crowd(home, "login1")
    crowd.pass_time(6)
    with pytest.raises(RelayBusyError, match="cannot be found here"):
        Shell(crowd, "login1").ender.down()


def test_what_another_node_asks_about_is_said_to_be_asked_there(home: Path) -> None:
    crowd = Crowd(home, "login1", decisions=DeskAtLogin)
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(2)
    crowd.join("login2")
    person = approver(crowd, "login2", RelayNotFoundError("None.", ""))
    with pytest.raises(RelayNotFoundError) as caught:
        person.look(request_id)
    assert "The daemon on login1 asks about it" in caught.value.hint
    at_home = approver(crowd, "login1", RelayNotFoundError("None.", ""))
    with pytest.raises(RelayNotFoundError, match="planted"):
        at_home.look(request_id)


def test_the_next_daemon_says_since_when_a_request_has_waited(home: Path) -> None:
    crowd = Crowd(home, "login1", decisions=DeskAtLogin)
    submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(2)
    began = since(crowd["login1"])
    crowd["login1"].die()
    crowd.pass_time(60)
    crowd["login1"].start()
    crowd.pass_time(2)
    assert since(crowd["login1"]) == pytest.approx(began, abs=0.001)


def since(node: Node) -> float:
    """When the only request that waits there began to, as a person is told."""
    (waiting,) = node.login_desk.book.answer(Question("list"), "ada", 0.0)["waiting"]
    return float(waiting["since"])


def test_a_person_beside_one_of_several_daemons_need_not_go_elsewhere(home: Path) -> None:
    crowd = Crowd(home, "login1", "login2", decisions=DeskAtLogin)
    crowd.pass_time(12)
    nobody = RelayDownError("None.", "")
    assert [approver(crowd, host, nobody).elsewhere() for host in crowd.nodes] == [None, None]
    assert approver(crowd, "login3", nobody).elsewhere() in ("login1", "login2")


def test_how_a_request_is_approved_is_said_by_the_daemon_that_asks(home: Path) -> None:
    crowd = Crowd(home, "login1")
    (request_id,) = submitted(crowd, 1, "wandb_sync")
    crowd.pass_time(2)
    beat = {"daemon": "login2-1-1-00000000", "proto": 2, "consent": "login"}
    crowd.storage.put(layout.HEARTBEAT, wire.encode(beat))
    shown = approver(crowd, "gpu7", RelayDownError("None.", "")).look(request_id)
    assert shown.mode is Mode.FILE


def checked(crowd: Crowd) -> Finding | None:
    """What the check-up says of those that serve together."""
    ground = replace(Surgery().ground(), queue=crowd.any.queue, clock=crowd.clock)
    found = _daemons(ground, "daemons")
    assert found is None or isinstance(found, Finding)
    return found


def test_the_check_up_tells_of_each_and_of_what_differs(home: Path) -> None:
    crowd = Crowd(home, "login1", decisions=DeskAtLogin)
    crowd.decisions = None
    crowd.join("login2")
    crowd.pass_time(12)
    found = checked(crowd)
    assert found is not None
    assert found.level == "warn"
    assert "the weakest decides: login1 (pid 100): login" in found.what
    crowd["login1"].die()
    crowd.pass_time(60)
    found = checked(crowd)
    assert found is not None
    assert found.what == "no beat lately from login1 (pid 100)"


def test_the_check_up_says_nothing_of_several_where_one_serves() -> None:
    surgery = Surgery(FolderStorage(ManualClock()))
    surgery.serve()
    assert "daemons" not in surgery.findings()


def test_each_node_has_a_copy_of_its_own_trail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    storage = MemoryStorage(clock, shared=True)
    for host, request_id in (("login1", ID), ("login2/..", ID[::-1])):
        monkeypatch.setattr("os.uname", lambda host=host: type("U", (), {"nodename": host})())
        journal = ChainedJournal(tmp_path / host.replace("/", "_"), storage, clock)
        for _ in range(2):
            journal.record("done", request_id, {"op": "git_pull", "state": "completed"})
            journal.settle()
    assert storage.list(layout.BAD) == []
    names = sorted(name for name in storage.list("") if layout.is_trail_copy(name))
    assert names == ["audit.login1.jsonl", "audit.login2_...jsonl"]
    assert {past.request_id for past in History(storage).look()} == {ID, ID[::-1]}


@pytest.mark.parametrize("first", [True, False])
def test_two_who_want_a_lock_at_once_never_both_have_it(first: bool) -> None:
    clock = ManualClock()

    class Racing(MemoryStorage):
        """Whoever puts a name is overtaken by somebody else who wants the same, before or after."""

        rival: Locks | None = None
        won = False

        def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
            rival, self.rival = self.rival, None
            if rival is not None and first:
                self.won = rival.try_for("sweep")
            super().put(name, data, durable=durable)
            if rival is not None and not first:
                self.won = rival.try_for("sweep")

    storage = Racing(clock, shared=True)
    one, two = (
        Locks(storage, str(host.me), Owners(storage, host, clock))
        for host in (FakeProcesses("login1"), FakeProcesses("login2"))
    )
    storage.rival = two
    assert one.try_for("sweep") is not storage.won
    assert len(storage.list(layout.LEASE)) == 1, "who stepped back left nothing"
    assert storage.won is first
    holder, other = (two, one) if first else (one, two)
    assert holder.try_for("sweep"), "what one has, one has"
    assert not other.try_for("sweep")
    holder.let_go("sweep")
    assert other.try_for("sweep")


def test_a_lock_that_could_not_be_given_back_is_given_back_later() -> None:
    clock, host = ManualClock(), FakeProcesses("login1")

    class Failing(MemoryStorage):
        fails = False

        def remove(self, name: str) -> None:
            if self.fails:
                raise RelayStorageError("It failed.", "Try again.")
            super().remove(name)

    storage = Failing(clock, shared=True)
    locks = Locks(storage, str(host.me), Owners(storage, host, clock))
    assert locks.try_for("sweep")
    storage.fails = True
    locks.let_go("sweep")
    assert storage.list(layout.LEASE) != []
    storage.fails = False
    locks.tidy()
    assert storage.list(layout.LEASE) == []


def test_a_reader_of_files_asks_nothing_more_than_before() -> None:
    clock = ManualClock()

    class Counting(MemoryStorage):
        asked = 0

        def list(self, folder: str) -> list[str]:
            self.asked += 1
            return super().list(folder)

    storage = Counting(clock)
    vigil = Vigil(RelayQueue(storage, FakeProcesses("gpu7"), clock), clock)
    assert vigil.is_over()
    assert storage.asked == 1
