"""A git in this process's memory, over files in memory: for tests and for trying things out."""

from fnmatch import fnmatch
from hashlib import sha1
from posixpath import basename

from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.domain.errors import HistoryError
from aexp.ports.history import Commit, History, Standing


class MemoryHistory(History):
    """One working copy and its branch.

    Args:
        files: where the working copy lies.
        ignored: patterns of file names that git passes over.
    """

    def __init__(self, files: MemoryFilesystem, ignored: tuple[str, ...] = ()) -> None:
        self._files = files
        self._ignored = ignored
        self._index: set[str] = set()
        self._last: dict[str, str] = {}
        self._commits: dict[str, Commit] = {}

    def commit(self, folder: str, when: int) -> None:
        """Add all that is below the folder, and commit it at that second."""
        self._index = {path for path in self._index if not _below(path, folder)}
        self._index |= {path for path in self._present(folder) if not self._passed_over(path)}
        changed = self.look("/", folder).changed
        made = Commit(sha1(f"{when}".encode(), usedforsecurity=False).hexdigest(), when)
        self._commits.update(dict.fromkeys(changed, made))
        self._last = {path: text for path, text in self._last.items() if not _below(path, folder)}
        self._last |= {
            path: self._files.read_text(path) for path in self._index if _below(path, folder)
        }

    def look(self, root: str, folder: str) -> Standing:
        present = self._present(folder)
        index = {path for path in self._index if _below(path, folder)}
        known = {path for path in {*index, *self._last} if _below(path, folder)}
        return Standing(
            tracked=frozenset(index),
            changed=frozenset(
                path
                for path in known
                if path not in present
                or path not in index
                or self._last.get(path) != self._files.read_text(path)
            ),
            untracked=frozenset(path for path in present - index if not self._passed_over(path)),
            commits={path: made for path, made in self._commits.items() if _below(path, folder)},
        )

    def move(self, root: str, source: str, target: str) -> None:
        if not any(_below(path, source) for path in self._index):
            raise HistoryError(f"git has nothing of {source}.", "Commit it first.")
        if self._files.kind(target) is not None:
            raise HistoryError(f"{target} exists already.", "Move it away first.")
        self._files.rename(source, target)
        self._index = {
            f"{target}{path[len(source) :]}" if _below(path, source) else path
            for path in self._index
        }

    def _present(self, folder: str) -> set[str]:
        return {
            path for path in self._files.everything() if _below(path, folder) and path[-1] != "/"
        }

    def _passed_over(self, path: str) -> bool:
        return any(fnmatch(basename(path), pattern) for pattern in self._ignored)


def _below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")
