"""Space kept aside, so that what must be said can be said on a full disk.

With every block and inode of a quota used up, a rename, a write into blocks that a file has already and
a truncation still work (measured, see ``docs/filesystems.md``). So a few files of one block each are made
while there is room; when there is none, a small text is written into one of them.
"""

import contextlib
import errno
import os
import time

from aexp.adapters.storage.drafts import Draft
from aexp.adapters.storage.steps import Place, open_folder, unlink

SIZE = 4096
"""Bytes of one reserved file: the most that can be written on a full disk in one piece."""

FORGOTTEN_S = 30 * 86400.0
"""Seconds after which another process's reserve is given up; no clock is wrong by that much."""

_PREFIX = ".reserve-"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


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
        with Place(path) as (folder, name):
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
        with Draft.written(path, os.urandom(SIZE), sync=True) as made:
            made.keep()
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
