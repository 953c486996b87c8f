"""The promises of the decisions port, kept in every mode; what only one mode promises has its own tests.

Each mode comes with the way in which a person approves there.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.guarded import GuardedDecisions
from aexp.adapters.consent.login import SocketDecisions
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.consent.signed import SignedDecisions
from aexp.adapters.consent.socket_files import connect
from aexp.adapters.consent.ssh_signatures import SshSigner, system_keygen
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.consent import Mode
from aexp.domain.decisions import Question, signed_text
from aexp.domain.errors import RelayNotFoundError, RelayRejectedError, RelayValidationError
from aexp.domain.petition import Petition
from aexp.ports.consent import Decisions
from aexp.ports.storage import QueueStorage
from tests.login import Counter, Login

STORAGES: dict[str, Callable[[Path], QueueStorage]] = {
    "memory": lambda _: MemoryStorage(ManualClock()),
    "shared-home": lambda folder: open_file_queue(f"{folder}/queue", ManualClock()),
}
ONE, TWO = "1" * 32, "2" * 32
SINCE = 1_700_000_000.0


def petition(request_id: str = ONE, cwd: str = "/home/ada/thesis") -> Petition:
    return Petition(request_id, "wandb_sync", (), cwd, cwd, inventory=("run-1, 3 files",))


@dataclass
class Desk:
    """Decisions of one mode, and a person who approves in that mode."""

    decisions: Decisions
    storage: QueueStorage
    approve: Callable[[Petition], None]


def by_file(storage: QueueStorage, folder: Path) -> Desk:
    def approve(seen: Petition) -> None:
        storage.put(f"approved/{seen.request_id}", b"")

    return Desk(MarkerDecisions(storage), storage, approve)


def by_socket(storage: QueueStorage, folder: Path) -> Desk:
    run = folder / "run"
    decisions = SocketDecisions(storage, [run], "q.sock", ManualClock(), "login1")
    decisions.open()

    def approve(seen: Petition) -> None:
        with connect(run, "q.sock", 5.0) as line:
            line.sendall(Question("approve", seen.request_id, digest=seen.digest).to_bytes())
            decisions.collect(())

    return Desk(decisions, storage, approve)


def by_signature(storage: QueueStorage, folder: Path) -> Desk:
    key = folder / "key"
    subprocess.run(
        [system_keygen(), "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", key], check=True
    )
    signers = f"ada@example.org {key.with_suffix('.pub').read_text()}".encode()

    def approve(seen: Petition) -> None:
        signature = SshSigner(str(key), {}).sign(signed_text(seen.digest))
        storage.put(f"approved/{seen.request_id}", signature)

    return Desk(SignedDecisions(storage, signers, system_keygen()), storage, approve)


def by_rights(storage: QueueStorage, folder: Path) -> Desk:
    def approve(seen: Petition) -> None:
        storage.put(f"approved/{seen.request_id}", seen.digest.encode())

    return Desk(GuardedDecisions(storage), storage, approve)


MAKERS = {
    Mode.FILE: by_file,
    Mode.LOGIN: by_socket,
    Mode.SIGNED: by_signature,
    Mode.ACL: by_rights,
}


@pytest.fixture(params=[*STORAGES])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> QueueStorage:
    return STORAGES[request.param](tmp_path)


@pytest.fixture(params=[*MAKERS])
def desk(request: pytest.FixtureRequest, storage: QueueStorage, tmp_path: Path) -> Iterator[Desk]:
    made = MAKERS[request.param](storage, tmp_path)
    assert made.decisions.mode is request.param
    yield made
    made.decisions.close()
    made.decisions.close()


def test_nothing_is_decided_at_first(desk: Desk) -> None:
    desk.decisions.park(petition(ONE))
    verdicts = desk.decisions.collect({ONE, TWO})
    assert (verdicts.approved, verdicts.rejected, verdicts.ignored) == ({}, {}, {})


def test_an_approval_is_collected_until_it_is_settled(desk: Desk) -> None:
    desk.decisions.park(petition(ONE))
    desk.decisions.park(petition(TWO))
    desk.approve(petition(ONE))
    for _ in range(3):
        assert [*desk.decisions.collect([ONE, TWO]).approved] == [ONE]
    assert desk.decisions.collect([ONE]).approved[ONE].isprintable()
    desk.decisions.settle(ONE)
    desk.decisions.settle(ONE)
    assert desk.decisions.collect([ONE, TWO]).approved == {}


def test_a_rejection_by_file_counts_in_every_mode_with_its_reason(desk: Desk) -> None:
    desk.decisions.park(petition(ONE))
    desk.storage.put(f"rejected/{ONE}", b"not now\n")
    assert desk.decisions.collect({ONE}).rejected == {ONE: "not now\n"}
    desk.decisions.settle(ONE)
    assert desk.storage.list("rejected") == []


def test_decisions_on_others_are_not_collected(desk: Desk) -> None:
    desk.decisions.park(petition(ONE))
    desk.approve(petition(ONE))
    desk.storage.put(f"rejected/{ONE}", b"")
    verdicts = desk.decisions.collect({TWO})
    assert (verdicts.approved, verdicts.rejected) == ({}, {})


def test_what_was_never_parked_cannot_be_approved(desk: Desk) -> None:
    desk.approve(petition(ONE))
    assert desk.decisions.collect({ONE}).approved == {}


def test_an_approval_that_was_there_before_counts_for_nothing(desk: Desk) -> None:
    desk.storage.put(f"approved/{ONE}", b"")
    assert desk.decisions.park(petition(ONE)) is True
    assert desk.decisions.collect({ONE}).approved == {}
    assert desk.storage.list("approved") == []
    assert desk.decisions.park(petition(TWO)) is False


def test_a_request_that_waits_again_must_be_approved_again(desk: Desk) -> None:
    desk.decisions.park(petition(ONE))
    desk.approve(petition(ONE))
    assert ONE in desk.decisions.collect({ONE}).approved
    assert desk.decisions.park(petition(ONE)) is True
    assert desk.decisions.collect({ONE}).approved == {}
    desk.approve(petition(ONE))
    assert ONE in desk.decisions.collect({ONE}).approved


def test_a_request_that_goes_on_waiting_is_decided_on_as_before(desk: Desk) -> None:
    desk.decisions.resume(petition(ONE), SINCE)
    assert desk.decisions.collect({ONE}).approved == {}
    desk.approve(petition(ONE))
    assert [*desk.decisions.collect({ONE}).approved] == [ONE]


@pytest.mark.parametrize("mode", [Mode.FILE, Mode.SIGNED])
def test_a_file_that_came_while_no_daemon_ran_counts(
    mode: Mode, storage: QueueStorage, tmp_path: Path
) -> None:
    desk = MAKERS[mode](storage, tmp_path)
    desk.approve(petition(ONE))
    desk.decisions.resume(petition(ONE), SINCE)
    assert [*desk.decisions.collect({ONE}).approved] == [ONE]


@pytest.mark.parametrize("mode", [Mode.LOGIN, Mode.SIGNED])
def test_an_approval_of_something_else_under_the_same_id_does_not_count(
    mode: Mode, storage: QueueStorage, tmp_path: Path
) -> None:
    desk = MAKERS[mode](storage, tmp_path)
    desk.decisions.park(petition(ONE))
    desk.approve(petition(ONE, cwd="/home/ada/other"))
    assert desk.decisions.collect({ONE}).approved == {}
    desk.approve(petition(ONE))
    assert ONE in desk.decisions.collect({ONE}).approved
    desk.decisions.close()


@pytest.mark.parametrize("mode", [Mode.LOGIN, Mode.SIGNED])
@pytest.mark.parametrize("content", [b"", b"yes\n", b"\xff" * 100_000])
def test_a_bare_file_is_no_approval_and_that_is_told_once(
    mode: Mode, content: bytes, storage: QueueStorage, tmp_path: Path
) -> None:
    desk = MAKERS[mode](storage, tmp_path)
    desk.decisions.park(petition(ONE))
    desk.storage.put(f"approved/{ONE}", content)
    verdicts = desk.decisions.collect({ONE})
    assert verdicts.approved == {}
    assert f"aexp relay approve {ONE[:8]}" in verdicts.ignored[ONE]
    desk.storage.put(f"approved/{ONE}", content + b" ")
    verdicts = desk.decisions.collect({ONE})
    assert (verdicts.approved, verdicts.ignored) == ({}, {})
    desk.approve(petition(ONE))
    assert ONE in desk.decisions.collect({ONE}).approved
    desk.decisions.close()


@pytest.mark.parametrize("evil", ["../../x", "..", ".", "", "a/b", ONE + "\n", "\x1b[2K", "A" * 32])
def test_an_id_that_is_none_touches_nothing(desk: Desk, evil: str, tmp_path: Path) -> None:
    outside = tmp_path / "x"
    outside.write_text("kept")
    desk.storage.put(f"approved/{TWO}", b"")
    with pytest.raises(RelayValidationError) as caught:
        desk.decisions.park(petition(evil))
    with pytest.raises(RelayValidationError):
        desk.decisions.resume(petition(evil), SINCE)
    assert str(caught.value).isprintable()
    desk.decisions.settle(evil)
    verdicts = desk.decisions.collect({evil})
    assert (verdicts.approved, verdicts.rejected) == ({}, {})
    assert outside.read_text() == "kept"
    assert desk.storage.list("approved") == [TWO]


@pytest.mark.parametrize("mode", [*MAKERS])
def test_folders_and_links_in_the_place_of_markers_stop_nothing(mode: Mode, tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/queue", ManualClock())
    desk = MAKERS[mode](storage, tmp_path)
    storage.put("rejected/other", b"")
    storage.put("approved/other", b"")
    for folder in ("approved", "rejected"):
        (tmp_path / f"queue/{folder}/{ONE}").symlink_to("/etc/passwd")
        (tmp_path / f"queue/{folder}/{TWO}").mkdir()
        (tmp_path / f"queue/{folder}/{TWO}/full").touch()
    assert desk.decisions.park(petition(ONE)) is True
    assert desk.decisions.park(petition(TWO)) is True
    assert desk.decisions.collect({ONE, TWO}).rejected == {ONE: "", TWO: ""}
    desk.decisions.settle(ONE)
    desk.decisions.settle(TWO)
    assert sorted(storage.list("approved") + storage.list("rejected")) == ["other", "other"]
    assert Path("/etc/passwd").exists()
    (tmp_path / f"queue/approved/{TWO}").mkdir()
    assert desk.decisions.park(petition(TWO)) is True
    desk.approve(petition(TWO))
    assert [*desk.decisions.collect({TWO}).approved] == [TWO]
    desk.decisions.close()


def test_grants_are_heard_only_where_the_requester_cannot_speak(desk: Desk) -> None:
    granting = Counter()
    assert desk.decisions.hears_grants(granting) is (desk.decisions.mode is Mode.LOGIN)


@pytest.mark.parametrize("mode", [Mode.FILE, Mode.SIGNED])
def test_nothing_that_lies_in_the_queue_gives_a_grant_or_takes_one_back(
    mode: Mode, storage: QueueStorage, tmp_path: Path
) -> None:
    desk = MAKERS[mode](storage, tmp_path)
    granting = Counter()
    desk.decisions.hears_grants(granting)
    offer = granting.offer("wandb_sync", "/home/ada/x", 60.0)
    asked = Question("grant", digest=offer.digest, keep="yes").to_bytes()
    desk.decisions.park(petition(ONE))
    for name in (ONE, offer.digest, "grant", offer.digest[:32]):
        storage.put(f"approved/{name}", asked)
    desk.decisions.collect({ONE, offer.digest})
    assert granting.given == {}


def test_over_the_socket_a_grant_is_shown_given_once_listed_and_taken_back(tmp_path: Path) -> None:
    with Login(tmp_path / "run") as login:
        granting = Counter()
        login.decisions.hears_grants(granting)
        offer = login.asking(lambda: login.line.offer("wandb_sync", "/home/ada/x", 60.0))
        assert [offer.digest] == [*granting.offers]
        given = login.asking(lambda: login.line.grant(offer.digest, keep=True))
        assert (given.keep, given.root) == (True, "/home/ada/x")
        assert given.by == f"process {os.getpid()} on login1"
        with pytest.raises(RelayRejectedError, match="not on offer"):
            login.asking(lambda: login.line.grant(offer.digest, keep=True))
        assert login.asking(login.line.grants) == [given]
        assert login.asking(lambda: login.line.revoke(given.id)) == given
        assert login.asking(login.line.grants) == []
        with pytest.raises(RelayNotFoundError):
            login.asking(lambda: login.line.revoke(given.id))
