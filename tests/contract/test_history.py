"""What every adapter for git's knowledge of a folder promises: real git, and the fake."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.adapters.history.git import GitHistory
from aexp.adapters.history.memory import MemoryHistory
from aexp.domain.errors import HistoryError
from aexp.ports.history import History


class Place(Protocol):
    """A working copy that passes over ``*.npy``, as a person and an editor would use it."""

    root: str
    history: History

    def write(self, path: str, text: str) -> None: ...
    def read(self, path: str) -> str | None: ...
    def make_folder(self, path: str) -> None: ...
    def commit(self, folder: str, when: int) -> None: ...


class RealGit:
    def __init__(self, folder: Path) -> None:
        self.root = str(folder / "größe of it")
        self.history = GitHistory()
        subprocess.run(["git", "init", "-q", self.root], check=True)
        Path(self.root, ".git", "info", "exclude").write_text("*.npy\n")

    def write(self, path: str, text: str) -> None:
        place = Path(self.root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def read(self, path: str) -> str | None:
        place = Path(self.root, path)
        return place.read_text() if place.is_file() else None

    def make_folder(self, path: str) -> None:
        Path(self.root, path).mkdir(parents=True)

    def commit(self, folder: str, when: int) -> None:
        date = {"GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000"}
        names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        for words in (("add", "-A", "--", folder), (*names, "commit", "-qm", "x", "--", folder)):
            subprocess.run(["git", "-C", self.root, *words], check=True, env={**os.environ, **date})


class InMemory:
    def __init__(self, folder: Path) -> None:
        self.root = "/repo"
        self._files = MemoryFilesystem()
        self._files.create_directory("/repo/.git", {})
        self.history: MemoryHistory = MemoryHistory(self._files, ignored=("*.npy",))

    def write(self, path: str, text: str) -> None:
        self._files.write(f"/repo/{path}", text)

    def read(self, path: str) -> str | None:
        place = f"/repo/{path}"
        return self._files.read_text(place) if self._files.kind(place) == "file" else None

    def make_folder(self, path: str) -> None:
        self._files.create_directory(f"/repo/{path}", {})

    def commit(self, folder: str, when: int) -> None:
        self.history.commit(f"/repo/{folder}", when)


MAKERS: dict[str, Callable[[Path], Place]] = {"git": RealGit, "memory": InMemory}


@pytest.fixture(params=MAKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return MAKERS[request.param](tmp_path)


def at(place: Place, *paths: str) -> set[str]:
    return {f"{place.root}/{path}" for path in paths}


def test_before_the_first_commit_all_is_untracked_but_what_is_passed_over(place: Place) -> None:
    place.write("in/a ä.txt", "1")
    place.write("in/deep/b.txt", "1")
    place.write("in/big.npy", "1")
    place.write("out.txt", "1")

    found = place.history.look(place.root, f"{place.root}/in")

    assert found.untracked == at(place, "in/a ä.txt", "in/deep/b.txt")
    assert (found.tracked, found.changed, found.commits) == (frozenset(), frozenset(), {})


def test_what_is_committed_is_tracked_unchanged_and_has_its_commit(place: Place) -> None:
    place.write("in/a ä.txt", "1")
    place.commit("in", 1_000_000_000)
    place.write("in/b.txt", "1")
    place.write("in/a ä.txt", "2")
    place.commit("in", 1_100_000_000)
    place.write("in/b.txt", "2")
    place.commit("in", 1_200_000_000)

    found = place.history.look(place.root, f"{place.root}/in")

    assert found.tracked == at(place, "in/a ä.txt", "in/b.txt")
    assert (found.changed, found.untracked) == (frozenset(), frozenset())
    assert {path: commit.when for path, commit in found.commits.items()} == {
        f"{place.root}/in/a ä.txt": 1_100_000_000,
        f"{place.root}/in/b.txt": 1_200_000_000,
    }
    assert all(len(commit.id) == 40 for commit in found.commits.values())


def test_what_differs_from_the_last_commit_is_changed(place: Place) -> None:
    place.write("in/a.txt", "1")
    place.commit("in", 1_000_000_000)
    place.write("in/a.txt", "2")

    assert place.history.look(place.root, f"{place.root}/in").changed == at(place, "in/a.txt")


def test_a_folder_that_is_not_there_is_nothing_to_git(place: Place) -> None:
    found = place.history.look(place.root, f"{place.root}/missing")

    assert not found.tracked | found.changed | found.untracked | found.commits.keys()


def test_a_moved_folder_takes_all_along_and_moves_back(place: Place) -> None:
    place.write("in/one/a.txt", "1")
    place.write("in/one/big.npy", "2")
    place.commit("in", 1_000_000_000)
    place.make_folder("in/old")

    place.history.move(place.root, f"{place.root}/in/one", f"{place.root}/in/old/one")

    assert place.read("in/one/a.txt") is None
    assert (place.read("in/old/one/a.txt"), place.read("in/old/one/big.npy")) == ("1", "2")
    found = place.history.look(place.root, f"{place.root}/in")
    assert found.tracked == at(place, "in/old/one/a.txt")
    assert found.changed == at(place, "in/one/a.txt", "in/old/one/a.txt")
    place.history.move(place.root, f"{place.root}/in/old/one", f"{place.root}/in/one")
    again = place.history.look(place.root, f"{place.root}/in")
    assert (again.tracked, again.changed) == (at(place, "in/one/a.txt"), frozenset())


def test_a_folder_that_git_does_not_have_is_not_moved(place: Place) -> None:
    place.write("in/one/a.txt", "1")

    with pytest.raises(HistoryError):
        place.history.move(place.root, f"{place.root}/in/one", f"{place.root}/in/two")

    assert place.read("in/one/a.txt") == "1"


def test_nothing_is_moved_to_a_name_that_is_taken(place: Place) -> None:
    place.write("in/one/a.txt", "1")
    place.commit("in", 1_000_000_000)
    place.make_folder("in/two")

    with pytest.raises(HistoryError, match="exists already"):
        place.history.move(place.root, f"{place.root}/in/one", f"{place.root}/in/two")

    assert place.read("in/one/a.txt") == "1"
