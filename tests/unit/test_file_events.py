"""File events end a wait early, and never more than that: without them everything goes on, slower."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.clock.system import SystemClock
from aexp.adapters.storage import events as module
from aexp.adapters.storage.events import MOST_WATCHED, Ended, FileEvents
from aexp.adapters.storage.fsspec import FsspecStorage, open_file_queue
from aexp.adapters.storage.shared_home import SharedHomeFileSystem
from aexp.airgapped.defaults import open_queue
from aexp.domain.errors import SettingsError
from aexp.domain.profiles import profile_for

FOR_EVER_S = 600.0  # far beyond the suite's time limit: only an event ends such a wait


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("inbox", "replied", "processing"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def events(root: Path) -> Iterator[FileEvents]:
    made = FileEvents(str(root))
    yield made
    made.close()


def settle(events: FileEvents, *folders: str, file: str | None = None) -> None:
    """Watch them from now on."""
    assert events.wait(folders, 0.0, (), file) is not None


def test_a_new_name_in_a_folder_ends_the_wait(root: Path, events: FileEvents) -> None:
    settle(events, "inbox")
    (root / "inbox/a").write_bytes(b"")
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED
    (root / "inbox/b").hardlink_to(root / "inbox/a")
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED
    os.rename(root / "inbox/a", root / "replied/a")
    settle(events, "replied")
    os.rename(root / "inbox/b", root / "replied/b")
    assert events.wait(("replied",), FOR_EVER_S, (), None) is Ended.CHANGED


def test_what_happened_between_two_waits_is_not_missed(root: Path, events: FileEvents) -> None:
    settle(events, "inbox")
    for number in range(50):
        (root / f"inbox/{number}").write_bytes(b"")
        assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED


def test_a_file_is_followed_wherever_it_is_moved(root: Path, events: FileEvents) -> None:
    (root / "inbox/a").write_bytes(b"")
    settle(events, "replied", file="inbox/a")
    for src, dst in (("inbox/a", "processing/a.claim"), ("processing/a.claim", "replied/a")):
        os.rename(root / src, root / dst)
        assert events.wait(("replied",), FOR_EVER_S, (), "inbox/a") is Ended.MOVED


@pytest.mark.parametrize("profile", ["posix", "nfs"])
def test_the_move_that_tells_is_not_missed_however_early(root: Path, profile: str) -> None:
    storage = open_file_queue(str(root), SystemClock(), profile)
    assert not storage.hears
    for number in range(3 * MOST_WATCHED):
        name = f"inbox/{number}"
        assert storage.put_new(name, b"x", follow=True)
        # Answered before the client has come to wait.
        assert storage.take(name, f"processing/{number}")
        assert storage.take(f"processing/{number}", f"replied/{number}", tell=True)
        assert storage.wait(("replied",), FOR_EVER_S, file=name)
        assert storage.hears


def test_on_a_local_disk_the_other_moves_of_a_request_wake_nobody(root: Path) -> None:
    storage = open_file_queue(str(root), SystemClock(), "posix")
    assert storage.put_new("inbox/a", b"x", follow=True)
    for src, dst in (("inbox/a", "processing/a.claim"), ("processing/a.claim", "processing/a.run")):
        assert storage.take(src, dst)
        assert not storage.wait(("replied",), 0.0, file="inbox/a")
    assert not storage.hears


@pytest.mark.parametrize("kind", ["ext4", "ext2"])
def test_the_making_of_a_durable_request_is_not_taken_for_its_answer(root: Path, kind: str) -> None:
    profile = profile_for(kind, frozenset())
    filesystem = SharedHomeFileSystem(str(root / "tmp"), profile)
    events = partial(FileEvents, str(root), told=profile.tells)
    storage = FsspecStorage(filesystem, str(root), SystemClock(), str(root), profile, events)
    assert storage.put_new("inbox/a", b"x", durable=True, follow=True)
    assert not storage.wait(("replied",), 0.0, file="inbox/a")
    assert not storage.hears


def test_a_file_that_is_deleted_was_not_moved(root: Path, events: FileEvents) -> None:
    (root / "inbox/a").write_bytes(b"")
    settle(events, "replied", file="inbox/a")
    (root / "inbox/a").unlink()
    assert events.wait(("replied",), FOR_EVER_S, (), "inbox/a") is Ended.CHANGED
    assert not events.heard


def test_whose_own_file_is_watched_sleeps_through_the_moves_of_others(
    root: Path, events: FileEvents
) -> None:
    (root / "inbox/a").write_bytes(b"")
    (root / "inbox/b").write_bytes(b"")
    settle(events, "replied", file="inbox/a")
    os.rename(root / "inbox/b", root / "replied/b")
    read_end, write_end = os.pipe()
    try:
        # The descriptor ends the wait; had the event of the other file done so, it would be gone by now.
        os.write(write_end, b"x")
        ended = events.wait(("replied",), FOR_EVER_S, (read_end,), "inbox/a")
        assert ended is Ended.OTHERWISE
        os.rename(root / "inbox/a", root / "replied/a")
        assert events.wait(("replied",), FOR_EVER_S, (), "inbox/a") is Ended.MOVED
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_file_that_is_gone_leaves_it_to_the_folders(root: Path, events: FileEvents) -> None:
    settle(events, "replied", file="inbox/never")
    (root / "replied/x").write_bytes(b"")
    assert events.wait(("replied",), FOR_EVER_S, (), "inbox/never") is Ended.CHANGED


def test_a_folder_that_was_deleted_is_watched_anew(root: Path, events: FileEvents) -> None:
    settle(events, "inbox")
    (root / "inbox").rmdir()
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED
    assert not events.wait(("inbox",), FOR_EVER_S, (), None), (
        "nothing can be watched: no time passes"
    )
    (root / "inbox").mkdir()
    settle(events, "inbox")
    (root / "inbox/a").write_bytes(b"")
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED


def test_a_link_in_a_folders_place_is_not_watched(root: Path, events: FileEvents) -> None:
    (root / "cancel").symlink_to(root / "inbox")
    assert events.wait(("cancel",), FOR_EVER_S, (), None) is None


def test_thousands_of_files_one_after_the_other_hold_few_watches(
    root: Path, events: FileEvents
) -> None:
    for number in range(3 * MOST_WATCHED):
        (root / f"inbox/{number}").write_bytes(b"")
        settle(events, "replied", file=f"inbox/{number}")
    handle = events._handle  # the kernel lists the watches of a descriptor there
    watched = Path(f"/proc/self/fdinfo/{handle}").read_text().count("inotify wd:")
    assert 0 < watched <= MOST_WATCHED


def test_giving_up_the_oldest_watch_wakes_nobody(root: Path, events: FileEvents) -> None:
    for number in range(MOST_WATCHED + 5):
        (root / f"inbox/{number}").write_bytes(b"")
        events.follow(f"inbox/{number}", str(root / f"inbox/{number}"))
    name = f"inbox/{MOST_WATCHED + 4}"
    assert events.wait(("replied",), 0.0, (), name) is Ended.OTHERWISE
    os.rename(root / name, root / "replied/a")
    assert events.wait(("replied",), FOR_EVER_S, (), name) is Ended.MOVED


def test_a_second_thread_is_told_to_sleep(root: Path, events: FileEvents) -> None:
    settle(events, "inbox")
    read_end, write_end = os.pipe()
    waiting = threading.Thread(target=events.wait, args=(("inbox",), FOR_EVER_S, (read_end,), None))
    waiting.start()
    try:
        while not events._lock.locked():
            time.sleep(0)
        assert events.wait(("inbox",), FOR_EVER_S, (), None) is None
    finally:
        os.write(write_end, b"x")
        waiting.join()
        os.close(read_end)
        os.close(write_end)


def test_a_forked_child_has_its_own(root: Path, events: FileEvents) -> None:
    settle(events, "inbox")
    child = os.fork()
    if child == 0:
        (root / "ready").write_bytes(b"")
        settle(events, "inbox")
        (root / "inbox/of-the-child").write_bytes(b"")
        ended = events.wait(("inbox",), FOR_EVER_S, (), None)
        os._exit(0 if ended is Ended.CHANGED else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is Ended.CHANGED, "the parent heard it too"


def test_nothing_is_left_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        events = FileEvents(str(root))
        settle(events, "inbox")
        del events
    assert len(os.listdir("/proc/self/fd")) == before


def test_where_nothing_can_be_watched_the_clock_lets_the_time_pass(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_file_queue(str(root), SystemClock(), "posix")
    slept: list[float] = []
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: slept.append(seconds))
    storage.wait(("no-such-folder",), 2.5)
    assert slept == [2.5]


def test_one_that_cannot_be_had_is_done_without(
    root: Path, events: FileEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def inotify_init1(self, _: int) -> int:
            return -1

    monkeypatch.setattr(module, "libc", Refusing)
    events.heard = True
    assert events.wait(("inbox",), FOR_EVER_S, (), None) is None
    events.follow("inbox/a", str(root / "inbox"))
    assert not events.heard


def test_where_a_look_changes_the_folder_there_are_none(root: Path) -> None:
    storage = open_file_queue(str(root), SystemClock(), "nfs-nocto")
    assert storage._events is None
    for _ in range(3):
        # With events each listing would end the wait after it: a loop that never rests.
        assert storage.list("inbox") == []
        assert storage.wait(("inbox",), 0.001) is False


@pytest.mark.parametrize("profile", ["posix", "nfs", "lustre", "network"])
def test_looking_makes_no_event(root: Path, events: FileEvents, profile: str) -> None:
    storage = open_file_queue(str(root), SystemClock(), profile)
    storage.put("inbox/a", b"x")
    settle(events, "inbox", "processing")
    storage.list("inbox")
    storage.read("inbox/a")
    storage.take("inbox/a", "bad/a")
    storage.remove("bad/a")
    storage.untrusted(("inbox",))
    assert events.wait(("inbox", "processing"), 0.0, (), None) is Ended.OTHERWISE


def test_events_come_in_real_time_so_another_clock_has_none(root: Path) -> None:
    assert open_file_queue(str(root), ManualClock(), "posix")._events is None
    assert open_file_queue(str(root), SystemClock(), "posix", events=False)._events is None


def test_the_environment_switches_them_off(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened() -> FsspecStorage:
        storage = open_queue(root, SystemClock(), "posix")
        assert isinstance(storage, FsspecStorage)
        return storage

    assert opened()._events is not None
    monkeypatch.setenv("AEXP_RELAY_EVENTS", "off")
    assert opened()._events is None
    assert opened().profile.sync_file
    monkeypatch.setenv("AEXP_RELAY_DURABLE", "off")
    assert not opened().profile.sync_file
    monkeypatch.setenv("AEXP_RELAY_EVENTS", "sometimes")
    with pytest.raises(SettingsError, match="on or off"):
        opened()
