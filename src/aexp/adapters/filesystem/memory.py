"""Files and folders in this process's memory: for tests and for trying things out."""

import threading
from collections.abc import Mapping
from posixpath import basename, dirname

from aexp.adapters.filesystem.common import encoded, encoded_files, failure, normalised
from aexp.ports.filesystem import Entry, Filesystem, Kind


class MemoryFilesystem(Filesystem):
    """Every instance is a disk of its own, without links; all threads may share it."""

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._files: dict[str, bytes] = {}
        self._folders = {"/"}

    def everything(self) -> list[str]:
        """The paths of all files and folders, sorted; folders end in a slash."""
        with self._turn:
            folders = (f"{folder.rstrip('/')}/" for folder in self._folders)
            return sorted([*self._files, *folders])

    def resolve(self, path: str) -> str:
        return normalised(path)

    def kind(self, path: str) -> Kind | None:
        place = normalised(path)
        with self._turn:
            if place in self._folders:
                return "directory"
            return "file" if place in self._files else None

    def entries(self, path: str) -> tuple[Entry, ...]:
        place = normalised(path)
        with self._turn:
            if place in self._files:
                raise failure(path, NotADirectoryError())
            folders = {held for held in self._folders - {"/"} if dirname(held) == place}
            sizes = {
                held: len(data) for held, data in self._files.items() if dirname(held) == place
            }
        return tuple(
            Entry(basename(held), "directory" if held in folders else "file", sizes.get(held, 0))
            for held in sorted({*folders, *sizes})
        )

    def read_text(self, path: str) -> str:
        place = normalised(path)
        with self._turn:
            if place in self._folders:
                raise failure(path, IsADirectoryError())
            try:
                return self._files[place].decode("utf-8")
            except KeyError:
                raise failure(path, FileNotFoundError()) from None

    def create_file(self, path: str, text: str) -> bool:
        place, data = normalised(path), encoded(path, text)
        with self._turn:
            if self.kind(place) is not None:
                return False
            self._make_folders(dirname(place))
            self._files[place] = data
            return True

    def replace_file(self, path: str, before: str, text: str) -> bool:
        place, data = normalised(path), encoded(path, text)
        with self._turn:
            if self._files.get(place) != encoded(path, before):
                return False
            self._files[place] = data
            return True

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        place, held = normalised(path), encoded_files(path, files)
        with self._turn:
            if self.kind(place) is not None:
                return False
            self._make_folders(place)
            self._files.update({f"{place}/{name}": data for name, data in held.items()})
            return True

    def remove_file(self, path: str, before: str) -> bool:
        place = normalised(path)
        with self._turn:
            if self._files.get(place) != encoded(path, before):
                return False
            del self._files[place]
            return True

    def remove_directory(self, path: str) -> bool:
        place = normalised(path)
        with self._turn:
            if place == "/" or self.kind(place) != "directory" or self.entries(place):
                return False
            self._folders.remove(place)
            return True

    def rename(self, source: str, target: str) -> bool:
        source, target = normalised(source), normalised(target)
        with self._turn:
            if self.kind(target) is not None or self.kind(source) is None:
                return False
            if dirname(target) not in self._folders:
                raise failure(source, FileNotFoundError())
            moved = {
                path
                for path in {*self._folders, *self._files}
                if f"{path}/".startswith(f"{source}/")
            }
            for path in moved:
                place = f"{target}{path[len(source) :]}"
                if path in self._folders:
                    self._folders.remove(path)
                    self._folders.add(place)
                else:
                    self._files[place] = self._files.pop(path)
            return True

    def write(self, path: str, text: str) -> None:
        """Put this text into the file, whether it is there or not, as a program beside this one could."""
        place = normalised(path)
        with self._turn:
            self._make_folders(dirname(place))
            self._files[place] = text.encode()

    def _make_folders(self, folder: str) -> None:
        wanted: list[str] = []
        while folder not in self._folders:
            if folder in self._files:
                raise failure(folder, NotADirectoryError())
            wanted.append(folder)
            folder = dirname(folder)
        self._folders.update(wanted)
