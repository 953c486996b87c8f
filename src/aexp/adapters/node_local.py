"""Folders of this machine alone, which a process on another node of the cluster cannot reach.

What the requester must not write lies here: pins, trust, the audit trail, the socket for decisions, the
private git directories. ``AEXP_RELAY_STATE`` names another place for all of it.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from aexp.adapters.remedies import reason, remedy
from aexp.adapters.storage.mounts import mount_of
from aexp.domain.errors import SettingsError

VARIABLE = "AEXP_RELAY_STATE"
_SHARED = ("nfs", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb", "9p", "afs", "fuse", "panfs",
           "pvfs", "orangefs", "glusterfs", "wekafs", "virtiofs")  # fmt: skip
_MAX_SOCKET_PATH = 100
"""A path of a Unix socket has at most 108 bytes (unix(7)); the file's name needs some of them."""


def state_folder(environ: Mapping[str, str], home: str) -> Path:
    """Where what must outlive a log-out is kept: below ``/var/tmp``, one folder for each home.

    Raises:
        SettingsError: the folder is not this user's own, or other nodes share it.
    """
    digest = _digest(home)[:16]
    if os.path.realpath(_base(environ)).startswith(os.path.realpath(home).rstrip("/") + "/"):
        raise SettingsError(
            f"The node-local folder {_base(environ)} lies in the home, which other nodes share.",
            f"Name a folder on this machine's own disk with {VARIABLE}.",
        )
    return private_folder(_base(environ) / digest)


def private_base(environ: Mapping[str, str]) -> Path:
    """The folder above all of these, for what is no queue's and no home's.

    Raises:
        SettingsError: it is not this user's own, or other nodes share it.
    """
    return private_folder(_base(environ))


def socket_folders(environ: Mapping[str, str]) -> list[Path]:
    """Where the socket may lie, the best first; none of them need exist.

    ``$XDG_RUNTIME_DIR`` is removed at the last log-out while tmux may live on, and is missing in some
    shells: a daemon and a person who decides look at all of these.
    """
    if environ.get(VARIABLE):
        return [_base(environ) / "run"]
    uid = os.geteuid()
    named = environ.get("XDG_RUNTIME_DIR")
    found = [Path(named) / "aexp-relay"] if named and named.startswith("/") else []
    found += [Path(f"/run/user/{uid}/aexp-relay"), Path(f"/tmp/aexp-relay-{uid}")]  # noqa: S108
    return [path for path in dict.fromkeys(found) if len(str(path)) <= _MAX_SOCKET_PATH]


def queue_digest(queue: str) -> str:
    """What tells the files of one queue from those of another: 64 hexadecimal digits.

    Args:
        queue: the queue's folder, or its URL where it has none.
    """
    real = os.path.realpath(queue) if queue.startswith("/") else queue
    return _digest(real)


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(os.fsencode(text)).hexdigest()


def private_folder(path: Path) -> Path:
    """Make the folder (and what is missing above it) for this user alone, and make sure that it is so.

    Raises:
        SettingsError: it is a link, another user's, open to others, or on a shared filesystem.
    """
    try:
        for part in reversed([path, *path.parents]):
            if not os.path.lexists(part):
                part.mkdir(mode=0o700, exist_ok=True)
        _check(path)
        if path.parent.name.startswith("aexp-relay"):
            _check(path.parent)
    except OSError as exc:
        raise SettingsError(
            f"The node-local folder {path} cannot be made: {reason(exc)}.",
            f"{remedy(exc)} Or name another with {VARIABLE}.",
        ) from exc
    mount = mount_of(str(path))
    if mount is not None and is_shared(mount.kind):
        raise SettingsError(
            f"{path} lies on {mount.kind}, which other nodes may share.",
            f"Name a folder on this machine's own disk with {VARIABLE}.",
        )
    return path


def is_shared(kind: str) -> bool:
    """Whether a filesystem of this kind is (or may be) seen by other machines."""
    return kind.startswith(_SHARED) and kind not in ("fusectl", "fuseblk")


def _check(path: Path) -> None:
    about = os.lstat(path)
    problem = None
    if not stat.S_ISDIR(about.st_mode):
        problem = "is not a folder"
    elif about.st_uid != os.geteuid():
        problem = "belongs to another user"
    elif about.st_mode & 0o077:
        problem = "is open to other users"
    if problem is not None:
        raise SettingsError(
            f"The node-local folder {path} {problem}.",
            f"Move it away, `chmod 700` it, or name another with {VARIABLE}.",
        )


def _base(environ: Mapping[str, str]) -> Path:
    named = environ.get(VARIABLE)
    if not named:
        return Path(f"/var/tmp/aexp-relay-{os.geteuid()}")  # noqa: S108
    if not named.startswith("/"):
        raise SettingsError(f"{VARIABLE} is not an absolute path: {named!r}.", "Give one.")
    return Path(named)
