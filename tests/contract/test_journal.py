"""The promises of the journal port, and what only the one on a disk can break."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.journal import chained
from aexp.adapters.journal.chained import ChainedJournal, trail_path
from aexp.adapters.journal.memory import MemoryJournal
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.chain import Entry, digest_of, verify
from aexp.domain.errors import RelayStorageError, SettingsError
from aexp.ports.journal import Head, Journal

ID = "0123456789abcdef0123456789abcdef"
MAKERS: dict[str, Callable[[Path], Journal]] = {
    "memory": lambda _: MemoryJournal(),
    "chained": lambda folder: ChainedJournal(folder / "node/audit.jsonl"),
}


@pytest.fixture(params=[*MAKERS])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MAKERS[request.param](tmp_path)


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def events(path: Path) -> list[str]:
    return [Entry.from_line(line[:-1]).event for line in lines(path)]


def test_an_empty_trail_has_no_head(journal: Journal) -> None:
    assert journal.head == Head(0, "")


def test_each_line_moves_the_head(journal: Journal) -> None:
    heads = []
    for number in range(3):
        journal.record("started", ID, {"number": number})
        heads.append(journal.head)
    assert [head.count for head in heads] == [1, 2, 3]
    assert len({head.digest for head in heads}) == 3


def test_settling_changes_nothing_and_may_be_repeated(journal: Journal) -> None:
    journal.settle()
    journal.record("started", ID, {})
    before = journal.head
    journal.settle()
    journal.settle()
    assert journal.head == before


def test_lines_of_a_block_are_there_at_once_and_follow_from_each_other(journal: Journal) -> None:
    with journal.together():
        for number in range(3):
            journal.record("started", ID, {"number": number})
            assert journal.head.count == number + 1
        journal.settle()
    journal.record("done", ID, {})
    assert journal.head.count == 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node/audit.jsonl"


def test_the_lines_are_on_the_disk_for_the_owner_alone_and_follow_from_each_other(
    path: Path,
) -> None:
    journal = ChainedJournal(path, clock=ManualClock())
    journal.record("serving", "-", {"queue": "/q"})
    journal.record("done", ID, {"returncode": 0})
    report = verify(lines(path))
    assert report.fits
    assert Head(report.count, report.digest) == journal.head
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(lines(path)[1]) | {"prev": ""} == {
        "n": 2,
        "at": json.loads(lines(path)[0])["at"],
        "event": "done",
        "request": ID,
        "facts": {"returncode": 0},
        "prev": "",
    }
    assert json.loads(lines(path)[0])["at"].endswith("Z")


def test_reopening_goes_on_with_the_chain_and_reads_only_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chained, "_BLOCK", 256)
    first = ChainedJournal(path)
    for number in range(50):
        first.record("started", ID, {"number": number, "long": "x" * 300})
    read: list[int] = []
    pread = os.pread

    def counted(handle: int, length: int, offset: int) -> bytes:
        read.append(length)
        return pread(handle, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    ChainedJournal(path).record("done", ID, {})
    assert 0 < sum(read) < 8192 < path.stat().st_size
    assert verify(lines(path)).count == 51


def test_two_writers_on_one_machine_take_turns(path: Path) -> None:
    one, two = ChainedJournal(path), ChainedJournal(path)
    for _ in range(3):
        one.record("started", ID, {})
        two.record("done", ID, {})
    assert verify(lines(path)).count == 6
    assert one.head == two.head


@pytest.mark.parametrize("left", [1, 20, 200])
def test_a_torn_line_is_cut_off_and_that_is_recorded(path: Path, left: int) -> None:
    journal = ChainedJournal(path)
    journal.record("started", ID, {"long": "x" * 300})
    journal.record("done", ID, {"long": "x" * 300})
    whole = lines(path)
    path.write_bytes(whole[0] + whole[1][:left])
    after = ChainedJournal(path)
    assert after.head.count == 1
    after.record("serving", "-", {})
    assert events(path) == ["started", "torn-line", "serving"]
    facts = Entry.from_line(lines(path)[1][:-1]).facts
    assert facts == {"bytes": left, "sha256": digest_of(whole[1][:left])}
    assert verify(lines(path)).fits


def test_a_trail_that_is_nothing_but_a_torn_line_is_begun_anew(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b'{"n":1,"at"')
    ChainedJournal(path).record("serving", "-", {})
    assert events(path) == ["torn-line", "serving"]
    assert verify(lines(path)).fits


def test_what_was_deleted_while_the_daemon_runs_leaves_a_gap_in_the_numbers(path: Path) -> None:
    journal = ChainedJournal(path)
    journal.record("started", ID, {})
    path.unlink()
    journal.record("done", ID, {})
    report = verify(lines(path))
    assert (report.bad_line, report.lines) == (1, 1)
    assert Entry.from_line(lines(path)[0][:-1]).n == 2


def test_a_strangers_line_is_not_followed_silently(path: Path) -> None:
    ChainedJournal(path).record("started", ID, {})
    with path.open("ab") as file:
        file.write(b"not ours\n")
    ChainedJournal(path).record("done", ID, {})
    assert verify(lines(path)).bad_line == 2
    assert len(lines(path)) == 3


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_written_to(path: Path, tmp_path: Path, kind: str) -> None:
    path.parent.mkdir(mode=0o700)
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    if kind == "link":
        path.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(RelayStorageError, match=r"audit\.jsonl"):
        ChainedJournal(path).record("done", ID, {})
    assert target.read_bytes() == b"mine"


def test_a_folder_that_others_may_enter_is_refused(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.parent.chmod(0o755)
    with pytest.raises(RelayStorageError, match="open to other users"):
        ChainedJournal(path).record("done", ID, {})


def test_a_line_that_another_process_is_writing_is_not_waited_for(path: Path) -> None:
    journal = ChainedJournal(path)
    journal.record("started", ID, {})
    holder = subprocess.Popen(
        ["flock", "--exclusive", str(path), "sh", "-c", "echo held; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(RelayStorageError, match="another process"):
        journal.record("done", ID, {})
    holder.communicate(timeout=30)
    journal.record("done", ID, {})
    assert verify(lines(path)).count == 2


FILLS_UP = """
import resource, signal, sys
from pathlib import Path
from aexp.adapters.journal.chained import ChainedJournal
from aexp.domain.errors import RelayStorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = ChainedJournal(Path(sys.argv[1]))
journal.record("started", "-", {})
head, limit = journal.head, resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (Path(sys.argv[1]).stat().st_size + 40, limit[1]))
try:
    journal.record("started", "-", {"lost": "x" * 100})
except RelayStorageError as exc:
    print(exc)
assert journal.head == head, journal.head
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
journal.record("done", "-", {})
"""


def test_a_line_for_which_there_is_no_room_leaves_the_chain_as_it_was(path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", FILLS_UP, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert events(path) == ["started", "done"]
    assert verify(lines(path)).fits


WRITES = """
import sys
from pathlib import Path
from aexp.adapters.journal.chained import ChainedJournal
journal = ChainedJournal(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    journal.record("started", "-", {"number": number, "long": "x" * (number % 50) * 100})
    print(journal.head.count, journal.head.digest, flush=True)
"""


def test_a_writer_that_is_killed_at_any_moment_loses_no_line_that_it_had_written(
    path: Path,
) -> None:
    count = 0
    for round_number in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        head = ["0", ""]
        for _ in range(20 + 7 * round_number):
            head = writer.stdout.readline().split()
        writer.kill()
        said = [*map(str.split, writer.stdout.read().splitlines())]
        writer.wait(timeout=30)
        writer.stdout.close()
        head = next((one for one in reversed(said) if len(one) == 2 and len(one[1]) == 64), head)
        report = verify(lines(path), {int(head[0]): head[1]})
        assert report.fits, report
        assert report.count >= int(head[0]) > count
        count = report.count
    ChainedJournal(path).record("serving", "-", {})
    assert verify(lines(path)).fits


def note(journal: Journal, event: str, request_id: str, facts: dict[str, object]) -> None:
    """A line that is put on the disk, and so into the copy, at once."""
    journal.record(event, request_id, facts)
    journal.settle()


class FailingStorage(MemoryStorage):
    """A queue that takes nothing, or half of it, as long as it is told so."""

    fails = False
    takes = 0

    def append(self, name: str, data: bytes) -> None:
        if self.fails:
            super().append(name, data[: self.takes])
            raise RelayStorageError(f"{name} could not be appended to.")
        super().append(name, data)


def test_the_copy_is_what_the_trail_is(path: Path) -> None:
    queue = MemoryStorage(ManualClock())
    journal = ChainedJournal(path, queue)
    for _ in range(3):
        note(journal, "started", ID, {})
        assert queue.read("audit.jsonl") == path.read_bytes()
    note(ChainedJournal(path, queue), "done", ID, {})
    assert queue.read("audit.jsonl") == path.read_bytes()
    assert queue.list("bad") == []


@pytest.mark.parametrize("takes", [0, 30])
def test_a_copy_that_fails_is_no_failure_of_the_trail_and_catches_up(
    path: Path, takes: int, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FailingStorage(ManualClock())
    journal = ChainedJournal(path, queue)
    note(journal, "started", ID, {})
    queue.fails, queue.takes = True, takes
    note(journal, "done", ID, {})
    note(journal, "done", ID, {})
    assert caplog.text.count("audit-copy-failed") == 1
    queue.fails = False
    note(journal, "done", ID, {})
    assert verify(lines(path)).count == 4
    assert queue.read("audit.jsonl") == path.read_bytes()


def test_lines_that_came_together_are_put_on_the_disk_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    journal = ChainedJournal(path)
    journal.record("serving", "-", {})
    journal.settle()
    monkeypatch.setattr(os, "fsync", synced.append)
    for _ in range(5):
        journal.record("started", ID, {})
    assert synced == []
    journal.settle()
    journal.settle()
    assert len(synced) == 1


def test_during_a_block_another_writer_is_refused_and_after_it_not(path: Path) -> None:
    one, two = ChainedJournal(path), ChainedJournal(path)
    with one.together():
        one.record("started", ID, {})
        with pytest.raises(RelayStorageError, match="being written by another"):
            two.record("done", ID, {})
        one.record("started", ID, {})
    two.record("done", ID, {})
    assert verify(lines(path)).count == 3
    before = len(os.listdir("/proc/self/fd"))
    with one.together():
        one.record("done", ID, {})
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_sync_that_fails_is_told_and_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = ChainedJournal(path)
    note(journal, "serving", "-", {})
    journal.record("started", ID, {})
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(RelayStorageError, match="cannot be written"):
            journal.settle()
    journal.settle()
    assert verify(lines(path)).count == 2


def failing(code: int):  # type: ignore[no-untyped-def]
    def call(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def test_a_copy_that_is_far_behind_or_gone_is_made_again(path: Path) -> None:
    queue = MemoryStorage(ManualClock())
    journal = ChainedJournal(path)
    for number in range(60):
        journal.record("started", ID, {"long": "x" * 4000, "number": number})
    note(ChainedJournal(path, queue), "done", ID, {})
    assert queue.read("audit.jsonl") == path.read_bytes()


def test_a_changed_copy_is_set_aside_and_that_is_recorded(path: Path) -> None:
    queue = MemoryStorage(ManualClock())
    note(ChainedJournal(path, queue), "started", ID, {})
    harmed = queue.read("audit.jsonl").replace(b"started", b"stopped")
    queue.put("audit.jsonl", harmed)
    note(ChainedJournal(path, queue), "done", ID, {})
    assert events(path) == ["started", "done", "copy-replaced"]
    assert queue.read("audit.jsonl") == path.read_bytes()
    [kept] = queue.list("bad")
    assert queue.read(f"bad/{kept}") == harmed


def test_each_home_and_queue_has_a_trail_of_its_own(tmp_path: Path) -> None:
    environ = {"AEXP_RELAY_STATE": str(tmp_path / "node")}
    (tmp_path / "queue").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "queue")
    paths = {
        trail_path(environ, "/home/a", str(tmp_path / "queue")),
        trail_path(environ, "/home/a", str(tmp_path / "link")),
        trail_path(environ, "/home/b", str(tmp_path / "queue")),
        trail_path(environ, "/home/a", "memory://"),
    }
    assert len(paths) == 3
    assert all(path.is_relative_to(tmp_path / "node") for path in paths)
    with pytest.raises(SettingsError):
        trail_path({"AEXP_RELAY_STATE": "relative"}, "/home/a", "/q")
