"""Folders that stand where the queue has a file: what a hostile client can leave in any place.

A file is replaced by a rename and removed by an unlink, a folder is not; so one ``mkdir`` under a name that
the daemon is about to use would stop it there. Such a folder is moved to ``bad/``. An empty one that is to
be removed is removed; one that holds something is never deleted: it may be somebody's work that was
dropped in the wrong place.
"""

import contextlib
import errno
import os
import stat

from aexp.adapters.storage.steps import UnfitFileError, make_folders, open_folder
from aexp.domain import layout

IN_THE_WAY = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST})
"""What a rename says when a folder is moved to a file's name or a file to a folder's."""


def clear(root: str, source: int, name: str, target: int, new_name: str) -> bool:
    """Make room for a move; False when neither a folder nor a folder's move is in the way."""
    if set_aside(root, target, new_name):
        return True
    if not is_folder(source, name):
        return False
    # A folder is moved, and a file has its new name.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new_name, dir_fd=target)
    return True


def set_aside(root: str, folder: int, name: str) -> bool:
    """Move the folder that stands at ``name`` in ``folder`` to ``bad/``; False when none stands there."""
    if not is_folder(folder, name):
        return False
    path = os.path.join(root, layout.bad(name))
    make_folders(os.path.dirname(path))
    bad = open_folder(os.path.dirname(path))
    try:
        move(folder, name, bad, os.path.basename(path))
    finally:
        os.close(bad)
    return True


def move(source: int, name: str, target: int, new_name: str) -> None:
    """Rename, also a folder that its owner locked: moving one to another folder writes into it."""
    try:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    except PermissionError:
        if not _unlock(source, name):
            raise
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def remove(root: str, folder: int, name: str, *, in_bad: bool) -> None:
    """Remove the folder at ``name`` if it is empty, else move it to ``bad/``.

    Raises:
        UnfitFileError: it is in ``bad/`` already.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError as exc:
            if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if in_bad:
                why = "it is a folder that holds something"
                raise UnfitFileError(errno.ENOTEMPTY, why, name) from exc
            set_aside(root, folder, name)


def is_folder(folder: int, name: str) -> bool:
    """Whether a folder stands at ``name``."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(mode)


def _unlock(folder: int, name: str) -> bool:
    """Give the owner the rights to a folder back; False when it is none, or not ours."""
    if not is_folder(folder, name):
        return False
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            return False
        # A descriptor of this kind cannot be changed itself; its entry in /proc leads to the folder.
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)
    return True
