"""What to do about an error of the operating system: one sentence for each errno that users meet."""

import errno

_SPACE = (
    "Free some space or ask for more quota (see `quota -s` or `lfs quota -h ~`), then try again."
)
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: "Check who owns it and its mode; the folder must be yours and writable.",
    errno.EPERM: "Check who owns it and its mode; the folder must be yours and writable.",
    errno.EROFS: "The filesystem is mounted read-only; use a writable folder or ask the site's support.",
    errno.ESTALE: "The file server lost the file's handle; try again, and check the mount if it stays.",
    errno.EIO: "The file server did not carry it out; try again, and check the mount if it stays.",
    errno.EXDEV: "The folder spans two filesystems or quota projects; move it to one of them.",
    errno.ENAMETOOLONG: "Use a shorter name.",
    errno.ELOOP: "It is a symbolic link, or leads through a loop of them; replace it by a plain file.",
    errno.ENOTDIR: "A part of the path is a file; move that file away.",
    errno.EMFILE: "Too many files are open; raise `ulimit -n`.",
}


def remedy(exc: OSError) -> str:
    """What a person can do about ``exc``; never empty."""
    return _REMEDIES.get(exc.errno or 0, "Check that the path exists and is yours, then try again.")


def reason(exc: OSError) -> str:
    """What the operating system said, without the path (which the caller names)."""
    return exc.strerror or type(exc).__name__
