"""Files and folders of this machine's disks and of the network filesystems mounted on it.

fsspec makes, opens and removes files here. What must be atomic does not go through it: a new file
is written beside its place under a hidden name and then linked to its name, a new folder is filled
beside its place and then renamed. A process that is killed half-way leaves at most a hidden
``.aexp-tmp-*``, which may be deleted at any time.

What only looks (``resolve``, ``kind``, ``entries``, ``read_text``) does without fsspec, whose import
takes longer than all of them.
"""

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aexp.adapters.filesystem.common import checked, encoded, encoded_files, translated
from aexp.adapters.filesystem.fsspec import FsspecFilesystem
from aexp.adapters.filesystem.publishing import (
    TAKEN,
    TEMPORARY,
    hidden,
    link,
    make,
    rename,
    sync_parent,
)
from aexp.ports.filesystem import Entry, Kind

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["TEMPORARY", "LocalFilesystem"]

# Every filesystem of Linux that can hold a home or a working copy has this limit for one name.
_LONGEST_NAME = 255


class LocalFilesystem(FsspecFilesystem):
    """The port over the operating system's own files."""

    def __init__(self) -> None:
        """Nothing is opened or imported until a file is made."""

    @cached_property
    def _fs(self) -> "AbstractFileSystem":
        from fsspec.implementations.local import LocalFileSystem

        # An instance of its own: nobody else can begin a transaction on it, which would turn
        # `open` into a copy from $TMPDIR.
        return LocalFileSystem(auto_mkdir=False, skip_instance_cache=True)

    def resolve(self, path: str) -> str:
        checked(path)
        with translated(path):
            # realpath passes over errors, and then what it returns is not resolved. Looking the
            # path up (as given, and as resolved) tells whether there were any.
            real = os.path.realpath(path)
            _look_up(path)
            if real != path:
                _look_up(real)
                if os.path.realpath(real) != real:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if any(len(os.fsencode(name)) > _LONGEST_NAME for name in real.split("/")):
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return real

    def kind(self, path: str) -> Kind | None:
        checked(path)
        with translated(path):
            mode = _look_up(path)
        return None if mode is None else _kind(mode)

    def entries(self, path: str) -> tuple[Entry, ...]:
        checked(path)
        with translated(path):
            try:
                with os.scandir(path) as found:
                    held = [_entry(one) for one in found]
            except FileNotFoundError:
                return ()
        return tuple(sorted((one for one in held if one), key=lambda entry: entry.name))

    def read_text(self, path: str) -> str:
        checked(path)
        with translated(path):
            return Path(path).read_bytes().decode("utf-8")

    def create_file(self, path: str, text: str) -> bool:
        place, data = Path(checked(path)), encoded(path, text)
        with translated(path):
            if os.path.lexists(place):
                return False
            with self._parents(str(place)):
                return self._publish_file(place, data)

    def replace_file(self, path: str, before: str, text: str) -> bool:
        place, old, data = Path(checked(path)), encoded(path, before), encoded(path, text)
        with translated(path):
            if self.kind(path) != "file" or place.read_bytes() != old:
                return False
            self._exchange(place, data)
        return True

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        place, held = Path(checked(path)), encoded_files(path, files)
        with translated(path):
            if os.path.lexists(place):
                return False
            with self._parents(str(place)):
                return self._publish_folder(place, held)

    def remove_file(self, path: str, before: str) -> bool:
        place, old = Path(checked(path)), encoded(path, before)
        with translated(path):
            if self.kind(path) != "file" or place.read_bytes() != old:
                return False
            place.unlink()
        sync_parent(place)
        return True

    def remove_directory(self, path: str) -> bool:
        place = Path(checked(path))
        with translated(path):
            try:
                place.rmdir()
            except OSError as exc:
                if exc.errno in (*TAKEN, errno.ENOENT):
                    return False
                raise
        sync_parent(place)
        return True

    def rename(self, source: str, target: str) -> bool:
        old, new = Path(checked(source)), Path(checked(target))
        with translated(source):
            # A file could be given its name without looking first, a folder could not: both are looked up.
            if os.path.lexists(new) or not os.path.lexists(old):
                return False
            old.rename(new)
        sync_parent(old)
        sync_parent(new)
        return True

    def _publish_file(self, place: Path, data: bytes) -> bool:
        temporary = hidden(place)
        try:
            self._write(temporary, data)
            published = link(temporary, place)
        finally:
            with suppress(OSError):
                temporary.unlink()
        sync_parent(place)
        return published

    def _exchange(self, place: Path, data: bytes) -> None:
        temporary = hidden(place)
        try:
            self._write(temporary, data)
            temporary.chmod(stat.S_IMODE(place.stat().st_mode))
            temporary.replace(place)
        finally:
            with suppress(OSError):
                temporary.unlink()
        sync_parent(place)

    def _publish_folder(self, place: Path, files: Mapping[str, bytes]) -> bool:
        if not files:
            return make(place)
        # Loaded before anything is made: Ctrl-C in the midst of the import leaves nothing to clean up with.
        fs, temporary = self._fs, hidden(place)
        try:
            fs.mkdir(str(temporary), create_parents=False)
            for name, data in files.items():
                self._write(temporary / name, data)
            published = rename(temporary, place)
        finally:
            # Nothing is left to remove when the renaming went through.
            with suppress(OSError, ValueError):
                fs.rm(str(temporary), recursive=True)
        sync_parent(place)
        return published

    def _write(self, path: Path, data: bytes) -> None:
        with self._fs.open(str(path), "xb") as file:
            file.write(data)
            file.flush()
            # A full quota on NFS shows only here, and not in `write`.
            os.fsync(file.fileno())


def _look_up(path: str) -> int | None:
    """The mode of what stands at ``path``, or None; raises OSError when that cannot be told."""
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "directory"
    return "file" if stat.S_ISREG(mode) else "other"


def _entry(found: "os.DirEntry[str]") -> Entry | None:
    try:
        status = found.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    kind = _kind(status.st_mode)
    return Entry(found.name, kind, status.st_size if kind == "file" else 0)
