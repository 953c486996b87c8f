"""The promises of the queue's storage, kept by every adapter."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.errors import StorageMissingError
from aexp.domain.profiles import PROFILES
from aexp.ports.storage import QueueStorage


def _shared_home(folder: Path, profile: str) -> QueueStorage:
    return open_file_queue(f"{folder}/deep/queue", ManualClock(), profile)


MAKERS: dict[str, Callable[[Path], QueueStorage]] = {
    "memory": lambda _: MemoryStorage(ManualClock()),
    **{f"shared-home-{profile}": partial(_shared_home, profile=profile) for profile in PROFILES},
}
CLAIMERS = 6
ROUNDS = 40


@pytest.fixture(params=[*MAKERS])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> QueueStorage:
    return MAKERS[request.param](tmp_path)


def in_threads(actions: list[Callable[[], object]]) -> list[object]:
    """What each action returned, all of them let go at the same moment."""
    gate = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)

    def act(position: int) -> None:
        gate.wait()
        results[position] = actions[position]()

    threads = [threading.Thread(target=act, args=(n,)) for n in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_folder_that_was_never_written_to_is_empty(storage: QueueStorage) -> None:
    assert storage.list("inbox") == []
    assert storage.list("") == []


def test_what_was_put_is_listed_and_read(storage: QueueStorage) -> None:
    storage.put("inbox/a", b"one")
    storage.put("top", b"two")
    assert storage.list("inbox") == ["a"]
    assert {"inbox", "top"} <= set(storage.list(""))
    assert storage.read("inbox/a") == b"one"
    assert storage.read("top") == b"two"


def test_reading_takes_a_part_of_the_bytes(storage: QueueStorage) -> None:
    storage.put("log/a", b"0123456789")
    assert storage.read("log/a", 4) == b"456789"
    assert storage.read("log/a", 4, 3) == b"456"
    assert storage.read("log/a", 99) == b""


def test_reading_a_name_that_is_not_there_says_so(storage: QueueStorage) -> None:
    with pytest.raises(StorageMissingError, match="inbox/nothing"):
        storage.read("inbox/nothing")


def test_put_replaces_what_was_there(storage: QueueStorage) -> None:
    storage.put("heartbeat", b"a longer first text")
    storage.put("heartbeat", b"short")
    assert storage.read("heartbeat") == b"short"


def test_put_new_leaves_what_is_there(storage: QueueStorage) -> None:
    assert storage.put_new("outbox/a", b"first") is True
    assert storage.put_new("outbox/a", b"second") is False
    assert storage.read("outbox/a") == b"first"


def test_put_new_repeated_by_its_writer_is_true_again(storage: QueueStorage) -> None:
    assert storage.put_new("outbox/a", b"mine") is True
    assert storage.put_new("outbox/a", b"mine") is True


def test_take_moves_the_content_to_the_new_name_alone(storage: QueueStorage) -> None:
    storage.put("inbox/a", b"request")
    assert storage.take("inbox/a", "processing/a.me.claim") is True
    assert storage.list("inbox") == []
    assert storage.read("processing/a.me.claim") == b"request"


def test_take_of_what_is_gone_is_false_and_changes_nothing(storage: QueueStorage) -> None:
    storage.put("inbox/a", b"request")
    storage.take("inbox/a", "processing/a.me.claim")
    assert storage.take("inbox/a", "processing/a.you.claim") is False
    assert storage.list("processing") == ["a.me.claim"]


def test_take_repeated_after_it_was_made_is_false_or_true_but_never_an_error(
    storage: QueueStorage,
) -> None:
    storage.put("inbox/a", b"request")
    storage.take("inbox/a", "processing/a.me.claim")
    storage.take("inbox/a", "processing/a.me.claim")
    assert storage.read("processing/a.me.claim") == b"request"


def test_remove_may_be_repeated_and_may_come_too_early(storage: QueueStorage) -> None:
    storage.remove("cancel/never")
    storage.put("cancel/a", b"")
    storage.remove("cancel/a")
    storage.remove("cancel/a")
    assert storage.list("cancel") == []


def test_append_grows_a_log_that_is_read_from_an_offset(storage: QueueStorage) -> None:
    storage.append("log/a.txt", b"first\n")
    storage.append("log/a.txt", b"second\n")
    assert storage.read("log/a.txt") == b"first\nsecond\n"
    assert storage.read("log/a.txt", 6) == b"second\n"


def test_names_that_begin_with_a_dot_are_not_listed(storage: QueueStorage) -> None:
    storage.put("inbox/a", b"")
    assert all(not entry.startswith(".") for entry in storage.list("inbox") + storage.list(""))


def test_of_many_takers_one_wins(storage: QueueStorage) -> None:
    for number in range(ROUNDS):
        storage.put(f"inbox/{number}", b"x")
        targets = [f"processing/{number}.{taker}.claim" for taker in range(CLAIMERS)]
        won = in_threads([lambda t=t, n=number: storage.take(f"inbox/{n}", t) for t in targets])
        assert won.count(True) == 1
        there = [name for name in storage.list("processing") if name.startswith(f"{number}.")]
        assert [f"processing/{name}" for name in there] == [targets[won.index(True)]]


def test_of_many_creators_one_wins_and_its_content_stands(storage: QueueStorage) -> None:
    for number in range(ROUNDS):
        bodies = [f"writer {writer}".encode() for writer in range(CLAIMERS)]
        won = in_threads([lambda b=b, n=number: storage.put_new(f"out/{n}", b) for b in bodies])
        assert won.count(True) == 1
        assert storage.read(f"out/{number}") == bodies[won.index(True)]


def test_a_reader_never_sees_half_a_put(storage: QueueStorage) -> None:
    bodies = {b"a" * 50_000, b"b" * 90_000}
    storage.put("heartbeat", min(bodies))
    seen: set[bytes] = set()

    def write() -> None:
        for _ in range(ROUNDS):
            for body in bodies:
                storage.put("heartbeat", body)

    def read() -> None:
        for _ in range(ROUNDS * 4):
            seen.add(storage.read("heartbeat"))

    in_threads([write, read, read])
    assert seen <= bodies


def test_a_reader_never_sees_half_a_put_new(storage: QueueStorage) -> None:
    body = b"z" * 80_000
    torn: list[int] = []

    def write() -> None:
        for number in range(ROUNDS):
            storage.put_new(f"outbox/{number}", body)

    def read() -> None:
        for _ in range(ROUNDS * 4):
            sizes = [len(storage.read(f"outbox/{name}")) for name in storage.list("outbox")]
            torn.extend(size for size in sizes if size != len(body))

    in_threads([write, read])
    assert torn == []


def test_reserving_may_be_repeated_and_undone(storage: QueueStorage) -> None:
    storage.reserve(4)
    storage.reserve(4)
    storage.reserve(0)
    storage.reserve(0)
    storage.put("outbox/a", b"x")
    assert storage.read("outbox/a") == b"x"


def test_waiting_lets_the_time_pass_on_its_clock() -> None:
    clock = ManualClock()
    for make in (lambda: MemoryStorage(clock), lambda: open_file_queue("/nowhere", clock)):
        before = clock.monotonic()
        make().wait(("outbox",), 2.5)
        assert clock.monotonic() - before == 2.5
