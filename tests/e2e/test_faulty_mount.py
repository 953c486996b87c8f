"""The queue's storage on a filesystem that lies and refuses: what was done counts, what was not is told."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import FsspecStorage, open_file_queue
from aexp.airgapped import RelayStorageError
from tests.lab.faults import Fault, FaultyMount, faulty_mount
from tests.lab.mounts import or_skip

REFUSALS = ("ENOSPC", "EDQUOT", "EROFS", "EACCES")
WRITES = ("create", "write", "fsync", "flush", "link", "rename")
CLAIMED = 60


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[FaultyMount]:
    with or_skip(faulty_mount(tmp_path / "lab")) as made:
        yield made


@pytest.fixture
def storage(mount: FaultyMount) -> FsspecStorage:
    """A queue on the mount, in which every folder has been written to."""
    made = open_file_queue(str(mount.point / "relay"), ManualClock())
    for folder in ("inbox", "processing", "outbox", "log"):
        made.put(f"{folder}/old", b"old")
    return made


@pytest.mark.parametrize("error", ["ENOENT", "EEXIST", "EIO", "ESTALE"])
def test_what_was_done_counts_as_done_when_its_reply_was_lost(
    mount: FaultyMount, storage: FsspecStorage, error: str
) -> None:
    lost = Fault(("rename", "link", "unlink"), "relay/*/*", error=error, done=True, times=1)
    mount.say(lost)
    assert storage.take("inbox/old", "processing/mine") is True
    mount.say(lost)
    assert storage.put_new("outbox/new", b"whole") is True
    mount.say(lost)
    with suppress(RelayStorageError):
        storage.remove("log/old")
    storage.remove("log/old")
    assert len(mount.met) == 3
    mount.heal()
    assert storage.take("inbox/old", "processing/yours") is False
    assert sorted(storage.list("processing")) == ["mine", "old"]
    assert (storage.read("processing/mine"), storage.read("outbox/new")) == (b"old", b"whole")
    assert storage.list("log") == []


@pytest.mark.parametrize("error", ["ENOENT", "EIO", "ESTALE"])
def test_a_replacement_whose_reply_was_lost_is_no_failure(
    mount: FaultyMount, storage: FsspecStorage, error: str
) -> None:
    mount.say(Fault(("rename",), error=error, done=True, times=1))
    storage.put("heartbeat", b"beat")
    assert storage.read("heartbeat") == b"beat"


@pytest.mark.parametrize("error", ["EEXIST", "EIO", "ESTALE"])
def test_a_draft_whose_reply_was_lost_is_not_taken_for_a_name_that_is_taken(
    mount: FaultyMount, storage: FsspecStorage, error: str
) -> None:
    mount.say(Fault(("create",), "relay/tmp/*", error=error, done=True, times=1))
    with suppress(RelayStorageError):
        assert storage.put_new("inbox/new", b"whole") is True
        assert storage.read("inbox/new") == b"whole"


def test_a_draft_that_stays_behind_does_not_make_the_creation_a_failure(
    mount: FaultyMount, storage: FsspecStorage
) -> None:
    mount.say(Fault(("unlink",), "relay/tmp/*", error="EIO"))
    assert storage.put_new("inbox/new", b"whole") is True


def test_a_server_that_loses_track_for_a_moment_is_not_noticed(
    mount: FaultyMount, storage: FsspecStorage
) -> None:
    def blip(*ops: str) -> None:
        mount.say(*(Fault((op,), error="ESTALE", times=2) for op in ops))

    blip("readdir")
    assert storage.list("inbox") == ["old"]
    blip("open")
    assert storage.read("inbox/old") == b"old"
    blip("create", "rename")
    storage.put("inbox/old", b"new")
    blip("create", "link")
    assert storage.put_new("inbox/more", b"more") is True
    blip("rename")
    assert storage.take("inbox/old", "processing/mine") is True
    blip("unlink")
    storage.remove("inbox/more")
    assert len(mount.met) == 16
    assert storage.read("processing/mine") == b"new"


@pytest.mark.parametrize("op", WRITES)
@pytest.mark.parametrize("error", REFUSALS)
def test_a_refused_write_is_told_with_its_file_and_leaves_nothing_half_done(
    mount: FaultyMount, storage: FsspecStorage, op: str, error: str
) -> None:
    mount.say(Fault((op,), error=error))
    verbs: dict[str, Callable[[], object]] = {
        "inbox/old": lambda: storage.put("inbox/old", b"new"),
        "inbox/new": lambda: storage.put_new("inbox/new", b"new"),
    }
    refused = {"link": ["inbox/new"], "rename": ["inbox/old"]}.get(op, [*verbs])
    for name in refused:
        with pytest.raises(RelayStorageError) as caught:
            verbs[name]()
        assert f"{mount.point}/relay/{name} could not be" in caught.value.what
        assert caught.value.hint
    assert (mount.back / "relay/inbox/old").read_bytes() == b"old"
    assert os.listdir(mount.back / "relay/inbox") == ["old"]
    mount.heal()
    for verb in verbs.values():
        verb()
    assert storage.read("inbox/old") == storage.read("inbox/new") == b"new"


def test_claims_have_one_winner_each_while_replies_are_lost(
    mount: FaultyMount, storage: FsspecStorage
) -> None:
    for number in range(CLAIMED):
        storage.put_new(f"inbox/{number}", b"x")
    mount.say(
        Fault(("rename",), error="ENOENT", done=True, chance=0.2),
        Fault(("rename", "getattr"), error="EIO", chance=0.05),
        Fault(("readdir", "open"), error="ESTALE", chance=0.1),
    )
    won: list[tuple[str, str]] = []

    def claim(me: str) -> None:
        mine = open_file_queue(str(mount.point / "relay"), ManualClock())
        for number in range(CLAIMED):
            while True:
                with suppress(RelayStorageError):
                    if mine.take(f"inbox/{number}", f"processing/{number}.{me}"):
                        won.append((str(number), me))
                    break

    claimers = [threading.Thread(target=claim, args=(me,)) for me in ("a", "b", "c")]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    assert len(won) == CLAIMED
    there = {tuple(entry.split(".")) for entry in os.listdir(mount.back / "relay/processing")}
    assert there - {("old",)} == set(won)
