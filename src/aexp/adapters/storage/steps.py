"""What a shared home's filesystem can be trusted with, one small step each.

Errors are the operating system's own; what they say about a step that was not made is checked here.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
FOLDER_MODE = 0o700
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class UnfitFileError(OSError):
    """The path holds something that is not a plain file of this user."""


def with_folder(path: str, act: Callable[[], T]) -> T:
    """Do it; when something was missing, make sure of the folder of ``path`` and do it once more."""
    try:
        return act()
    except FileNotFoundError:
        make_folders(os.path.dirname(path))
        return act()


def make_folders(folder: str) -> None:
    """Make the folder and those above it that are missing, for the owner alone."""
    path = Path(folder)
    missing = [part for part in (path, *path.parents) if not part.is_dir()]
    for part in reversed(missing):
        part.mkdir(mode=FOLDER_MODE, exist_ok=True)


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


def was_linked(exc: OSError, draft: str) -> bool:
    """Whether a link was made although an error says otherwise.

    The draft's own count of links tells, even when the name has been moved on since.
    """
    return not isinstance(exc, FileNotFoundError) and os.lstat(draft).st_nlink > 1


def same_content(draft: str, path: str) -> bool:
    try:
        with os.fdopen(checked(os.open(path, READ), path), "rb") as file:
            ours = Path(draft).read_bytes()
            return file.read(len(ours) + 1) == ours
    except OSError:
        # Gone again, or no plain file: in either case not what we wrote.
        return False


def arrived(dst: str) -> bool:
    folder, name = os.path.split(dst)
    # Opening the folder makes an NFS client drop what it believes about names in it (close-to-open).
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def checked(handle: int, path: str) -> int:
    about = os.fstat(handle)
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
        return handle
    os.close(handle)
    raise UnfitFileError(errno.EINVAL, "not a plain file of this user", path)
