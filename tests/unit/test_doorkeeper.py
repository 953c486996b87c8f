"""What is no request is left alone while it is fresh, then moved to a bounded place; few lines tell of it."""

import logging
import os
import re
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import FsspecStorage, open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped.audit import Audit
from aexp.airgapped.doorkeeper import MOST_TRACKED, Doorkeeper
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.quarantine import Quarantine

ID = "0123456789abcdef0123456789abcdef"
STRANGERS = [
    f"{ID}0.json", f"{ID[:-1]}.json", f"{ID.upper()}.json", f"{ID}\n.json", f"{ID}.JSON", f"{ID}.json.tmp",
    f"{ID} .json", f"{ID}\x1b[2K.json", f"{ID}\u202e.json", "`id`.json", "$(id).json", "--help.json",
    "request.json", "g" * 32 + ".json", "\uff10" * 32 + ".json", "x" * 255, ID, "README", "caf\udce9.json",
    "-", "a", "\x7f", f"{ID}.json\n", f"{ID}..json",
]  # fmt: skip
OURS = [f"{ID}.json", f"{ID[:8]}-{ID[8:12]}-{ID[12:16]}-{ID[16:20]}-{ID[20:]}.json"]
HIDDEN = [f".{ID}.json", "..json", "...json", ".json", ".nfs000001", ".fresh-1"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def storage(tmp_path: Path, clock: ManualClock) -> FsspecStorage:
    made = open_file_queue(f"{tmp_path}/q", clock, "nfs")
    made.put(f"inbox/{OURS[0]}", b"")
    return made


@pytest.fixture
def inbox(storage: FsspecStorage, tmp_path: Path) -> Path:
    return tmp_path / "q/inbox"


def look(keeper: Doorkeeper, clock: ManualClock, seconds: float) -> None:
    """Let the keeper look every five seconds, as the upkeep does."""
    keeper.look()
    for _ in range(int(seconds / 5)):
        clock.advance(5)
        keeper.look()


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_request_is_moved_after_a_minute_under_a_harmless_name(
    storage: FsspecStorage, inbox: Path, clock: ManualClock, name: str
) -> None:
    keeper = Doorkeeper(storage, clock, Audit())
    (inbox / name).write_bytes(b"x")
    look(keeper, clock, 55)
    assert (inbox / name).exists()
    look(keeper, clock, 65)
    assert os.listdir(inbox) == [OURS[0]]
    (kept,) = storage.list("bad")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}", kept, re.ASCII)
    assert storage.read(f"bad/{kept}") == b"x"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/nowhere", path)])
def test_it_does_not_matter_what_kind_of_thing_it_is(
    storage: FsspecStorage, inbox: Path, clock: ManualClock, make: object
) -> None:
    make(str(inbox / "odd"))  # type: ignore[operator]
    look(Doorkeeper(storage, clock, Audit()), clock, 120)
    assert os.listdir(inbox) == [OURS[0]]
    assert len(storage.list("bad")) == 1


def test_requests_and_hidden_entries_are_left_alone(
    storage: FsspecStorage, inbox: Path, clock: ManualClock
) -> None:
    for name in [*OURS, *HIDDEN]:
        (inbox / name).write_bytes(b"")
    look(Doorkeeper(storage, clock, Audit()), clock, 600)
    assert {*os.listdir(inbox)} == {*OURS, *HIDDEN}


def test_a_file_that_gets_its_name_in_time_is_a_request(
    storage: FsspecStorage, inbox: Path, clock: ManualClock
) -> None:
    keeper = Doorkeeper(storage, clock, Audit())
    for number in range(30):
        draft = inbox / f"{number:032x}.json.tmp"
        draft.write_bytes(b"")
        look(keeper, clock, 20)
        draft.rename(inbox / f"{number:032x}.json")
    assert storage.list("bad") == []


def test_the_date_of_a_file_means_nothing(
    storage: FsspecStorage, inbox: Path, clock: ManualClock
) -> None:
    (inbox / "odd").write_bytes(b"")
    os.utime(inbox / "odd", (0, 0))
    look(Doorkeeper(storage, clock, Audit()), clock, 55)
    assert (inbox / "odd").exists()


def test_nothing_wrong_costs_one_listing_a_minute(clock: ManualClock) -> None:
    listed: list[str] = []

    class Counted(MemoryStorage):
        def list(self, folder: str) -> "list[str]":
            listed.append(folder)
            return super().list(folder)

    storage = Counted(clock)
    storage.put(f"inbox/{OURS[0]}", b"")
    look(Doorkeeper(storage, clock, Audit()), clock, 295)
    assert listed == ["inbox"] * 5


def test_ten_thousand_strangers_are_moved_in_slices_with_few_lines_and_little_is_kept(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    storage = MemoryStorage(clock)
    for number in range(10_000):
        storage.put(f"inbox/odd{number}", b"")
    keeper = Doorkeeper(storage, clock, Audit())
    look(keeper, clock, 60)
    assert len(storage.list("inbox")) >= 9_800
    assert len(keeper._since) <= MOST_TRACKED
    most = 0
    for _ in range(600):
        clock.advance(1)
        keeper.look()
        most = max(most, len(storage.list("bad")))
    assert storage.list("inbox") == []
    assert most <= 200
    assert len(caplog.records) <= 10_000 / 128 + 2


def test_the_oldest_make_room_and_what_was_there_before_goes_first(clock: ManualClock) -> None:
    storage = MemoryStorage(clock)
    for number in range(5):
        storage.put(f"bad/before{number}", b"")
    quarantine = Quarantine(storage, most=4)
    for number in range(6):
        storage.put("inbox/x", str(number).encode())
        assert quarantine.keep("inbox/x", f"x{number}") is True
        assert len(storage.list("bad")) <= 5 - (number > 0)
    assert sorted(name.split(".")[0] for name in storage.list("bad")) == ["x2", "x3", "x4", "x5"]
    assert quarantine.keep("inbox/x", "x") is False


def test_what_others_put_into_bad_counts_after_a_while(clock: ManualClock) -> None:
    storage = MemoryStorage(clock)
    quarantine = Quarantine(storage, most=10)
    for number in range(200):
        storage.put(f"bad/foreign{number}", b"")
        storage.put("inbox/x", b"")
        quarantine.keep("inbox/x", "x")
    assert len(storage.list("bad")) <= 10 + 64


def test_folders_that_hold_something_stay_and_files_make_room(
    storage: FsspecStorage, inbox: Path, clock: ManualClock
) -> None:
    quarantine = Quarantine(storage, most=5)
    for number in range(10):
        (inbox / f"work{number}").mkdir()
        (inbox / f"work{number}/mine").write_text("")
        quarantine.keep(f"inbox/work{number}", f"work{number}")
        (inbox / "file").write_text("")
        quarantine.keep("inbox/file", "file")
    there = storage.list("bad")
    assert len([name for name in there if name.startswith("work")]) == 10
    assert len([name for name in there if name.startswith("file")]) == 0


def test_a_flood_of_lines_becomes_a_few_a_second_and_a_count(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    flood = FloodAudit(Audit(), clock, most=5)
    for _ in range(300):
        flood.warn("set-aside", ID)
        clock.advance(0.01)
    flood.flush()
    flood.flush()
    lines = [record.getMessage() for record in caplog.records]
    assert sum("set-aside" in line for line in lines) <= 5 * 4
    counts = [int(line.rpartition("=")[2]) for line in lines if "not-logged-one-by-one" in line]
    assert sum(counts) + sum("set-aside" in line for line in lines) == 300
