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

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any

from aexp.adapters.storage.reserve import FULL, Reserve, write_draft
from aexp.adapters.storage.steps import (
    UnfitFileError,
    arrived,
    checked,
    exists_after_all,
    make_folders,
    open_folder,
    opened_to_read,
    place,
    read_part,
    same_content,
    sync_file,
    unlink,
    was_linked,
    with_folder,
)
from aexp.domain import layout
from aexp.domain.profiles import Profile

FILE_MODE = 0o600
CLEARINGS = 3
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


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
        self._root_may_be_link = True
        self._real_root: str | None = None
        self._reserve = Reserve(scratch)

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[str]:
        """The names in a folder, without asking for any entry's attributes.

        The folder is opened anew each time: that is what makes NFS clients look at the server.
        """
        if self.profile.freshen == "touch":
            self._touch(path)
        try:
            return self._names(path)
        except FileNotFoundError:
            if self.profile.believes_errors or not exists_after_all(path):
                raise
            return self._names(path)

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """The bytes from ``start`` to ``end``. The file is opened anew each time."""
        handle = opened_to_read(path, may_be_link=self._follows(path))
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
        last = mode == "create" and self.profile.sync_last
        draft, left = self._draft(value, sync=durable and not last), True
        try:
            if on_draft is not None:
                on_draft(draft)
            if mode == "create":
                with_folder(path, lambda: self._link(draft, path))
            else:
                with_folder(path, lambda: self._replace(draft, path))
                left = False
            if durable and last:
                # The draft is another name of the file, which may have been moved on from its own by now.
                sync_file(draft)
            elif durable:
                self._settle(path)
        finally:
            # What cannot be removed now is swept later; it says nothing about what was published.
            if left:
                with contextlib.suppress(OSError):
                    unlink(draft)

    def mv_file(self, path1: str, path2: str, *, durable: bool = False, **kwargs: Any) -> None:
        """Move in one step. Raises FileNotFoundError when somebody else moved or removed it first."""
        try:
            self._rename(path1, path2)
        except FileNotFoundError:
            if not os.path.lexists(path1):
                raise
            make_folders(os.path.dirname(path2))
            self._rename(path1, path2)
        if durable:
            # Two names of one file: a rename leaves both, and says that it was made (rename(2)).
            unlink(path1)
            self._settle(path2)

    def rm_file(self, path: str) -> None:
        """Remove a file; that it was not there is no error. A folder that holds something is set aside."""
        from aexp.adapters.storage import obstacles

        try:
            with self._at(path) as (folder, name):
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
        self._root_may_be_link = os.path.islink(self.root)
        return why_not_trusted(self.root, folders)

    def open(self, path: str, mode: str) -> IO[bytes]:
        """A file to append to; there is no other mode."""
        if mode != "ab":
            raise ValueError(
                f"{type(self).__name__} opens files to append to them, not with {mode!r}"
            )

        def opened() -> int:
            with self._at(path) as (folder, name):
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
            with self._at(probe) as (place_of_it, name):
                os.close(os.open(name, _CREATE, FILE_MODE, dir_fd=place_of_it))
        except OSError as exc:
            # On a full disk the listing may be half a minute old; that is better than none.
            if exc.errno not in FULL:
                raise
        unlink(probe)

    def _names(self, folder: str) -> list[str]:
        link = folder == self.root and self._root_may_be_link
        handle = open_folder(folder, to_list=True, may_be_link=link)
        try:
            return os.listdir(handle)
        finally:
            os.close(handle)

    def _at(self, path: str) -> AbstractContextManager[tuple[int, str]]:
        return place(path, may_be_link=self._follows(path))

    def _follows(self, path: str) -> bool:
        return self._root_may_be_link and os.path.dirname(path) == self.root

    def _settle(self, path: str) -> None:
        """Make the name itself survive a power cut, where that takes a call of its own."""
        if self.profile.sync_folder:
            link = self._follows(path)
            handle = open_folder(os.path.dirname(path), to_list=True, may_be_link=link)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _link(self, draft: str, path: str) -> None:
        try:
            with place(draft) as (scratch, one), self._at(path) as (folder, two):
                os.link(one, two, src_dir_fd=scratch, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as exc:
            lost = not self.profile.believes_errors and was_linked(exc, draft)
            if not lost and not (isinstance(exc, FileExistsError) and same_content(draft, path)):
                raise

    def _replace(self, draft: str, path: str) -> None:
        try:
            self._moved(draft, path)
        except OSError:
            # Nobody else touches the draft: when it is gone it was moved, and the reply was lost.
            if self.profile.believes_errors or arrived(draft):
                raise

    def _rename(self, src: str, dst: str) -> None:
        try:
            self._moved(src, dst)
        except UnfitFileError:
            raise
        except OSError:
            if self.profile.believes_errors or not arrived(dst):
                raise

    def _moved(self, src: str, dst: str) -> None:
        """One rename; what stands in the way at ``dst`` is cleared away first, a few times over."""
        from aexp.adapters.storage import obstacles

        with self._at(src) as (source, one), self._at(dst) as (target, two):
            for _ in range(CLEARINGS):
                try:
                    return obstacles.move(source, one, target, two)
                except OSError as exc:
                    # A lost reply can look like this too; then nothing is in the way.
                    in_the_way = exc.errno in obstacles.IN_THE_WAY
                    if not in_the_way or not obstacles.clear(self.root, source, one, target, two):
                        raise
        raise UnfitFileError(errno.EISDIR, "folders keep appearing there", dst)

    def _draft(self, value: bytes, *, sync: bool) -> str:
        try:
            path = f"{self.scratch}/{os.urandom(16).hex()}"
            synced = sync and self.profile.sync_file
            with_folder(path, lambda: write_draft(path, value, sync=synced))
        except OSError as exc:
            kept = self._reserve.draft(value) if exc.errno in FULL else None
            if kept is None:
                raise
            return kept
        return path
