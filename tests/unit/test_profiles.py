"""Which filesystem is treated how, and what the shared home's adapter makes of it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage import shared_home
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.mounts import mount_of
from aexp.adapters.storage.reserve import SIZE
from aexp.airgapped.defaults import open_queue
from aexp.domain.errors import SettingsError, StorageFullError
from aexp.domain.profiles import PROFILES, profile_for

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2,hard
41 22 0:36 / /home/lab rw,relatime shared:3 - nfs server:/lab rw,vers=3,nocto
42 22 0:37 / /lustre/my\\040data rw - lustre mds@tcp:/fs rw,flock
43 22 0:38 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
44 22 0:39 / /over rw - tmpfs none rw
45 44 0:40 / /over rw - nfs4 server:/over rw
nonsense
46 22
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return str(path)


@pytest.mark.parametrize(
    ("path", "kind", "profile"),
    [
        ("/home/ada/.relay", "nfs4", "nfs"),
        ("/home/lab/queue", "nfs", "nfs-nocto"),
        ("/home/labor/queue", "nfs4", "nfs"),
        ("/lustre/my data/queue", "lustre", "lustre"),
        ("/mnt/ssh/queue", "fuse.sshfs", "network"),
        ("/srv/queue", "ext4", "posix"),
        ("/over/queue", "nfs4", "nfs"),
    ],
)
def test_the_mount_table_tells_the_profile(table: str, path: str, kind: str, profile: str) -> None:
    mount = mount_of(path, table)
    assert mount is not None
    chosen = profile_for(mount.kind, mount.options)
    assert (chosen.seen, chosen.name) == (kind, profile)


def test_without_a_mount_table_the_careful_choice_is_made(tmp_path: Path) -> None:
    assert mount_of("/home", str(tmp_path / "none")) is None
    assert profile_for("somefs", frozenset()).name == "network"


def test_a_profile_can_be_chosen_by_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    assert open_queue("~/q", clock, "lustre").profile.name == "lustre"
    monkeypatch.setenv("AEXP_RELAY_PROFILE", "nfs")
    assert open_queue("~/q", clock).profile.name == "nfs"
    with pytest.raises(SettingsError, match="no filesystem profile floppy"):
        open_queue("~/q", clock, "floppy")


def test_every_profile_is_called_by_its_name() -> None:
    assert all(PROFILES[name].name == name for name in PROFILES)


@pytest.mark.parametrize("name", [*PROFILES])
def test_a_profile_decides_what_is_synced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), name)
    storage.put("inbox/a", b"x")
    synced: list[str] = []
    real = os.fsync

    def noted(handle: int) -> None:
        synced.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        real(handle)

    monkeypatch.setattr(shared_home.os, "fsync", noted)
    storage.put("inbox/b", b"x")
    profile = PROFILES[name]
    assert synced == ["file"] * profile.sync_file + ["folder"] * profile.sync_folder
    synced.clear()
    storage.take("inbox/a", "processing/a.x.claim")
    storage.take("inbox/b", "processing/b.x.run", durable=True)
    assert synced == ["folder"] * profile.sync_folder
    synced.clear()
    storage.put("heartbeat", b"x", durable=False)
    assert synced == []


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs"])
def test_where_a_file_takes_its_name_to_the_disk_it_is_synced_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem = shared_home.SharedHomeFileSystem(
        f"{tmp_path}/q/tmp", profile_for(kind, frozenset())
    )
    filesystem.pipe_file(f"{tmp_path}/q/inbox/first", b"x", mode="create")
    synced: list[tuple[bool, int]] = []

    def noted(handle: int) -> None:
        about = os.fstat(handle)
        synced.append((os.path.isdir(f"/proc/self/fd/{handle}"), about.st_nlink))

    monkeypatch.setattr(shared_home.os, "fsync", noted)
    filesystem.pipe_file(f"{tmp_path}/q/inbox/second", b"x", mode="create")
    assert synced == [(False, 2)], "after it has got its name, and no folder"
    assert os.listdir(f"{tmp_path}/q/tmp") == []
    assert profile_for("ext2", frozenset()).sync_folder
    assert not profile_for("ext2", frozenset()).sync_last


def test_where_listings_are_stale_the_folder_is_touched_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), "nfs-nocto")
    storage.put("inbox/a", b"x")
    before = (tmp_path / "q/inbox").stat().st_mtime_ns
    os.utime(tmp_path / "q/inbox", ns=(0, 0))
    assert storage.list("inbox") == ["a"]
    assert (tmp_path / "q/inbox").stat().st_mtime_ns >= before
    monkeypatch.setattr(shared_home.os, "open", _full(os.open))
    assert storage.list("inbox") == ["a"]


def test_a_folder_that_this_node_wrongly_remembers_as_missing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), "network")
    storage.put("inbox/a", b"x")
    real, forgets = os.listdir, iter([True])

    def forgetful(path: str) -> list[str]:
        if next(forgets, False):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return real(path)

    monkeypatch.setattr(shared_home.os, "listdir", forgetful)
    assert storage.list("inbox") == ["a"]


@pytest.mark.parametrize("name", [*PROFILES])
def test_looking_for_a_queue_that_is_not_there_leaves_nothing(name: str, tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), name)
    assert storage.list("") == []
    assert not (tmp_path / "q").exists()


def _full(real):  # type: ignore[no-untyped-def]
    """``open`` on a disk without room: what exists can be opened, nothing can be made."""

    def call(path, flags, *args, **kwargs):  # type: ignore[no-untyped-def]
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return real(path, flags, *args, **kwargs)

    return call


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A queue with two texts in reserve, on a disk that has just become full."""
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), "nfs")
    storage.put("outbox/before", b"x")
    storage.reserve(2)
    with monkeypatch.context() as patch:
        patch.setattr(shared_home.os, "open", _full(os.open))
        yield storage


def test_what_was_reserved_can_be_written_on_a_full_disk(full) -> None:  # type: ignore[no-untyped-def]
    assert full.put_new("outbox/a", b"an answer") is True
    full.put("heartbeat", b"x" * SIZE)
    assert full.read("outbox/a") == b"an answer"
    assert full.read("heartbeat") == b"x" * SIZE
    with pytest.raises(StorageFullError, match="quota"):
        full.put("outbox/b", b"too much")


def test_a_text_that_is_larger_than_the_reserve_is_refused(full) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StorageFullError):
        full.put_new("outbox/a", b"x" * (SIZE + 1))
    assert full.put_new("outbox/a", b"short") is True


def test_a_reserve_that_cannot_be_made_says_so(full) -> None:  # type: ignore[no-untyped-def]
    full.reserve(2)
    with pytest.raises(StorageFullError, match="kept space"):
        full.reserve(3)


def test_a_reserve_is_given_back(tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock(), "nfs")
    storage.reserve(3)
    assert len(os.listdir(tmp_path / "q/tmp")) == 3
    assert storage.list("tmp") == []
    storage.reserve(0)
    assert os.listdir(tmp_path / "q/tmp") == []


def test_a_reserve_that_a_dead_process_left_long_ago_is_removed(tmp_path: Path) -> None:
    open_file_queue(f"{tmp_path}/q", ManualClock(), "nfs").reserve(1)
    (old,) = (tmp_path / "q/tmp").iterdir()
    os.utime(old, (0, 0))
    open_file_queue(f"{tmp_path}/q", ManualClock(), "nfs").reserve(1)
    assert not old.exists()
