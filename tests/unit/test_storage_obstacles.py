"""What a hostile process can put where the shared home expects a file or a folder of its own."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage import shared_home
from aexp.adapters.storage.fsspec import FsspecStorage, open_file_queue
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError, StorageUnfitError
from aexp.domain.profiles import PROFILES
from tests import unprivileged

PRECIOUS = b"keep\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture(params=["posix", "nfs"])
def storage(root: Path, request: pytest.FixtureRequest) -> FsspecStorage:
    made = open_file_queue(str(root), ManualClock(), request.param)
    for folder in layout.EVERY_FOLDER:
        made.put(f"{folder}/made", b"")
        made.remove(f"{folder}/made")
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file that nothing may touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_bytes(PRECIOUS)
    return folder


VERBS: dict[str, Callable[[FsspecStorage, str], object]] = {
    "put": lambda storage, name: storage.put(name, b"ours"),
    "put_new": lambda storage, name: storage.put_new(name, b"ours"),
    "append": lambda storage, name: storage.append(name, b"ours"),
    "take": lambda storage, name: storage.take("inbox/a", name),
    "remove": lambda storage, name: storage.remove(name),
    "read": lambda storage, name: storage.read(name),
}
PLACES = ["log/a.txt", "outbox/a.json", "replied/a", "waiting/a", "heartbeat", "consent.log"]


def link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "precious")


def dangling(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "new")


def hard_link(path: Path, outside: Path) -> None:
    path.hardlink_to(outside / "precious")


def fifo(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, outside: Path) -> None:
    path.mkdir()


def full_folder(path: Path, outside: Path) -> None:
    path.mkdir()
    (path / "work").write_text("mine")


def locked_folder(path: Path, outside: Path) -> None:
    full_folder(path, outside)
    path.chmod(0)


KINDS = [link, dangling, hard_link, fifo, folder, full_folder, locked_folder]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("verb", [*VERBS])
def test_nothing_outside_is_written_and_nothing_waits(
    storage: FsspecStorage, root: Path, outside: Path, verb: str, place: str, kind: Callable[..., None]
) -> None:  # fmt: skip
    storage.put("inbox/a", b"request")
    kind(root / place, outside)
    try:
        VERBS[verb](storage, place)
    except StorageUnfitError as exc:
        assert place in str(exc)  # noqa: PT017
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_bytes() == PRECIOUS


@pytest.mark.parametrize("kind", [folder, full_folder, locked_folder])
def test_a_folder_in_the_way_is_set_aside_and_the_verb_does_its_work(
    storage: FsspecStorage, root: Path, outside: Path, kind: Callable[..., None]
) -> None:
    for place in ("heartbeat", "processing/a.me.claim", "replied/a"):
        kind(root / place, outside)
    storage.put("heartbeat", b"beat")
    storage.put("inbox/a", b"request")
    assert storage.take("inbox/a", "processing/a.me.claim") is True
    assert storage.read("processing/a.me.claim") == b"request"
    assert storage.read("heartbeat") == b"beat"
    storage.remove("replied/a")
    assert storage.list("replied") == []
    works = [*root.glob("bad/*/work")]
    assert [work.read_text() for work in works] == ["mine"] * (0 if kind is folder else 3)


@pytest.mark.parametrize("kind", [folder, full_folder, locked_folder])
def test_a_folder_is_moved_like_a_file_also_over_a_file(
    storage: FsspecStorage, root: Path, outside: Path, kind: Callable[..., None]
) -> None:
    kind(root / "inbox/a", outside)
    storage.put("processing/a.me.claim", b"in the way")
    assert storage.take("inbox/a", "processing/a.me.claim") is True
    assert storage.list("inbox") == []
    assert (root / "processing/a.me.claim").is_dir()


_UNPRIVILEGED = """
import os, sys
from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
root = sys.argv[1]
storage = open_file_queue(root + "/q", ManualClock(), "posix")
give_up_rights()
storage.put("inbox/b", b"")
os.mkdir(root + "/q/inbox/a")
open(root + "/q/inbox/a/x", "w").close()
os.chmod(root + "/q/inbox/a", 0)
assert storage.take("inbox/a", "processing/a.me.claim") is True
assert storage.list("inbox") == ["b"]
"""


def test_a_locked_folder_is_moved_by_a_user_without_privileges() -> None:
    with unprivileged.folder() as root:
        done = unprivileged.run(_UNPRIVILEGED, root)
        assert done.returncode == 0, done.stderr


def test_what_holds_something_is_never_deleted_from_bad(storage: FsspecStorage, root: Path) -> None:
    full_folder(root / "bad/odd", root)
    with pytest.raises(StorageUnfitError, match="holds something"):
        storage.remove("bad/odd")
    assert (root / "bad/odd/work").read_text() == "mine"


@pytest.mark.parametrize("name", ["log", "outbox", "inbox", "processing", "tmp", "bad"])
@pytest.mark.parametrize("verb", [*VERBS])
def test_a_folder_that_became_a_link_leads_nowhere(
    storage: FsspecStorage, root: Path, outside: Path, verb: str, name: str
) -> None:
    storage.put("inbox/a", b"request")
    storage.put("heartbeat", b"beat")
    (root / name).rename(root / "was")
    (root / name).symlink_to(outside)
    place = "heartbeat" if name == "tmp" else f"{name}/precious"
    try:
        VERBS[verb](storage, place)
    except RelayStorageError as exc:
        assert "folder" in str(exc)  # noqa: PT017
        assert not isinstance(exc, StorageUnfitError)  # noqa: PT017
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_bytes() == PRECIOUS


def test_a_folder_that_is_swapped_between_two_steps_of_one_verb_leads_nowhere(
    storage: FsspecStorage, root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def swapping(*args: object, **kwargs: object) -> None:
        (root / "outbox").rename(root / "was")
        (root / "outbox").symlink_to(outside)
        real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(shared_home.os, "link", swapping)
    with suppress(RelayStorageError):
        storage.put_new("outbox/answer", b"ours")
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_a_link_to_nowhere_in_a_folders_place_is_not_taken_for_a_taken_name(
    storage: FsspecStorage, root: Path
) -> None:
    (root / "outbox").rmdir()
    (root / "outbox").symlink_to(root / "nowhere")
    with pytest.raises(RelayStorageError):
        storage.put_new("outbox/a", b"answer")


def test_a_queue_that_is_a_link_to_nowhere_is_an_error_and_not_a_taken_name(tmp_path: Path) -> None:
    (tmp_path / "queue").symlink_to(tmp_path / "nowhere")
    storage = open_file_queue(f"{tmp_path}/queue", ManualClock(), "posix")
    with pytest.raises(RelayStorageError):
        storage.put_new("outbox/a", b"answer")


def test_a_durable_move_leaves_no_second_name_of_the_same_file(
    storage: FsspecStorage, root: Path
) -> None:
    storage.put("processing/a.me.claim", b"request")
    (root / "processing/a.me.run").hardlink_to(root / "processing/a.me.claim")
    assert storage.take("processing/a.me.claim", "processing/a.me.run", durable=True) is True
    assert storage.list("processing") == ["a.me.run"]


def test_a_queue_that_is_a_link_works_until_it_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / "queue").symlink_to(tmp_path / "real")
    storage = open_file_queue(f"{tmp_path}/queue", ManualClock(), "posix")
    storage.put("heartbeat", b"x")
    assert set(storage.list("")) == {"heartbeat", "tmp"}
    assert storage.untrusted(layout.EVERY_FOLDER) is None
    (tmp_path / "queue").unlink()
    (tmp_path / "queue").symlink_to(tmp_path / "other")
    assert "Start the daemon again" in (storage.untrusted(layout.EVERY_FOLDER) or "")


@pytest.mark.parametrize("place", ["", "/inbox", "/tmp", "/bad", "/outbox"])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_write_is_named_with_the_remedy(
    storage: FsspecStorage, root: Path, place: str, mode: int
) -> None:
    assert storage.untrusted(layout.EVERY_FOLDER) is None
    os.chmod(f"{root}{place}", mode)
    said = storage.untrusted(layout.EVERY_FOLDER) or ""
    assert f"Type: chmod go-w {root}{place}" in said
    os.chmod(f"{root}{place}", stat.S_IMODE(mode) & ~0o022)
    assert storage.untrusted(layout.EVERY_FOLDER) is None


def test_a_link_and_a_file_in_a_folders_place_are_named(
    storage: FsspecStorage, root: Path, outside: Path
) -> None:
    (root / "log").rmdir()
    (root / "log").symlink_to(outside)
    assert f"rm {root}/log" in (storage.untrusted(layout.EVERY_FOLDER) or "")
    (root / "log").unlink()
    (root / "log").write_text("")
    assert "is not a folder" in (storage.untrusted(layout.EVERY_FOLDER) or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_users_folder_is_named(storage: FsspecStorage, root: Path) -> None:
    os.chown(root / "inbox", 65534, 65534)
    assert "another user" in (storage.untrusted(layout.EVERY_FOLDER) or "")


@pytest.mark.parametrize("profile", [*PROFILES])
def test_a_queue_that_is_not_there_yet_is_trusted(tmp_path: Path, profile: str) -> None:
    storage = open_file_queue(f"{tmp_path}/none", ManualClock(), profile)
    assert storage.untrusted(layout.EVERY_FOLDER) is None
    assert not (tmp_path / "none").exists()


def test_no_descriptor_is_left_open(storage: FsspecStorage, root: Path, outside: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for kind in KINDS:
        for verb, call in VERBS.items():
            kind(root / f"log/{kind.__name__}-{verb}", outside)
            with suppress(RelayStorageError):
                call(storage, f"log/{kind.__name__}-{verb}")
    assert len(os.listdir("/proc/self/fd")) == before
