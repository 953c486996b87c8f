"""Opening a folder by a path that holds no link at all, so that nobody can lead us elsewhere."""

import ctypes
import errno
import os
from pathlib import Path

from aexp.adapters.libc import syscall
from aexp.adapters.plain_files import FOLDER

_OPENAT2 = 437  # the same on every architecture; Linux 5.6 and later
_HERE = -100
_NO_LINKS_AT_ALL = 0x04
_OTHERWISE = (errno.ENOSYS, errno.EPERM, errno.EINTR)
"""Of an older kernel; of a container that lets nobody call what it does not know; of a signal, after which
only Python's own functions go on by themselves."""


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_FOLDER_WITHOUT_LINKS = _How(FOLDER, 0, _NO_LINKS_AT_ALL)


def open_folder(path: Path) -> int:
    """A descriptor of a folder whose absolute path holds no link at all.

    Raises:
        OSError: a part of the path is a link, not a folder, or not there (ELOOP, ENOTDIR, ENOENT).
    """
    how = ctypes.byref(_FOLDER_WITHOUT_LINKS)
    try:
        return syscall(_OPENAT2, _HERE, os.fsencode(path), how, ctypes.sizeof(_How))
    except OSError as exc:
        if exc.errno not in _OTHERWISE:
            raise
    return walked_to(path)


def walked_to(path: Path) -> int:
    """The same for a kernel without openat2(2): a step, and a question to a file server, for each part."""
    handle = os.open("/", FOLDER)
    for part in path.parts[1:]:
        try:
            deeper = os.open(part, FOLDER, dir_fd=handle)
        finally:
            os.close(handle)
        handle = deeper
    return handle
