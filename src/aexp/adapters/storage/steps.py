"""What a shared home's filesystem can be trusted with, one small step each.

Errors are the operating system's own; what they say about a step that was not made is checked here.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
FOLDER_MODE = 0o700
CHUNK = 1 << 20
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC


class UnfitFileError(OSError):
    """The path holds something that is not a plain file of this user."""


def open_folder(folder: str, *, to_list: bool = False, may_be_link: bool = False) -> int:
    """A descriptor of the folder; a link in its place is not followed unless ``may_be_link``.

    Args:
        to_list: for listing and syncing; otherwise it only serves as a place for names.

    Raises:
        NotADirectoryError: a link or a file stands there.
    """
    flags = _FOLDER | (os.O_RDONLY if to_list else os.O_PATH)
    try:
        return os.open(folder, flags if may_be_link else flags | os.O_NOFOLLOW)
    except OSError as exc:
        if exc.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        why = "a link or a file stands where a folder is needed"
        raise NotADirectoryError(errno.ENOTDIR, why, folder) from exc


class Place:
    """The folder of ``path``, held open by a with statement, and the name in it.

    What is done through the two stays in the folder that was found, whatever takes its place meanwhile.

    Args:
        to_list: whether the folder may be listed and synced.
    """

    def __init__(self, path: str, *, to_list: bool = False, may_be_link: bool = False) -> None:
        folder, _, self.name = path.rpartition("/")
        self.folder = folder or "/"
        self._to_list = to_list
        self._may_be_link = may_be_link

    def __enter__(self) -> tuple[int, str]:
        self._handle = open_folder(
            self.folder, to_list=self._to_list, may_be_link=self._may_be_link
        )
        return self._handle, self.name

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def with_folder(path: str, act: Callable[[], T]) -> T:
    """Do it; when something was missing, make sure of the folder of ``path`` and do it once more."""
    try:
        return act()
    except FileNotFoundError:
        make_folders(os.path.dirname(path))
        return act()


def make_folders(folder: str) -> None:
    """Make the folder and those above it that are missing, for the owner alone."""
    missing: list[str] = []
    part = folder
    while not os.path.isdir(part):
        missing.append(part)
        part = os.path.dirname(part)
    for part in reversed(missing):
        try:
            os.mkdir(part, FOLDER_MODE)
        except OSError as exc:
            if os.path.isdir(part):
                continue
            if not isinstance(exc, FileExistsError):
                raise
            # Not an entry's name that is taken: this must not look like one.
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from exc


def exists_after_all(folder: str) -> bool:
    """Whether the folder is there although this node remembers that it is not.

    A node that looked for a name too early keeps believing that it is missing, for 30 to 60 seconds. The
    listing of the folder above tells the truth, and making the folder sets the node right: the server
    says that it exists already.
    """
    above, name = os.path.split(folder)
    try:
        if name not in os.listdir(above):
            return False
        os.mkdir(folder, FOLDER_MODE)
    except FileExistsError:
        return True
    except OSError:
        return False
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return False


def same_content(draft: str, path: str) -> bool:
    """Whether both hold the same, for a creation whose reply was lost."""
    try:
        wanted = _content(draft, None)
        return _content(path, len(wanted) + 1) == wanted
    except OSError:
        # Gone again, or no plain file: in either case not what we wrote.
        return False


def _content(path: str, most: int | None) -> bytes:
    handle = opened_to_read(path)
    try:
        return read_part(handle, 0, most)
    finally:
        os.close(handle)


def opened_to_read(path: str, *, may_be_link: bool = False) -> int:
    """A descriptor of the plain file of this user at ``path``; waits for no FIFO."""
    with Place(path, may_be_link=may_be_link) as (folder, name):
        return checked(os.open(name, READ, dir_fd=folder), path)


def read_part(handle: int, start: int, end: int | None) -> bytes:
    """The bytes of an open file from ``start`` up to ``end``, or up to where it ends."""
    parts = []
    while end is None or start < end:
        size = CHUNK if end is None else min(end - start, CHUNK)
        part = os.pread(handle, size, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def write_all(handle: int, value: bytes) -> None:
    """Write all of it to an open file."""
    left = memoryview(value)
    while left:
        left = left[os.write(handle, left) :]


def arrived(dst: str) -> bool:
    """Whether something stands at ``dst``."""
    # Opening the folder makes an NFS client drop what it believes about names in it (close-to-open).
    folder, name = os.path.split(dst)
    try:
        handle = open_folder(folder, to_list=True)
    except FileNotFoundError:
        return False
    try:
        os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return False
    finally:
        os.close(handle)
    return True


def unlink(path: str) -> None:
    """Remove a file; that it, or its folder, was not there is no error."""
    with contextlib.suppress(FileNotFoundError), Place(path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def checked(handle: int, path: str, *, alone: bool = False) -> int:
    """The descriptor, if it is of a plain file of this user; otherwise it is closed.

    Args:
        alone: whether the file must have no other name: what is added to a file that has one would
            appear under the other name too.

    Raises:
        UnfitFileError: it is not.
    """
    about = os.fstat(handle)
    plain = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
    if plain and not (alone and about.st_nlink > 1):
        return handle
    os.close(handle)
    raise UnfitFileError(errno.EINVAL, "not a plain file of this user alone", path)
