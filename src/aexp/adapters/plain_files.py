"""Reading files that others wrote, and writing our own, without following a link or waiting for a FIFO."""

import errno
import os
import stat
from pathlib import Path

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_BYTES = 1 << 20


class UnfitError(OSError):
    """What stands there is not a plain file of this user, or it is too large."""


def read_at(folder: int, name: str, limit: int = MAX_BYTES) -> bytes | None:
    """The bytes of a plain file of ours below an open folder; None when it is not there.

    Raises:
        UnfitError: it is a link, a FIFO, a folder, another user's, or larger than ``limit``.
        OSError: anything else that keeps it from being read.
    """
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENXIO):
            raise UnfitError(exc.errno, "it is not a plain file", name) from exc
        raise
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            raise UnfitError(errno.EINVAL, "it is not a plain file of this user", name)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UnfitError(errno.EFBIG, f"it has more than {limit} bytes", name)
    return data


def read_anywhere(path: Path, limit: int = MAX_BYTES) -> bytes | None:
    """The bytes of the owner's own file at the daemon's start, links followed; None when there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnfitError(errno.EINVAL, "it is not a plain file", str(path))
        return file.read(limit)


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file for the owner alone, in place of an older one."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, _WRITE, mode), "wb") as file:
        file.write(data)


def kind_at(folder: int, name: str) -> int | None:
    """The type bits of what stands at ``name`` itself (a link is a link); None when nothing does."""
    try:
        return stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None


def inode_of(folder: Path) -> str:
    """What the filesystem calls the folder that stands there itself; empty when none does.

    Without the number of its device: a network mount has another one after it was mounted again.
    """
    try:
        about = os.lstat(folder)
    except OSError:
        return ""
    return str(about.st_ino) if stat.S_ISDIR(about.st_mode) else ""
