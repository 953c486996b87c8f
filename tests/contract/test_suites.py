"""That the shipped suites find what they are there to find: storages which break one promise each."""

import time
from collections.abc import Callable

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.memory import Memory, MemoryStorage
from aexp.testing import QueueContract


class CopiesAndDeletes(MemoryStorage):
    """Moves as an object store does."""

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        if src.rpartition("/")[2] not in self.list(src.rpartition("/")[0]):
            return False
        self.put(dst, self.read(src))
        time.sleep(0.001)
        self.remove(src)
        return True


class DeletesAndWrites(MemoryStorage):
    """Has a move with one winner, and a moment at which the content is nowhere."""

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        folder, _, entry = src.rpartition("/")
        data = self._folders.get(folder, {}).pop(entry, None)
        time.sleep(0.001)
        if data is not None:
            self.put(dst, data)
        return data is not None


class LooksAndWrites(MemoryStorage):
    """Creates by a look and a write."""

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        folder, _, entry = name.rpartition("/")
        if entry in self.list(folder):
            return self.read(name) == data
        time.sleep(0.001)
        self.put(name, data)
        return True


class WritesInPlace(MemoryStorage):
    """Lets readers see half of a put."""

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        super().put(name, data[: len(data) // 2])
        time.sleep(0.001)
        super().put(name, data)


class Rewrites(MemoryStorage):
    """Appends by writing the whole anew, without a lock against itself."""

    def append(self, name: str, data: bytes) -> None:
        folder, _, entry = name.rpartition("/")
        held = self.read(name) if entry in self.list(folder) else b""
        self.put(name, b"")
        time.sleep(0.001)
        self.put(name, held + data)
        time.sleep(0.001)


class Own(MemoryStorage):
    """Each has a queue of its own."""

    def __init__(self, clock: ManualClock, memory: Memory) -> None:
        super().__init__(clock)


CONTRACT = QueueContract()


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (CopiesAndDeletes, CONTRACT.test_a_request_is_never_at_two_names_nor_at_none),
        (DeletesAndWrites, CONTRACT.test_a_request_is_never_at_two_names_nor_at_none),
        (Rewrites, CONTRACT.test_a_reader_of_a_log_sees_it_grow_and_misses_nothing),
        (Own, CONTRACT.test_what_one_storage_did_is_there_for_another_at_once),
    ],
)
def test_a_storage_that_breaks_a_promise_is_found(
    broken: type[MemoryStorage], promise: Callable[..., None]
) -> None:
    memory = Memory()
    with pytest.raises(AssertionError):
        promise(lambda: broken(ManualClock(), memory))


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (CopiesAndDeletes, CONTRACT.test_of_many_takers_one_wins),
        (LooksAndWrites, CONTRACT.test_of_many_creators_one_wins_and_its_content_stands),
        (WritesInPlace, CONTRACT.test_a_reader_never_sees_half_a_put),
    ],
)
def test_a_storage_that_breaks_a_promise_among_many_is_found(
    broken: type[MemoryStorage], promise: Callable[..., None]
) -> None:
    memory = Memory()
    with pytest.raises(AssertionError):
        promise(
            broken(ManualClock(), memory),
            lambda: broken(ManualClock(), memory),
        )
