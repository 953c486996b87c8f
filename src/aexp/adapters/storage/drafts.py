"""Unfinished files: written whole under a name of their own, then given the one that others look for."""

import contextlib
import errno
import os

from aexp.adapters.storage.steps import Place, write_all

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
        self._file: int | None = None

    @classmethod
    def written(cls, path: str, value: bytes, *, sync: bool, syncs_later: bool = False) -> "Draft":
        """A new file that holds ``value``; nothing is left of a failure.

        Args:
            sync: whether it is on the disk itself on return.
            syncs_later: whether :meth:`sync` will be called.

        Raises:
            OSError: there is no room; or EAGAIN when the name is taken. Then a first try made it and its
                reply was lost (the kernel repeats a call that met ESTALE); said otherwise, it would look as
                if the name that is to be published were taken. Try again with another name.
        """
        draft = cls(path)
        try:
            draft._fill(value, sync=sync, stays_open=syncs_later)
        except BaseException:
            draft.__exit__()
            raise
        return draft

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # What cannot be removed now is swept later; it says nothing about what was published.
            if self._left:
                with contextlib.suppress(OSError):
                    os.unlink(self.name, dir_fd=self.folder)
        finally:
            self._close()
            self._place.__exit__()

    def keep(self) -> None:
        """It stays where it is, or has been moved away."""
        self._left = False

    def sync(self) -> None:
        """Put it, and with it the names that it has got, on the disk."""
        if self._file is None:
            raise ValueError(f"{self.path} was closed when it was written")
        os.fsync(self._file)

    def has_another_name(self) -> bool:
        """Whether it was linked, even when that name has been moved on since."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False).st_nlink > 1

    def _fill(self, value: bytes, *, sync: bool, stays_open: bool) -> None:
        try:
            self._file = os.open(self.name, CREATE, 0o600, dir_fd=self.folder)
        except FileExistsError as exc:
            self._left = False
            raise OSError(errno.EAGAIN, "the draft's name was used up", self.path) from exc
        write_all(self._file, value)
        # Quota and write errors of network filesystems come at the sync or at the close.
        if sync:
            os.fsync(self._file)
        if not stays_open:
            self._close()

    def _close(self) -> None:
        handle, self._file = self._file, None
        if handle is not None:
            os.close(handle)
