"""Files and folders of any fsspec filesystem.

Traps of fsspec that this module goes round: ``exists`` answers False on every error, ``mv`` moves
*into* an existing folder and may copy, ``mode="create"`` checks and then acts, and two readers of
``memory://`` may share one cursor. So nothing here asks ``exists`` or moves anything, and all calls
of one process take turns. Between processes that share such a filesystem there is no single winner:
for a disk, :mod:`aexp.adapters.filesystem.local` gives that.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from posixpath import basename, dirname
from typing import TYPE_CHECKING, Any

from aexp.adapters.filesystem.common import encoded, encoded_files, failure, normalised, translated
from aexp.ports.filesystem import Entry, Filesystem, Kind

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# One lock for all instances, because several of them may stand over one store (memory://).
_TURN = threading.RLock()


class FsspecFilesystem(Filesystem):
    """The port over an fsspec filesystem without symbolic links.

    Args:
        fs: for example ``fsspec.filesystem("memory")``.
    """

    def __init__(self, fs: "AbstractFileSystem") -> None:
        self._fs = fs

    def resolve(self, path: str) -> str:
        return normalised(path)

    def kind(self, path: str) -> Kind | None:
        place = normalised(path)
        with _TURN, translated(path):
            try:
                found = self._fs.info(place)["type"]
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _kind(found)

    def entries(self, path: str) -> tuple[Entry, ...]:
        place = normalised(path)
        with _TURN, translated(path):
            try:
                found = self._fs.ls(place, detail=True, refresh=True)
            except FileNotFoundError:
                return ()
            if self.kind(place) != "directory":
                raise NotADirectoryError
        return tuple(sorted(map(_entry, found), key=lambda entry: entry.name))

    def read_text(self, path: str) -> str:
        place = normalised(path)
        with _TURN, translated(path):
            return bytes(self._fs.cat_file(place)).decode("utf-8")

    def create_file(self, path: str, text: str) -> bool:
        place, data = normalised(path), encoded(path, text)
        with _TURN, translated(path):
            if self.kind(place) is not None:
                return False
            with self._parents(place):
                return self._create(place, data)

    def replace_file(self, path: str, before: str, text: str) -> bool:
        place, old, data = normalised(path), encoded(path, before), encoded(path, text)
        with _TURN, translated(path):
            if self.kind(place) != "file" or bytes(self._fs.cat_file(place)) != old:
                return False
            try:
                self._fs.pipe_file(place, data)
            except BaseException:
                # The store may have kept a part of the file.
                with suppress(OSError):
                    self._fs.pipe_file(place, old)
                raise
            return True

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        place, held = normalised(path), encoded_files(path, files)
        with _TURN, translated(path):
            if self.kind(place) is not None:
                return False
            with self._parents(place):
                self._fs.mkdir(place, create_parents=False)
                self._fill(place, held)
            return True

    def remove_file(self, path: str, before: str) -> bool:
        place, old = normalised(path), encoded(path, before)
        with _TURN, translated(path):
            if self.kind(place) != "file" or bytes(self._fs.cat_file(place)) != old:
                return False
            self._fs.rm_file(place)
            return True

    def remove_directory(self, path: str) -> bool:
        place = normalised(path)
        with _TURN, translated(path):
            if self.kind(place) != "directory" or self._fs.ls(place, detail=False, refresh=True):
                return False
            self._fs.rmdir(place)
            return True

    def rename(self, source: str, target: str) -> bool:
        old, new = normalised(source), normalised(target)
        with _TURN, translated(source):
            if self.kind(new) is not None or self.kind(old) is None:
                return False
            if self.kind(dirname(new)) != "directory":
                raise FileNotFoundError
            self._fs.mv(old, new, recursive=True)
            return True

    def _create(self, place: str, data: bytes) -> bool:
        try:
            self._fs.pipe_file(place, data, mode="create")
        except FileExistsError:
            return False
        except BaseException:
            # The store may have kept a part of the file.
            with suppress(OSError):
                self._fs.rm_file(place)
            raise
        return True

    def _fill(self, place: str, files: Mapping[str, bytes]) -> None:
        made: list[str] = []
        try:
            for name, data in files.items():
                self._create(f"{place}/{name}", data)
                made.append(f"{place}/{name}")
        except BaseException:
            for file in made:
                with suppress(OSError):
                    self._fs.rm_file(file)
            with suppress(OSError):
                self._fs.rmdir(place)
            raise

    @contextmanager
    def _parents(self, place: str) -> Iterator[None]:
        """Make the folders above ``place``; take away those made here when the body fails."""
        made: list[str] = []
        try:
            for folder in self._missing(dirname(place)):
                # Another process may have made the folder since it was looked for.
                with suppress(FileExistsError):
                    self._fs.mkdir(folder, create_parents=False)
                    made.append(folder)
            yield
        except BaseException:
            for folder in reversed(made):
                # A folder in which somebody else has put something by now is not empty and stays.
                with suppress(OSError):
                    self._fs.rmdir(folder)
            raise

    def _missing(self, folder: str) -> list[str]:
        missing: list[str] = []
        while (found := self.kind(folder)) is None:
            missing.insert(0, folder)
            folder = dirname(folder)
        if found != "directory":
            raise failure(folder, NotADirectoryError())
        return missing


def _kind(said: str) -> Kind:
    if said == "directory":
        return "directory"
    return "file" if said == "file" else "other"


def _entry(info: Mapping[str, Any]) -> Entry:
    kind = "other" if info.get("islink") else _kind(info["type"])
    name = basename(str(info["name"]).rstrip("/"))
    return Entry(name, kind, (info["size"] or 0) if kind == "file" else 0)
