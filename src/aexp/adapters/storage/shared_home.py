"""A shared home as an fsspec filesystem whose publishing, exclusive creation and moves are atomic.

Plain ``LocalFileSystem`` is none of that: ``pipe_file`` writes in place, its ``mode="create"`` checks and
then acts, and ``mv`` falls back to copying (fsspec 2026.9; measured in ``docs/filesystems.md``). Here

- a file is written under ``scratch``, synced, and renamed (or linked, to create) to its name;
- a move is one ``rename(2)`` and never a copy. What it says about failing is not believed: a lost reply of
  an NFS server looks like an error although the move was made (rename(2), BUGS);
- reading follows no link and waits for no FIFO.
"""

import contextlib
import os
import uuid
from typing import IO, Any

from fsspec.implementations.local import LocalFileSystem

from aexp.adapters.storage.reserve import FULL, Reserve, make_draft
from aexp.adapters.storage.steps import (
    READ,
    arrived,
    checked,
    exists_after_all,
    make_folders,
    same_content,
    unlink,
    was_linked,
    with_folder,
)
from aexp.domain.profiles import Profile

FILE_MODE = 0o600
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class SharedHomeFileSystem(LocalFileSystem):  # type: ignore[misc]
    """See the module. Paths are absolute; errors are the operating system's own.

    Args:
        scratch: the folder for unfinished files, on the same filesystem as everything that is written.
        profile: how the filesystem is treated.
    """

    protocol = ("relayfile",)
    cachable = False
    atomic = True

    def __init__(self, scratch: str, profile: Profile, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scratch = scratch
        self.profile = profile
        self._reserve = Reserve(scratch)

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[str]:
        """The names in a folder, without asking for any entry's attributes.

        The folder is opened anew each time: that is what makes NFS clients look at the server.
        """
        if self.profile.freshen == "touch":
            self._touch(path)
        try:
            return os.listdir(path)
        except FileNotFoundError:
            if self.profile.believes_errors or not exists_after_all(path):
                raise
            return os.listdir(path)

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """The bytes from ``start`` to ``end``. The file is opened anew each time."""
        with os.fdopen(checked(os.open(path, READ), path), "rb") as file:
            file.seek(start or 0)
            return file.read() if end is None else file.read(end - (start or 0))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Publish a whole file at once. ``mode="create"`` raises FileExistsError when the name is taken."""
        draft = self._draft(value)
        try:
            if mode == "create":
                with_folder(path, lambda: self._link(draft, path))
            else:
                with_folder(path, lambda: self._replace(draft, path))
            self._settle(path)
        finally:
            # After a rename the draft is gone. What cannot be removed now is swept later; it says
            # nothing about what was published.
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
            self._settle(path2)

    def rm_file(self, path: str) -> None:
        """Remove a file; that it was not there is no error."""
        unlink(path)

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> IO[bytes]:
        if mode != "ab":
            raise ValueError(
                f"{type(self).__name__} opens files to append to them, not with {mode!r}"
            )

        def opened() -> int:
            return os.open(path, _APPEND, FILE_MODE)

        return os.fdopen(checked(with_folder(path, opened), path), "ab")

    def reserve(self, count: int) -> None:
        """Keep ``count`` small files aside for a full disk; 0 gives them back."""
        if count == 0:
            self._reserve.close()
        else:
            with_folder(f"{self.scratch}/x", lambda: self._reserve.fill(count))

    def _touch(self, folder: str) -> None:
        """Change the folder ourselves: after that every NFS client asks the server what is in it."""
        probe = f"{folder}/.fresh-{uuid.uuid4().hex}"
        try:
            os.close(os.open(probe, _CREATE, FILE_MODE))
        except OSError as exc:
            # On a full disk the listing may be half a minute old; that is better than none.
            if exc.errno not in FULL:
                raise
        unlink(probe)

    def _settle(self, path: str) -> None:
        """Make the name itself survive a power cut, where that takes a call of its own."""
        if self.profile.sync_folder:
            handle = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _link(self, draft: str, path: str) -> None:
        try:
            os.link(draft, path, follow_symlinks=False)
        except OSError as exc:
            lost = not self.profile.believes_errors and was_linked(exc, draft)
            if not lost and not (isinstance(exc, FileExistsError) and same_content(draft, path)):
                raise

    def _replace(self, draft: str, path: str) -> None:
        try:
            os.replace(draft, path)
        except OSError:
            # Nobody else touches the draft: when it is gone it was moved, and the reply was lost.
            if self.profile.believes_errors or arrived(draft):
                raise

    def _rename(self, src: str, dst: str) -> None:
        try:
            os.rename(src, dst)
        except OSError:
            if self.profile.believes_errors or not arrived(dst):
                raise

    def _draft(self, value: bytes) -> str:
        try:
            return self._written(value)
        except OSError as exc:
            kept = self._reserve.draft(value) if exc.errno in FULL else None
            if kept is None:
                raise
            return kept

    def _written(self, value: bytes) -> str:
        path = f"{self.scratch}/{uuid.uuid4().hex}"
        handle = with_folder(path, lambda: make_draft(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(value)
                file.flush()
                # Quota and write errors of network filesystems come at the sync or at the close.
                if self.profile.sync_file:
                    os.fsync(file.fileno())
        except BaseException:
            unlink(path)
            raise
        return path
