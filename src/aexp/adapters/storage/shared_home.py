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

from aexp.adapters.storage.drafts import CREATE, Draft
from aexp.adapters.storage.reserve import FULL, Reserve
from aexp.adapters.storage.steps import (
    Place,
    UnfitFileError,
    arrived,
    checked,
    exists_after_all,
    make_folders,
    open_folder,
    opened_to_read,
    read_part,
    same_content,
    unlink,
    with_folder,
)
from aexp.domain import layout
from aexp.domain.profiles import Profile

FILE_MODE = 0o600
CLEARINGS = 3
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
        create = mode == "create"
        last = durable and create and self.profile.sync_last
        with self._draft(value, sync=durable and not last, syncs_later=last) as draft:
            if on_draft is not None:
                on_draft(draft.path)
            publish = self._create if create else self._replace
            with_folder(path, lambda: publish(draft, path, settle=durable and not last))
            if last:
                draft.sync()

    def mv_file(self, path1: str, path2: str, *, durable: bool = False, **kwargs: Any) -> None:
        """Move in one step. Raises FileNotFoundError when somebody else moved or removed it first."""
        try:
            self._rename(path1, path2, durable=durable)
        except FileNotFoundError:
            if not os.path.lexists(path1):
                raise
            make_folders(os.path.dirname(path2))
            self._rename(path1, path2, durable=durable)

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
                os.close(os.open(name, CREATE, FILE_MODE, dir_fd=place_of_it))
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

    def _at(self, path: str, *, to_sync: bool = False) -> Place:
        return Place(path, to_list=to_sync, may_be_link=self._follows(path))

    def _follows(self, path: str) -> bool:
        return self._root_may_be_link and os.path.dirname(path) == self.root

    def _settles(self, durable: bool) -> bool:
        """Whether a name survives a power cut only once its folder is synced."""
        return durable and self.profile.sync_folder

    def _create(self, draft: Draft, path: str, *, settle: bool) -> None:
        settle = self._settles(settle)
        with self._at(path, to_sync=settle) as (folder, name):
            try:
                os.link(
                    *(draft.name, name),
                    src_dir_fd=draft.folder,
                    dst_dir_fd=folder,
                    follow_symlinks=False,
                )
            except OSError as exc:
                if not self._was_linked(exc, draft, path):
                    raise
            if settle:
                os.fsync(folder)

    def _was_linked(self, exc: OSError, draft: Draft, path: str) -> bool:
        """Whether the link was made although an error says otherwise."""
        may_be = not (self.profile.believes_errors or isinstance(exc, FileNotFoundError))
        if may_be and draft.has_another_name():
            return True
        return isinstance(exc, FileExistsError) and same_content(draft.path, path)

    def _replace(self, draft: Draft, path: str, *, settle: bool) -> None:
        settle = self._settles(settle)
        with self._at(path, to_sync=settle) as (folder, name):
            try:
                self._move(draft.folder, draft.name, folder, name)
            except OSError:
                # Nobody else touches the draft: when it is gone it was moved, and the reply was lost.
                if self.profile.believes_errors or arrived(draft.path):
                    raise
            draft.keep()
            if settle:
                os.fsync(folder)

    def _rename(self, src: str, dst: str, *, durable: bool) -> None:
        settle = self._settles(durable)
        with (
            self._at(dst, to_sync=settle) as (target, two),
            self._beside(src, dst, target) as (
                source,
                one,
            ),
        ):
            try:
                self._move(source, one, target, two)
            except UnfitFileError:
                raise
            except OSError:
                if self.profile.believes_errors or not arrived(dst):
                    raise
            if durable:
                # Two names of one file: a rename leaves both, and says that it was made (rename(2)).
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(one, dir_fd=source)
            if settle:
                os.fsync(target)

    def _beside(self, src: str, dst: str, target: int) -> AbstractContextManager[tuple[int, str]]:
        """The place of ``src``, which may be in the folder that is open for ``dst``."""
        (one, _, name), two = src.rpartition("/"), os.path.dirname(dst)
        return contextlib.nullcontext((target, name)) if one == two else self._at(src)

    def _move(self, source: int, one: str, target: int, two: str) -> None:
        """One rename; what stands in the way at ``two`` is cleared away first, a few times over."""
        from aexp.adapters.storage import obstacles

        for _ in range(CLEARINGS):
            try:
                return obstacles.move(source, one, target, two)
            except OSError as exc:
                # A lost reply can look like this too; then nothing is in the way.
                in_the_way = exc.errno in obstacles.IN_THE_WAY
                if not in_the_way or not obstacles.clear(self.root, source, one, target, two):
                    raise
        raise UnfitFileError(errno.EISDIR, "folders keep appearing there", two)

    def _draft(self, value: bytes, *, sync: bool, syncs_later: bool) -> Draft:
        path = f"{self.scratch}/{os.urandom(16).hex()}"
        how = {"sync": sync and self.profile.sync_file, "syncs_later": syncs_later}
        try:
            return with_folder(path, lambda: Draft.written(path, value, **how))
        except OSError as exc:
            kept = self._reserve.draft(value) if exc.errno in FULL else None
            if kept is None:
                raise
        return Draft(kept)
