"""What an error of the operating system means for a person: a reason, and what to do about it.

The reasons are those that users of shared homes meet; every adapter that touches files uses them.
"""

import errno

_SPACE = "Free space or inodes there (see `df -h`, `df -i`, `quota -s`), then try again."
_OWNER = (
    "Check with `ls -ld` who owns it and the folders above it; they must be yours and writable."
)
_SERVER = "Try again, and check the mount if it stays."

_EXPLAINED = {
    errno.EACCES: ("permission denied", _OWNER),
    errno.EPERM: ("the system does not permit it", _OWNER),
    errno.EROFS: ("the filesystem is read-only", "Use a folder on a writable filesystem."),
    errno.ENOSPC: ("no space is left on the filesystem", _SPACE),
    errno.EDQUOT: ("the disk quota is used up", _SPACE),
    errno.ENAMETOOLONG: ("the name is too long for the filesystem", "Choose a shorter name."),
    errno.ELOOP: (
        "it is a symbolic link, or its symbolic links lead in a circle",
        "Put a plain file there.",
    ),
    errno.ENOTDIR: ("a file stands where a folder is needed", "Move that file away."),
    errno.EISDIR: ("a folder stands where a file is needed", "Move that folder away."),
    errno.ENOENT: ("nothing stands there", "Check the path for a typing error."),
    errno.ESTALE: ("the file server lost track of it", _SERVER),
    errno.EIO: ("the file server did not carry it out", _SERVER),
    errno.EXDEV: (
        "the folder spans two filesystems or quota projects",
        "Move it to one of them as a whole.",
    ),
    errno.EMFILE: ("too many files are open", "Raise `ulimit -n`."),
}

# Remote filesystems raise the subclasses of OSError with a text and without a number.
_NUMBERS: dict[type[OSError], int] = {
    FileNotFoundError: errno.ENOENT,
    IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR,
    PermissionError: errno.EACCES,
}


def explained(exc: OSError) -> tuple[str, str]:
    """Why it failed and what a person can do about it, without the path (which the caller names)."""
    number = exc.errno or _NUMBERS.get(type(exc), 0)
    said = exc.strerror or str(exc) or type(exc).__name__
    return _EXPLAINED.get(
        number, (said, "Check that the path exists and is yours, then try again.")
    )


def reason(exc: OSError) -> str:
    """Why it failed."""
    return explained(exc)[0]


def remedy(exc: OSError) -> str:
    """What a person can do about it; never empty."""
    return explained(exc)[1]
