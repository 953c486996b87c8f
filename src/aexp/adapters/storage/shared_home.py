"""A shared home whose publishing, exclusive creation and moves are atomic, with fsspec's names for them.

fsspec's own ``LocalFileSystem`` is none of that: ``pipe_file`` writes in place, its ``mode="create"`` checks
and then acts, and ``mv`` falls back to copying (fsspec 2026.9; measured in ``docs/filesystems.md``). Nothing
of it is used here, so it is not imported: that would take a client longer than a request. Here

- a file is written under ``scratch``, synced, and renamed (or linked, to create) to its name;
- a move is one ``rename(2)`` and never a copy. What it says about failing is not believed: a lost reply of
  an NFS server looks like an error although the move was made (rename(2), BUGS);
- reading follows no link and waits for no FIFO;
- the folders of the queue are opened without following a link, and names are used through their
  descriptors: a folder that is swapped for a link leads nowhere;
- a folder in a file's place is moved out of the way (see :mod:`aexp.adapters.storage.obstacles`).
"""

import os
from collections.abc import Callable, Sequence
from typing import IO, Any

from aexp.adapters.storage.drafts import CREATE, Draft
from aexp.adapters.storage.names import Names
from aexp.adapters.storage.reserve import FULL, Reserve
from aexp.adapters.storage.steps import (
    checked,
    exists_after_all,
    make_folders,
    open_folder,
    opened_to_read,
    read_part,
    unlink,
    with_folder,
)
from aexp.domain import layout
from aexp.domain.profiles import Profile

FILE_MODE = 0o600
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SharedHomeFileSystem:
    """See the module. Paths are absolute; errors are the operating system's own.

    Args:
        scratch: the folder for unfinished files, right below the queue, on the same filesystem as
            everything that is written.
        profile: how the filesystem is treated.
    """

    atomic = True

    def __init__(self, scratch: str, profile: Profile) -> None:
        self.scratch = scratch
        self.root = os.path.dirname(scratch)
        self.profile = profile
        self._names = Names(self.root, profile)
        self._real_root: str | None = None
        self._reserve = Reserve(scratch)

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[str]:
        """The names in a folder, without asking for any entry's attributes.

        The folder is opened anew each time: that is what makes NFS clients look at the server.
        """
        if self.profile.freshen == "touch":
            self._touch(path)
        try:
            return self._listed(path)
        except FileNotFoundError:
            if self.profile.believes_errors or not exists_after_all(path):
                raise
            return self._listed(path)

    def stamp(self, path: str) -> object | None:
        """What the kernel notes of the folder itself; None where another node may have changed it since."""
        if not self.profile.believes_dates:
            return None
        try:
            about = os.stat(path, follow_symlinks=False)
        except FileNotFoundError:
            return None
        # Not the date of modification, which whoever owns the folder can set.
        return about.st_dev, about.st_ino, about.st_ctime_ns

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """The bytes from ``start`` to ``end``. The file is opened anew each time."""
        handle = opened_to_read(path, may_be_link=self._names.follows(path))
        try:
            return read_part(handle, start or 0, end)
        finally:
            os.close(handle)

    def pipe_file(
        self,
        path: str,
        value: bytes,
        mode: str = "overwrite",
        *,
        durable: bool = True,
        on_draft: Callable[[str], None] | None = None,
        **kwargs: Any,
    ) -> None:
        """Publish a whole file at once. ``mode="create"`` raises FileExistsError when the name is taken.

        Args:
            on_draft: called with the path of the finished file before it gets its name.
        """
        create = mode == "create"
        last = durable and create and self.profile.sync_last
        with self._draft(value, sync=durable and not last) as draft:
            if on_draft is not None:
                on_draft(draft.path)
            publish = self._names.create if create else self._names.replace
            with_folder(path, lambda: publish(draft, path, settle=durable and not last))
            if last:
                draft.sync()

    def mv_file(
        self,
        path1: str,
        path2: str,
        *,
        durable: bool = False,
        tell: bool = False,
        **kwargs: Any,
    ) -> None:
        """Move in one step. Raises FileNotFoundError when somebody else moved or removed it first.

        Args:
            tell: see :meth:`aexp.adapters.storage.names.Names.move`.
        """
        try:
            self._names.move(path1, path2, durable=durable, tell=tell)
        except FileNotFoundError:
            if not os.path.lexists(path1):
                raise
            make_folders(os.path.dirname(path2))
            self._names.move(path1, path2, durable=durable, tell=tell)

    def rm_file(self, path: str) -> None:
        """Remove a file; that it was not there is no error. A folder that holds something is set aside."""
        from aexp.adapters.storage import obstacles

        try:
            with self._names.at(path) as (folder, name):
                try:
                    os.unlink(name, dir_fd=folder)
                except (IsADirectoryError, PermissionError):
                    if not obstacles.is_folder(folder, name):
                        raise
                    in_bad = os.path.dirname(path) == f"{self.root}/{layout.BAD}"
                    obstacles.remove(self.root, folder, name, in_bad=in_bad)
        except FileNotFoundError:
            return

    def untrusted(self, folders: Sequence[str]) -> str | None:
        """What lets others write into the queue, or leads out of it; None when nothing does."""
        from aexp.adapters.storage.trust import why_not_trusted

        real = os.path.realpath(self.root)
        if self._real_root not in (None, real):
            return f"{self.root} was {self._real_root} and is {real} now. Start the daemon again."
        self._real_root = real
        self._names.root_may_be_link = os.path.islink(self.root)
        return why_not_trusted(self.root, folders)

    def open(self, path: str, mode: str) -> IO[bytes]:
        """A file to append to; there is no other mode."""
        if mode != "ab":
            raise ValueError(
                f"{type(self).__name__} opens files to append to them, not with {mode!r}"
            )

        def opened() -> int:
            with self._names.at(path) as (folder, name):
                return os.open(name, _APPEND, FILE_MODE, dir_fd=folder)

        return os.fdopen(checked(with_folder(path, opened), path, alone=True), "ab")

    def reserve(self, count: int) -> None:
        """Keep ``count`` small files aside for a full disk; 0 gives them back."""
        if count == 0:
            self._reserve.close()
        else:
            with_folder(f"{self.scratch}/x", lambda: self._reserve.fill(count))

    def _touch(self, folder: str) -> None:
        """Change the folder ourselves: after that every NFS client asks the server what is in it."""
        probe = f"{folder}/.fresh-{os.urandom(16).hex()}"
        try:
            with self._names.at(probe) as (place_of_it, name):
                os.close(os.open(name, CREATE, FILE_MODE, dir_fd=place_of_it))
        except OSError as exc:
            # On a full disk the listing may be half a minute old; that is better than none.
            if exc.errno not in FULL:
                raise
        unlink(probe)

    def _listed(self, folder: str) -> list[str]:
        link = folder == self.root and self._names.root_may_be_link
        handle = open_folder(folder, to_list=True, may_be_link=link)
        try:
            return os.listdir(handle)
        finally:
            os.close(handle)

    def _draft(self, value: bytes, *, sync: bool) -> Draft:
        path, synced = f"{self.scratch}/{os.urandom(16).hex()}", sync and self.profile.sync_file
        try:
            return with_folder(path, lambda: Draft.written(path, value, sync=synced))
        except OSError as exc:
            kept = self._reserve.draft(value) if exc.errno in FULL else None
            if kept is None:
                raise
        return Draft(kept)
