"""That the shipped suite sees small ways to break the storage's promises: one storage for each."""

from collections.abc import Callable
from typing import Any

import pytest
from _pytest.outcomes import Failed

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.memory import Memory, MemoryStorage
from aexp.domain.errors import RelayStorageError, StorageMissingError
from aexp.testing import QueueContract
from aexp.testing.queue_names import BODIES

CONTRACT = QueueContract()


def _broken(verb: str, act: Callable[..., Any]) -> type[MemoryStorage]:
    """A storage whose verb does something else; ``act`` is given the storage and what the verb is given."""
    return type("Broken", (MemoryStorage,), {verb: act})


def _put_new_of_what_is_empty(self: Any, name: str, data: bytes, **more: bool) -> bool:
    if not self.list(name.rpartition("/")[0]) or not self.read(name):
        self.put(name, data)
    return bool(self.read(name) == data)


def _take_copies(
    self: Any, src: str, dst: str, *, durable: bool = False, tell: bool = False
) -> bool:
    if not tell:
        return MemoryStorage.take(self, src, dst)
    self.put(dst, self.read(src))
    return True


def _take_cuts(self: Any, src: str, dst: str, **more: bool) -> bool:
    won = MemoryStorage.take(self, src, dst)
    if won:
        self.put(dst, self.read(dst)[: 1 << 16])
    return won


def _list_by_beginning(self: Any, folder: str) -> list[str]:
    held = self._folders.items() if folder else [("", dict.fromkeys(MemoryStorage.list(self, "")))]
    return [entry for name, inside in held if name.startswith(folder) for entry in inside]


def _list_live(self: Any, folder: str) -> list[str]:
    listed: list[str] = self.__dict__.setdefault("lists", {}).setdefault(folder, [])
    listed[:] = MemoryStorage.list(self, folder)
    return listed


def _remove_by_beginning(self: Any, name: str) -> None:
    folder, _, entry = name.rpartition("/")
    for one in [found for found in self.list(folder) if found.startswith(entry)]:
        MemoryStorage.remove(self, f"{folder}/{one}" if folder else one)


def _read_and_die(self: Any, name: str, offset: int = 0, limit: int | None = None) -> bytes:
    if self.__dict__.get("dead"):
        raise RelayStorageError("It is broken.", "Look.")
    try:
        return MemoryStorage.read(self, name, offset, limit)
    except StorageMissingError:
        self.dead = True
        raise


def _reserve_listed(self: Any, count: int) -> None:
    for number in range(count):
        self.put(f"reserve-{number}", b"")


def _wait_and_claim(self: Any, *args: object) -> bool:
    return True


def _wait_fails(
    self: Any, folders: object, timeout_s: float, also: Any = (), file: Any = None
) -> bool:
    if file is not None:
        raise RelayStorageError("It cannot be watched.", "Look.")
    return False


def _appended(self: Any, name: str, data: bytes) -> None:
    MemoryStorage.append(self, name, data)
    MemoryStorage.put(self, name, self.read(name)[-(1 << 18) :])


def _append_what_is_there(self: Any, name: str, data: bytes) -> None:
    if data:
        MemoryStorage.append(self, name, data)


def _put_durable(self: Any, name: str, data: bytes, *, durable: bool = True) -> None:
    if durable:
        MemoryStorage.put(self, name, data)


def _put_new_followed(
    self: Any, name: str, data: bytes, *, durable: bool = True, follow: bool = False
) -> bool:
    return MemoryStorage.put_new(self, f"{name}.watched" if follow else name, data)


def _stamp_counts(self: Any, folder: str) -> object:
    return len(self._folders[folder]) if folder in self._folders else None


def _one_for_another(storage: MemoryStorage) -> None:
    storage.remove("pending/a")
    storage.put("pending/b", b"")


STAMP = CONTRACT.test_a_stamp_stays_while_nothing_comes_or_goes_and_changes_when_something_does
BESIDES = CONTRACT.test_what_is_asked_besides_changes_nothing_of_a_verb
NAMES = CONTRACT.test_a_name_is_one_name_whatever_letters_it_has
BROKEN: list[tuple[str, Callable[..., Any], Callable[..., None], tuple[Any, ...]]] = [
    ("put_new", _put_new_of_what_is_empty, CONTRACT.test_what_is_empty_is_there_all_the_same, ()),
    ("append", _append_what_is_there, CONTRACT.test_what_is_empty_is_there_all_the_same, ()),
    ("put_new", _put_new_followed, BESIDES, (True, True)),
    ("put", _put_durable, BESIDES, (False, False)),
    ("take", _take_copies, BESIDES, (False, True)),
    ("take", _take_cuts, CONTRACT.test_much_is_kept_as_well_as_little, ()),
    ("append", _appended, CONTRACT.test_much_is_kept_as_well_as_little, ()),
    (
        "read",
        lambda self, name, offset=0, limit=None: MemoryStorage.read(
            self, name, offset, limit and min(limit, 4096)
        ),
        CONTRACT.test_much_is_kept_as_well_as_little,
        (),
    ),
    ("list", _list_by_beginning, CONTRACT.test_a_folder_is_not_the_one_whose_name_goes_on, ()),
    ("list", _list_live, CONTRACT.test_a_listing_that_was_given_does_not_change, ()),
    (
        "list",
        lambda self, folder: MemoryStorage.list(self, folder)[:1000],
        CONTRACT.test_a_folder_of_many_lists_each_once,
        (),
    ),
    ("remove", _remove_by_beginning, CONTRACT.test_removing_takes_nothing_else_away, ()),
    (
        "remove",
        lambda self, name: self._folders.pop(name.rpartition("/")[0], None),
        CONTRACT.test_removing_takes_nothing_else_away,
        (),
    ),
    ("read", _read_and_die, CONTRACT.test_an_error_is_over_when_it_was_told, ()),
    ("reserve", _reserve_listed, CONTRACT.test_what_is_set_aside_is_in_nobodys_way, ()),
    (
        "put_new",
        lambda self, name, data, **more: MemoryStorage.put_new(self, name.lower(), data),
        NAMES,
        (),
    ),
    (
        "put_new",
        lambda self, name, data, **more: MemoryStorage.put_new(self, name.replace("*", ""), data),
        NAMES,
        (),
    ),
    (
        "put_new",
        lambda self, name, data, **more: MemoryStorage.put_new(self, name, data.rstrip(b"\0")),
        CONTRACT.test_every_verb_keeps_the_bytes,
        (BODIES[2],),
    ),
    (
        "put",
        lambda self, name, data, **more: MemoryStorage.append(self, name, data),
        CONTRACT.test_put_and_append_meet_on_one_name,
        (),
    ),
    (
        "take",
        lambda self, src, dst, **more: "/" in src and MemoryStorage.take(self, src, dst),
        CONTRACT.test_what_lies_in_no_folder_moves_like_the_rest,
        (),
    ),
    ("wait", _wait_fails, CONTRACT.test_waiting_ends_in_time, ("storages",)),
    (
        "wait",
        _wait_and_claim,
        CONTRACT.test_a_file_that_has_not_moved_is_not_seen_to_move,
        ("storages",),
    ),
    ("stamp", _stamp_counts, STAMP, (_one_for_another,)),
]


@pytest.mark.parametrize(
    ("verb", "act", "promise", "more"),
    BROKEN,
    ids=[f"{number} {broken[0]}" for number, broken in enumerate(BROKEN)],
)
def test_a_small_breach_is_found(
    verb: str, act: Callable[..., Any], promise: Callable[..., None], more: tuple[Any, ...]
) -> None:
    def opened(kind: type[MemoryStorage]) -> Callable[[], MemoryStorage]:
        memory = Memory()
        return lambda: kind(ManualClock(), memory)

    def hold(open_one: Callable[[], MemoryStorage]) -> None:
        promise(open_one(), *(open_one if one == "storages" else one for one in more))

    hold(opened(MemoryStorage))
    with pytest.raises((AssertionError, Failed, RelayStorageError)):
        hold(opened(_broken(verb, act)))
