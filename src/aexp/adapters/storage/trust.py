"""Whether a queue's folders are this user's own, so that nobody else can put a request or a link there."""

import os
import shlex
import stat
from collections.abc import Iterable


def why_not_trusted(root: str, folders: Iterable[str]) -> str | None:
    """What is wrong with the queue or a folder of it and what to type, None when all is well.

    A folder that is not there yet is well. The queue itself may be a link to where it really is.

    Raises:
        OSError: it cannot be looked at.
    """
    for path, may_be_link in [(root, True), *((f"{root}/{name}", False) for name in folders)]:
        try:
            about = os.stat(path) if may_be_link else os.lstat(path)
        except FileNotFoundError:
            continue
        problem = _problem(path, about)
        if problem is not None:
            return problem
    return None


def _problem(path: str, about: os.stat_result) -> str | None:
    quoted = shlex.quote(path)
    if stat.S_ISLNK(about.st_mode):
        return f"{path} is a symbolic link; a folder of the queue must be none. Type: rm {quoted}"
    if not stat.S_ISDIR(about.st_mode):
        return f"{path} is not a folder. Move it away; the daemon makes the folder."
    if about.st_uid != os.geteuid():
        return (
            f"{path} belongs to another user (uid {about.st_uid}). "
            "Name a folder of your own with --queue."
        )
    if about.st_mode & 0o022:
        mode = stat.S_IMODE(about.st_mode)
        return f"{path} can be written by others (mode {mode:04o}). Type: chmod go-w {quoted}"
    return None
