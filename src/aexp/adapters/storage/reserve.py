"""Space kept aside, so that what must be said can be said on a full disk.

With every block and inode of a quota used up, a rename, a write into blocks that a file has already and
a truncation still work (measured, see ``docs/filesystems.md``). So a few files of one block each are made
while there is room; when there is none, a small text is written into one of them.
"""

import contextlib
import errno
import os
import time

from aexp.adapters.storage.steps import open_folder, place, unlink, write_all

SIZE = 4096
"""Bytes of one reserved file: the most that can be written on a full disk in one piece."""

FORGOTTEN_S = 30 * 86400.0
"""Seconds after which another process's reserve is given up; no clock is wrong by that much."""

_PREFIX = ".reserve-"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_draft(path: str) -> int:
    """A new file under a name that is ours alone, open for writing.

    Raises:
        OSError: EAGAIN when the name is taken. A first try made it and its reply was lost (the kernel
            repeats a call that met ESTALE); said otherwise, it would look as if the name that is to be
            published were taken. Try again with another name.
    """
    try:
        with place(path) as (folder, name):
            return os.open(name, _CREATE, 0o600, dir_fd=folder)
    except FileExistsError as exc:
        raise OSError(errno.EAGAIN, "the draft's name was used up", path) from exc


def write_draft(path: str, value: bytes, *, sync: bool) -> None:
    """A new file that holds ``value``, on the disk itself when ``sync``; nothing is left of a failure.

    Raises:
        OSError: see :func:`make_draft`; or there is no room.
    """
    handle = make_draft(path)
    try:
        try:
            write_all(handle, value)
            # Quota and write errors of network filesystems come at the sync or at the close.
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        unlink(path)
        raise


class Reserve:
    """The reserved files of one process, in ``folder``."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: list[str] = []

    def fill(self, count: int) -> None:
        """See to it that ``count`` files are there.

        Raises:
            OSError: there is no room for them.
        """
        if not self._files:
            self._drop_forgotten()
        while len(self._files) < count:
            self._files.append(self._make())

    def draft(self, value: bytes) -> str | None:
        """A file that holds ``value``, made without any new space; None when there is none to give."""
        if len(value) > SIZE or not self._files:
            return None
        path = self._files.pop()
        with place(path) as (folder, name):
            handle = os.open(name, _REWRITE, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(value)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        return path

    def _make(self) -> str:
        path = f"{self._folder}/{_PREFIX}{os.urandom(16).hex()}"
        # Random bytes: a filesystem that compresses or leaves out zeros must keep the block.
        write_draft(path, os.urandom(SIZE), sync=True)
        return path

    def _drop_forgotten(self) -> None:
        """Remove what processes that died long ago had kept aside."""
        long_ago = time.time() - FORGOTTEN_S
        handle = open_folder(self._folder, to_list=True)
        try:
            for name in os.listdir(handle):
                with contextlib.suppress(FileNotFoundError):
                    if name.startswith(_PREFIX) and _changed(handle, name) < long_ago:
                        os.unlink(name, dir_fd=handle)
        finally:
            os.close(handle)

    def close(self) -> None:
        """Give the space back."""
        while self._files:
            unlink(self._files.pop())


def _changed(folder: int, name: str) -> float:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
