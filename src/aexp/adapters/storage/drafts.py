"""Unfinished files: written whole under a name of their own, then given the one that others look for."""

import contextlib
import errno
import os

from aexp.adapters.storage.steps import READ, Place, write_all

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Draft:
    """A finished text without its name. Ends with a with statement: what was not published is removed.

    Attributes:
        path: where it lies.
        folder: a descriptor of that folder.
        name: its name there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._place = Place(path)
        self.folder, self.name = self._place.__enter__()
        self._left = True

    @classmethod
    def written(cls, path: str, value: bytes, *, sync: bool) -> "Draft":
        """A new file that holds ``value``; nothing is left of a failure.

        Args:
            sync: whether it is on the disk itself on return.

        Raises:
            OSError: there is no room; or EAGAIN when the name is taken. Then a first try made it and its
                reply was lost (the kernel repeats a call that met ESTALE); said otherwise, it would look as
                if the name that is to be published were taken. Try again with another name.
        """
        draft = cls(path)
        try:
            draft._fill(value, sync=sync)
        except BaseException:
            draft.__exit__()
            raise
        return draft

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, *_: object) -> None:
        # What cannot be removed now is swept later; it says nothing about what was published.
        if self._left:
            with contextlib.suppress(OSError):
                os.unlink(self.name, dir_fd=self.folder)
        self._place.__exit__()

    def keep(self) -> None:
        """It stays where it is, or has been moved away."""
        self._left = False

    def sync(self) -> None:
        """Put it, and with it the names that it has got, on the disk."""
        # Opened to read: the end of a writing would be taken for the sign that tells of a move.
        handle = os.open(self.name, READ, dir_fd=self.folder)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def has_another_name(self) -> bool:
        """Whether it was linked, even when that name has been moved on since."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False).st_nlink > 1

    def _fill(self, value: bytes, *, sync: bool) -> None:
        try:
            handle = os.open(self.name, CREATE, 0o600, dir_fd=self.folder)
        except FileExistsError as exc:
            self._left = False
            raise OSError(errno.EAGAIN, "the draft's name was used up", self.path) from exc
        try:
            write_all(handle, value)
            # Quota and write errors of network filesystems come at the sync or at the close.
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
