"""The index of a working copy, borrowed under git's own lock and handed back whole.

Git follows a link that stands in the index's place, and renames its new index over what the link leads to. So
an operation that writes the index gets a copy, and the result takes the index's name in one step that follows
no link. Meanwhile ``index.lock`` keeps the user's own git away, as git itself would.
"""

import errno
import logging
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.linkless import open_folder
from aexp.adapters.plain_files import UnfitError, read_at, write_private
from aexp.adapters.workshop.git_layout import GitLayout, opened
from aexp.domain.errors import RelayStartError

logger = logging.getLogger("aexp.relay")

LOCK = "index.lock"
NOTE = "borrowed-index"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


@dataclass(frozen=True)
class BorrowedIndex:
    """A copy in a private git directory, and the lock that stands for it in the repository.

    Attributes:
        house: the private directory; its ``index`` is the copy.
        mode: the mode of the original.
        before: how the copy looked when it was made; None when there was no index.
    """

    layout: GitLayout
    house: Path
    mark: bytes
    mode: int
    before: tuple[int, int] | None

    def give_back(self) -> None:
        """Let a changed copy become the index, and let go of the lock. Repeatable.

        Raises:
            OSError: the index could not be written; it is as it was, and the lock is gone.
        """
        with opened(self.layout.git_dir, self.layout.root) as there:
            if not _holds(there, self.mark):
                if not (self.house / NOTE).exists():
                    return
                raise OSError(
                    errno.EIO, "somebody has removed or replaced index.lock meanwhile", LOCK
                )
            try:
                copy = self.house / "index"
                if _look(copy) not in (None, self.before):
                    _publish(copy, there, self.mode)
            finally:
                (self.house / NOTE).unlink(missing_ok=True)
                os.unlink(LOCK, dir_fd=there)


def borrow_index(layout: GitLayout, house: Path) -> BorrowedIndex:
    """Take the lock and copy the index into the private directory.

    Raises:
        RelayStartError: another git has the lock.
        RelayValidationError: the index is not a plain file.
        OSError: it cannot be copied; the lock is gone.
    """
    mark = f"aexp relay {uuid.uuid4().hex}\n".encode()
    # Noted first: should we be killed after the next step, the next daemon here finds the lock.
    write_private(house / NOTE, os.fsencode(layout.git_dir) + b"\0" + mark)
    with opened(layout.git_dir, layout.root) as there:
        try:
            lock = os.open(LOCK, _CREATE, 0o600, dir_fd=there)
        except FileExistsError as exc:
            raise RelayStartError(
                f"Unable to create '{layout.git_dir}/{LOCK}': File exists.",
                "Another git process runs in this working copy, or one was killed there: make sure that none "
                "does, then remove that file.",
            ) from exc
        try:
            with os.fdopen(lock, "wb") as file:
                file.write(mark)
            mode = _copy_in(there, house / "index")
        except BaseException:
            os.unlink(LOCK, dir_fd=there)
            raise
    return BorrowedIndex(layout, house, mark, mode, _look(house / "index"))


def release_left(house: Path) -> None:
    """Do what a daemon that was killed could not: give the index back, and let go of its lock.

    Git had written the copy as a whole or not at all, and the branch may have moved with it.
    """
    try:
        git_dir, _, mark = (house / NOTE).read_bytes().partition(b"\0")
        there = open_folder(Path(os.fsdecode(git_dir)))
    except OSError:
        # No index was borrowed for it, or the repository is gone.
        return
    try:
        if _holds(there, mark):
            copy = house / "index"
            if copy.is_file() and copy.read_bytes() != read_at(
                there, "index", copy.stat().st_size + 1
            ):
                _publish(copy, there, 0o644)
            os.unlink(LOCK, dir_fd=there)
    except OSError as exc:
        logger.warning("index-not-given-back path=%s reason=%s", os.fsdecode(git_dir), exc)
    finally:
        os.close(there)


def _holds(there: int, mark: bytes) -> bool:
    try:
        return read_at(there, LOCK, len(mark)) == mark
    except UnfitError:
        return False


def _copy_in(there: int, copy: Path) -> int:
    try:
        handle = os.open("index", _READ, dir_fd=there)
    except FileNotFoundError:
        return 0o644
    with os.fdopen(handle, "rb") as source, copy.open("xb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
        return os.fstat(handle).st_mode & 0o666


def _publish(copy: Path, there: int, mode: int) -> None:
    draft = f".index-{uuid.uuid4().hex[:8]}"
    try:
        with (
            copy.open("rb") as source,
            os.fdopen(os.open(draft, _CREATE, mode, dir_fd=there), "wb") as target,
        ):
            while chunk := source.read(_CHUNK):
                target.write(chunk)
            target.flush()
            # A full quota of a network filesystem shows here, before the old index is gone.
            os.fsync(target.fileno())
        os.rename(draft, "index", src_dir_fd=there, dst_dir_fd=there)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=there)
        raise


def _look(path: Path) -> tuple[int, int] | None:
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_mtime_ns
