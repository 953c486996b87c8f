"""What every filesystem adapter promises; a new one is one more line in MAKERS."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import fsspec
import pytest

from aexp.adapters.filesystem.fsspec import FsspecFilesystem
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.domain.errors import FilesystemError
from aexp.ports.filesystem import Entry, Filesystem

FILES = {"README.md": "# Größe\r\n", "helpers.py": "X = 1\n"}


@dataclass
class Place:
    """A filesystem, and an existing folder in it that the test has for itself."""

    filesystem: Filesystem
    folder: str


def memory_fake(folder: Path) -> Place:
    filesystem = MemoryFilesystem()
    filesystem.create_directory("/work", {})
    return Place(filesystem, "/work")


def fsspec_over_memory(folder: Path) -> Place:
    # A path of its own, because memory:// is one store for the whole process.
    own = f"/contract{folder}"
    fsspec.filesystem("memory").makedirs(own)
    return Place(FsspecFilesystem(fsspec.filesystem("memory")), own)


def fsspec_over_local(folder: Path) -> Place:
    return Place(FsspecFilesystem(fsspec.filesystem("file")), str(folder))


def local(folder: Path) -> Place:
    return Place(LocalFilesystem(), str(folder))


MAKERS: dict[str, Callable[[Path], Place]] = {
    "memory": memory_fake,
    "fsspec+memory": fsspec_over_memory,
    "fsspec+file": fsspec_over_local,
    "local": local,
}


@pytest.fixture(params=MAKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield MAKERS[request.param](tmp_path)
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def at_once(count: int, work: Callable[[], bool]) -> list[bool]:
    """What ``work`` returns in each of several threads that begin together."""
    ready = threading.Barrier(count)
    results: list[bool] = []

    def run() -> None:
        ready.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_what_is_not_there_has_no_kind(place: Place) -> None:
    assert place.filesystem.kind(f"{place.folder}/missing") is None


def test_nothing_stands_below_a_file(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "text")

    assert place.filesystem.kind(f"{place.folder}/file/below") is None


def test_files_and_folders_are_told_apart(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "text")
    place.filesystem.create_directory(f"{place.folder}/folder", FILES)

    assert place.filesystem.kind(f"{place.folder}/file") == "file"
    assert place.filesystem.kind(f"{place.folder}/folder") == "directory"
    assert place.filesystem.kind("/") == "directory"


def test_a_made_file_holds_its_text_to_the_letter(place: Place) -> None:
    text = "Größe\r\nsecond line, no end\n\n"

    assert place.filesystem.create_file(f"{place.folder}/file", text) is True
    assert place.filesystem.read_text(f"{place.folder}/file") == text


def test_an_empty_file_can_be_made(place: Place) -> None:
    assert place.filesystem.create_file(f"{place.folder}/empty", "") is True
    assert place.filesystem.read_text(f"{place.folder}/empty") == ""


def test_making_a_file_makes_the_folders_above_it(place: Place) -> None:
    assert place.filesystem.create_file(f"{place.folder}/a/b/file", "text") is True

    assert place.filesystem.kind(f"{place.folder}/a/b") == "directory"
    assert place.filesystem.read_text(f"{place.folder}/a/b/file") == "text"


def test_a_taken_file_name_is_left_as_it_is(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "first")

    assert place.filesystem.create_file(f"{place.folder}/file", "second") is False
    assert place.filesystem.read_text(f"{place.folder}/file") == "first"


def test_a_folder_is_not_replaced_by_a_file(place: Place) -> None:
    place.filesystem.create_directory(f"{place.folder}/folder", FILES)

    assert place.filesystem.create_file(f"{place.folder}/folder", "text") is False
    assert place.filesystem.read_text(f"{place.folder}/folder/helpers.py") == "X = 1\n"


def test_a_text_is_replaced_by_another(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "first\r\n")

    assert place.filesystem.replace_file(f"{place.folder}/file", "first\r\n", "Größe") is True
    assert place.filesystem.read_text(f"{place.folder}/file") == "Größe"
    assert [one.name for one in place.filesystem.entries(place.folder)] == ["file"]


def test_a_text_that_somebody_else_has_changed_is_left_as_it_is(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "theirs")

    assert place.filesystem.replace_file(f"{place.folder}/file", "first", "second") is False
    assert place.filesystem.read_text(f"{place.folder}/file") == "theirs"


def test_nothing_is_made_where_there_is_nothing_to_replace(place: Place) -> None:
    assert place.filesystem.replace_file(f"{place.folder}/missing", "", "text") is False
    assert place.filesystem.replace_file(place.folder, "", "text") is False
    assert place.filesystem.kind(f"{place.folder}/missing") is None


def test_a_text_that_is_not_unicode_replaces_nothing(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "first")

    with pytest.raises(FilesystemError, match="not UTF-8"):
        place.filesystem.replace_file(f"{place.folder}/file", "first", "\ud800")
    assert place.filesystem.read_text(f"{place.folder}/file") == "first"


def test_a_made_folder_holds_all_its_files(place: Place) -> None:
    assert place.filesystem.create_directory(f"{place.folder}/a/b/made", FILES) is True

    for name, text in FILES.items():
        assert place.filesystem.read_text(f"{place.folder}/a/b/made/{name}") == text


def test_an_empty_folder_can_be_made_once(place: Place) -> None:
    assert place.filesystem.create_directory(f"{place.folder}/made", {}) is True
    assert place.filesystem.create_directory(f"{place.folder}/made", {}) is False
    assert place.filesystem.kind(f"{place.folder}/made") == "directory"


def test_an_empty_folder_is_not_replaced(place: Place) -> None:
    place.filesystem.create_directory(f"{place.folder}/made", {})

    assert place.filesystem.create_directory(f"{place.folder}/made", FILES) is False
    assert place.filesystem.kind(f"{place.folder}/made/README.md") is None


def test_a_full_folder_is_neither_replaced_nor_added_to(place: Place) -> None:
    place.filesystem.create_directory(f"{place.folder}/made", {"README.md": "first"})

    assert place.filesystem.create_directory(f"{place.folder}/made", FILES) is False
    assert place.filesystem.read_text(f"{place.folder}/made/README.md") == "first"
    assert place.filesystem.kind(f"{place.folder}/made/helpers.py") is None


def test_a_file_is_not_replaced_by_a_folder(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/made", "first")

    assert place.filesystem.create_directory(f"{place.folder}/made", FILES) is False
    assert place.filesystem.read_text(f"{place.folder}/made") == "first"


def test_of_many_who_make_one_file_one_wins(place: Place) -> None:
    for attempt in range(10):
        path = f"{place.folder}/deep{attempt}/file"

        won = at_once(4, partial(place.filesystem.create_file, path, "text"))

        assert sorted(won) == [False, False, False, True]


@pytest.mark.parametrize("files", [FILES, {}], ids=["with files", "empty"])
def test_of_many_who_make_one_folder_one_wins(place: Place, files: dict[str, str]) -> None:
    for attempt in range(10):
        path = f"{place.folder}/made{attempt}"

        won = at_once(4, partial(place.filesystem.create_directory, path, files))

        assert sorted(won) == [False, False, False, True]


def test_readers_see_a_folder_only_with_all_its_files(place: Place) -> None:
    many = {f"file{number}": "text" for number in range(20)}
    done = threading.Event()
    torn: list[str] = []

    def watch() -> None:
        number = 0
        while not done.is_set():
            made = f"{place.folder}/made{number}"
            if place.filesystem.kind(made) is None:
                continue
            torn.extend(name for name in many if place.filesystem.kind(f"{made}/{name}") is None)
            number += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(20):
        place.filesystem.create_directory(f"{place.folder}/made{number}", many)
    done.set()
    watcher.join()

    assert torn == []


def test_a_file_in_the_way_of_a_folder_is_an_error_that_names_it(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "text")

    with pytest.raises(FilesystemError, match=r"/file: a file stands where a folder is needed"):
        place.filesystem.create_file(f"{place.folder}/file/a/b", "text")
    with pytest.raises(FilesystemError, match=r"/file: a file stands where a folder is needed"):
        place.filesystem.create_directory(f"{place.folder}/file/a/b", FILES)
    assert place.filesystem.read_text(f"{place.folder}/file") == "text"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../escaped", "nul\0"])
def test_a_bad_file_name_makes_no_folder(place: Place, name: str) -> None:
    with pytest.raises(FilesystemError):
        place.filesystem.create_directory(f"{place.folder}/a/made", {"first": "text", name: ""})

    assert place.filesystem.kind(f"{place.folder}/a") is None
    assert place.filesystem.kind(f"{place.folder}/escaped") is None


def test_text_that_is_not_unicode_makes_nothing(place: Place) -> None:
    with pytest.raises(FilesystemError, match="not UTF-8"):
        place.filesystem.create_file(f"{place.folder}/a/file", "\ud800")
    with pytest.raises(FilesystemError, match="not UTF-8"):
        place.filesystem.create_directory(f"{place.folder}/a/made", {"one": "1", "two": "\ud800"})

    assert place.filesystem.kind(f"{place.folder}/a") is None


def test_reading_what_is_not_there_says_so(place: Place) -> None:
    with pytest.raises(FilesystemError, match="missing: nothing stands there"):
        place.filesystem.read_text(f"{place.folder}/missing")


def test_a_folder_cannot_be_read(place: Place) -> None:
    with pytest.raises(FilesystemError, match=r".") as caught:
        place.filesystem.read_text(place.folder)
    assert place.folder in caught.value.what


def test_a_folder_tells_what_it_holds_by_name_kind_and_size(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/b.txt", "Größe")
    place.filesystem.create_directory(f"{place.folder}/c/deep", FILES)
    place.filesystem.create_file(f"{place.folder}/a", "")

    assert place.filesystem.entries(place.folder) == (
        Entry("a", "file", 0),
        Entry("b.txt", "file", 7),
        Entry("c", "directory", 0),
    )
    assert place.filesystem.entries(f"{place.folder}/c/") == (Entry("deep", "directory", 0),)


def test_a_folder_that_is_not_there_holds_nothing(place: Place) -> None:
    assert place.filesystem.entries(f"{place.folder}/missing/deeper") == ()


def test_an_empty_folder_holds_nothing(place: Place) -> None:
    place.filesystem.create_directory(f"{place.folder}/empty", {})

    assert place.filesystem.entries(f"{place.folder}/empty") == ()


def test_a_file_is_no_folder_to_look_into(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/file", "text")

    with pytest.raises(FilesystemError, match=r"/file: a file stands where a folder is needed"):
        place.filesystem.entries(f"{place.folder}/file")


def test_resolving_takes_dots_and_doubled_slashes_out(place: Place) -> None:
    untidy = f"/{place.folder}//missing/./deeper/../file/"

    assert place.filesystem.resolve(untidy) == f"{place.folder}/missing/file"
    assert place.filesystem.resolve("/..") == "/"


def test_resolving_twice_is_resolving_once(place: Place) -> None:
    once = place.filesystem.resolve(f"{place.folder}/a/../b")

    assert place.filesystem.resolve(once) == once


@pytest.mark.parametrize("path", ["", ".", "relative/path", "/nul\0byte", "/half\ud800"])
def test_every_method_refuses_a_bad_path(place: Place, path: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: place.filesystem.resolve(path),
        lambda: place.filesystem.kind(path),
        lambda: place.filesystem.entries(path),
        lambda: place.filesystem.read_text(path),
        lambda: place.filesystem.create_file(path, "text"),
        lambda: place.filesystem.replace_file(path, "text", "text"),
        lambda: place.filesystem.remove_file(path, "text"),
        lambda: place.filesystem.remove_directory(path),
        lambda: place.filesystem.rename(path, f"{place.folder}/new"),
        lambda: place.filesystem.rename(place.folder, path),
        lambda: place.filesystem.create_directory(path, FILES),
    ]
    for call in calls:
        with pytest.raises(FilesystemError):
            call()


def test_a_file_is_removed_when_it_holds_what_was_read(place: Place) -> None:
    path = f"{place.folder}/file"
    place.filesystem.create_file(path, "Größe\r\n")

    assert place.filesystem.remove_file(path, "Größe\n") is False
    assert place.filesystem.read_text(path) == "Größe\r\n"
    assert place.filesystem.remove_file(path, "Größe\r\n") is True
    assert place.filesystem.kind(path) is None
    assert place.filesystem.remove_file(path, "") is False
    assert place.filesystem.remove_file(place.folder, "") is False


def test_only_an_empty_folder_is_removed(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/a/file", "")

    assert place.filesystem.remove_directory(f"{place.folder}/a") is False
    assert place.filesystem.remove_directory(f"{place.folder}/a/file") is False
    assert place.filesystem.remove_directory(f"{place.folder}/missing") is False
    place.filesystem.remove_file(f"{place.folder}/a/file", "")
    assert place.filesystem.remove_directory(f"{place.folder}/a") is True
    assert place.filesystem.kind(f"{place.folder}/a") is None


def test_a_folder_is_renamed_with_all_that_it_holds(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/a/deep/file", "Größe")
    place.filesystem.create_file(f"{place.folder}/b/file", "other")

    assert place.filesystem.rename(f"{place.folder}/a", f"{place.folder}/c") is True
    assert place.filesystem.kind(f"{place.folder}/a") is None
    assert place.filesystem.read_text(f"{place.folder}/c/deep/file") == "Größe"
    assert place.filesystem.rename(f"{place.folder}/b/file", f"{place.folder}/c/file") is True
    assert place.filesystem.read_text(f"{place.folder}/c/file") == "other"


def test_nothing_is_renamed_to_a_name_that_is_taken_or_cannot_be(place: Place) -> None:
    place.filesystem.create_file(f"{place.folder}/a/file", "a")
    place.filesystem.create_directory(f"{place.folder}/b", {})

    assert place.filesystem.rename(f"{place.folder}/a", f"{place.folder}/b") is False
    assert place.filesystem.rename(f"{place.folder}/missing", f"{place.folder}/c") is False
    with pytest.raises(FilesystemError):
        place.filesystem.rename(f"{place.folder}/a", f"{place.folder}/none/c")
    assert place.filesystem.read_text(f"{place.folder}/a/file") == "a"
    assert place.filesystem.entries(f"{place.folder}/b") == ()
