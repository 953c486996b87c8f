"""Giving what is finished its name in one step, on this machine's disks: nobody ever sees a part of it."""

import errno
import os
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".aexp-tmp-"
TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})
"""How the system says that a name is taken, or a folder not empty."""

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def hidden(place: Path) -> Path:
    """A name beside this one for what is not finished yet."""
    return place.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")


def link(temporary: Path, place: Path) -> bool:
    """Give the finished file its name, unless that is taken."""
    try:
        place.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError as exc:
        if exc.errno not in _NO_HARD_LINKS:
            raise
        return _reserve(temporary, place)
    return True


def _reserve(temporary: Path, place: Path) -> bool:
    # Without hard links the name is claimed by an empty file first. A reader may see that empty
    # file for a moment, but never a part of the text.
    try:
        place.touch(exist_ok=False)
    except FileExistsError:
        return False
    try:
        temporary.replace(place)
    except BaseException:
        place.unlink()
        raise
    return True


def rename(temporary: Path, place: Path) -> bool:
    """Give the finished folder its name, unless that is taken."""
    _sync(temporary)
    # Renaming replaces an empty folder, so the name is looked up once more. Of two callers of this
    # function the second finds a folder with files in it, where renaming fails. Only a stranger who
    # makes an empty folder between these two lines finds our files in it.
    if os.path.lexists(place):
        return False
    try:
        temporary.rename(place)
    except OSError as exc:
        if exc.errno in TAKEN:
            return False
        raise
    return True


def make(place: Path) -> bool:
    """Make an empty folder, unless the name is taken."""
    # An empty folder is whole at once, and renaming one over another would let two callers win.
    try:
        place.mkdir()
    except FileExistsError:
        return False
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as exc:
        # Some filesystems have no sync for folders; their own order of writing has to do.
        if exc.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(handle)


def sync_parent(place: Path) -> None:
    """Let the name of what was made survive a power cut."""
    # What was made is whole and has its name: an error here would only be misleading.
    with suppress(OSError):
        _sync(place.parent)
