"""What the shared home's adapter does beyond the contract: links, FIFOs, lost replies, other processes."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage import shared_home
from aexp.adapters.storage.fsspec import FsspecStorage, open_file_queue
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.profiles import POSIX


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def storage(root: Path) -> FsspecStorage:
    return open_file_queue(str(root), ManualClock(), "nfs")


def failing(times: int, code: int, real: Callable[..., object], *, after: bool = False):
    """A system call that fails ``times`` times; ``after``: it does its work and then says it failed."""
    left = [times]

    def call(*args: object, **kwargs: object) -> object:
        if left[0] > 0:
            left[0] -= 1
            if after:
                real(*args, **kwargs)
            raise OSError(code, os.strerror(code), str(args[0]))
        return real(*args, **kwargs)

    return call


def test_folders_are_made_for_their_owner_alone(storage: FsspecStorage, root: Path) -> None:
    storage.put("inbox/a", b"x")
    assert root.stat().st_mode & 0o777 == 0o700
    assert (root / "inbox").stat().st_mode & 0o777 == 0o700
    assert (root / "inbox/a").stat().st_mode & 0o777 == 0o600


def test_nothing_unfinished_is_left_behind(storage: FsspecStorage, root: Path) -> None:
    storage.put("inbox/a", b"x")
    storage.put_new("outbox/a", b"x")
    storage.put_new("outbox/a", b"y")
    assert os.listdir(root / "tmp") == []


def test_a_link_is_not_read_through(storage: FsspecStorage, root: Path) -> None:
    storage.put("inbox/a", b"x")
    (root / "inbox/link").symlink_to("/etc/passwd")
    with pytest.raises(StorageUnfitError, match="inbox/link"):
        storage.read("inbox/link")


def test_a_log_is_not_written_through_a_link(storage: FsspecStorage, root: Path) -> None:
    storage.put("log/other", b"x")
    precious = root.parent / "precious"
    precious.write_text("keep")
    (root / "log/a.txt").symlink_to(precious)
    with pytest.raises(StorageUnfitError):
        storage.append("log/a.txt", b"overwritten")
    assert precious.read_text() == "keep"


def test_a_put_replaces_a_link_and_not_what_it_points_to(
    storage: FsspecStorage, root: Path
) -> None:
    precious = root.parent / "precious"
    precious.write_text("keep")
    storage.put("outbox/b", b"")
    (root / "outbox/a").symlink_to(precious)
    storage.put("outbox/a", b"answer")
    assert precious.read_text() == "keep"
    assert storage.read("outbox/a") == b"answer"


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_not_a_file_is_refused_without_waiting(
    storage: FsspecStorage, root: Path, kind: str
) -> None:
    storage.put("inbox/a", b"x")
    os.mkfifo(root / "inbox/odd") if kind == "fifo" else (root / "inbox/odd").mkdir()
    with pytest.raises(StorageUnfitError):
        storage.read("inbox/odd")
    with pytest.raises(StorageUnfitError):
        storage.append("inbox/odd", b"x")


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EIO, errno.ESTALE])
def test_a_move_whose_reply_was_lost_is_known_to_be_made(
    storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    storage.put("inbox/a", b"x")
    lost = failing(1, code, os.rename, after=True)
    monkeypatch.setattr(shared_home.os, "rename", lost)
    assert storage.take("inbox/a", "processing/a.me.claim") is True


def test_a_move_that_was_not_made_is_an_error_and_not_a_copy(
    storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("inbox/a", b"x")
    monkeypatch.setattr(shared_home.os, "rename", failing(9, errno.EIO, os.rename))
    with pytest.raises(RelayStorageError, match="could not be moved"):
        storage.take("inbox/a", "processing/a.me.claim")
    assert storage.list("inbox") == ["a"]
    assert storage.list("processing") == []


@pytest.mark.parametrize("code", [errno.EEXIST, errno.EIO, errno.ESTALE])
def test_a_creation_whose_reply_was_lost_is_known_to_be_ours(
    storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    storage.put("outbox/other", b"")
    monkeypatch.setattr(shared_home.os, "link", failing(1, code, os.link, after=True))
    assert storage.put_new("outbox/a", b"mine") is True
    assert storage.read("outbox/a") == b"mine"


def test_a_stale_handle_is_tried_again_on_the_clock(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    storage = open_file_queue(str(root), clock, "nfs")
    storage.put("inbox/a", b"x")
    monkeypatch.setattr(shared_home.os, "listdir", failing(3, errno.ESTALE, os.listdir))
    before = clock.monotonic()
    assert storage.list("inbox") == ["a"]
    assert clock.monotonic() > before


def test_a_handle_that_stays_stale_is_an_error_after_a_few_tries(
    storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("inbox/a", b"x")
    monkeypatch.setattr(shared_home.os, "listdir", failing(99, errno.ESTALE, os.listdir))
    with pytest.raises(RelayStorageError, match=r"could not be listed.*file server"):
        storage.list("inbox")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_content_and_names_the_remedy(
    storage: FsspecStorage, root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    storage.put("heartbeat", b"old")
    monkeypatch.setattr(shared_home.os, "fsync", failing(1, code, os.fsync))
    with pytest.raises(RelayStorageError, match="quota"):
        storage.put("heartbeat", b"new")
    assert storage.read("heartbeat") == b"old"
    assert os.listdir(root / "tmp") == []


def test_an_error_that_is_not_absence_is_never_taken_for_it(
    storage: FsspecStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("inbox/a", b"x")
    monkeypatch.setattr(shared_home.os, "listdir", failing(1, errno.EIO, os.listdir))
    with pytest.raises(RelayStorageError):
        storage.list("inbox")


def test_a_taker_between_the_listing_and_the_move_loses_cleanly(
    storage: FsspecStorage, root: Path
) -> None:
    storage.put("inbox/a", b"x")
    listed = storage.list("inbox")
    other = open_file_queue(str(root), ManualClock())
    assert other.take(f"inbox/{listed[0]}", "processing/a.other.claim") is True
    assert storage.take(f"inbox/{listed[0]}", "processing/a.me.claim") is False
    with pytest.raises(StorageMissingError):
        storage.read("inbox/a")


_CLAIMER = """
import json, sys
from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
root, me = sys.argv[1:]
storage = open_file_queue(root, ManualClock())
sys.stdin.readline()
won = [n for n in range(300) if storage.take(f"inbox/{n}", f"processing/{n}.{me}.claim")]
made = [n for n in range(300) if storage.put_new(f"outbox/{n}", me.encode())]
print(json.dumps([won, made]))
"""


def test_two_processes_never_both_win(storage: FsspecStorage, root: Path) -> None:
    for number in range(300):
        storage.put(f"inbox/{number}", b"x")
    claimers = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIMER, str(root), f"d{n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    outputs = [json.loads(claimer.communicate(timeout=60)[0]) for claimer in claimers]
    for verb in (0, 1):
        wins = sorted(number for output in outputs for number in output[verb])
        assert wins == [*range(300)]
    assert len(storage.list("processing")) == 300


def test_a_move_of_what_is_not_there_makes_no_folder(storage: FsspecStorage, root: Path) -> None:
    assert storage.take("inbox/nothing", "stale/nothing") is False
    assert not root.exists()


def test_comparing_with_a_huge_file_reads_little_of_it(storage: FsspecStorage, root: Path) -> None:
    storage.put("outbox/other", b"")
    with (root / "outbox/a").open("wb") as file:
        file.truncate(1 << 42)
    assert storage.put_new("outbox/a", b"mine") is False


def test_no_descriptor_is_left_open_by_what_is_not_a_file(
    storage: FsspecStorage, root: Path
) -> None:
    storage.put("outbox/other", b"")
    (root / "outbox/a").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert storage.put_new("outbox/a", b"mine") is False
        with pytest.raises(StorageUnfitError):
            storage.read("outbox/a")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_filesystem_without_atomic_moves_is_refused() -> None:
    from fsspec.implementations.local import LocalFileSystem

    with pytest.raises(RelayStorageError, match="atomically"):
        FsspecStorage(LocalFileSystem(), "/queue", ManualClock(), "file:///queue", POSIX)


def test_waiting_ends_when_a_descriptor_becomes_readable(storage: FsspecStorage) -> None:
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, b"x")
        # With nothing to read this would wait for a minute and fail by the suite's time limit.
        storage.wait(("inbox",), 60.0, [read_end])
    finally:
        os.close(read_end)
        os.close(write_end)
