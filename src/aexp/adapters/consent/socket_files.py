"""A Unix socket in a folder of this machine: made, found and checked (unix(7)).

Paths go through ``/proc/self/fd/<folder>/<name>``: the folder that was checked is the folder that is used,
and the limit of 108 bytes for a socket's path does not matter.
"""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.node_local import private_folder, queue_digest
from aexp.domain.errors import RelayBusyError, SettingsError

BACKLOG = 64
_TURNS, _TURN_S = 50, 0.01
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREDENTIALS = struct.Struct("3i")
_TIMEVAL = struct.Struct("ll")


def socket_name(queue: str) -> str:
    """The name of the socket of a queue: another one for each.

    Args:
        queue: the queue's folder, or its URL where it is no folder.
    """
    return f"{queue_digest(queue)[:16]}.sock"


@dataclass(frozen=True)
class Peer:
    """The process at the other end when the connection was made, as the kernel says."""

    pid: int
    uid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is this user's."""
        return self.uid == os.geteuid()


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end (SO_PEERCRED).

    Raises:
        OSError: the connection is gone.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Peer(pid, uid)


class Listener:
    """A socket that listens at its place in a private folder.

    Raises:
        SettingsError: the folder cannot be used, or something else has the socket's name.
        RelayBusyError: another process listens there.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = private_folder(folder) / name
        with _opened(folder) as handle:
            _take_turn(handle, self.path)
            _clear(handle, name, self.path)
            self.socket = _listening(f"/proc/self/fd/{handle}/{name}")
            about = os.stat(name, dir_fd=handle, follow_symlinks=False)
        self._identity = (about.st_dev, about.st_ino)

    def in_place(self) -> bool:
        """Whether the path still leads to this socket: the folder may have been removed at a log-out."""
        try:
            about = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        return (about.st_dev, about.st_ino) == self._identity

    def close(self) -> None:
        """Listen no more, and leave nothing behind."""
        if self.in_place():
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.socket.close()


def refuse_second(folder: Path, name: str) -> None:
    """Make sure that no process of this user listens there; a folder that cannot be used has none.

    Raises:
        RelayBusyError: one does.
    """
    try:
        with _opened(folder) as handle:
            if _is_answered(handle, name):
                raise _busy(folder / name)
    except (OSError, SettingsError):
        return


def connect(folder: Path, name: str, timeout_s: float) -> socket.socket:
    """A connection to the process of this user that listens there.

    Raises:
        SettingsError: the folder, the socket or the process behind it is not this user's alone.
        OSError: nobody listens there.
    """
    path = folder / name
    with _opened(folder) as handle:
        about = os.stat(name, dir_fd=handle, follow_symlinks=False)
        if not stat.S_ISSOCK(about.st_mode):
            raise _unfit(path, "is not a socket")
        _check_owner(path, about)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _connect(made, f"/proc/self/fd/{handle}/{name}", timeout_s)
            _check_peer(path, peer_of(made))
        except BaseException:
            made.close()
            raise
    return made


def _connect(made: socket.socket, address: str, timeout_s: float) -> None:
    # A Unix socket with Python's timeout does not wait for a full backlog; the kernel's own timeout does.
    whole = int(timeout_s)
    limit = _TIMEVAL.pack(whole, int((timeout_s - whole) * 1e6))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    try:
        made.connect(address)
    except BlockingIOError as exc:
        raise TimeoutError from exc
    made.settimeout(timeout_s)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        handle = os.open(folder, _FOLDER)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENOTDIR):
            raise _unfit(folder, "is not a folder") from exc
        raise
    try:
        _check_owner(folder, os.fstat(handle))
        yield handle
    finally:
        os.close(handle)


def _check_owner(path: Path, about: os.stat_result) -> None:
    if about.st_uid != os.geteuid():
        raise _unfit(path, "belongs to another user")
    if about.st_mode & 0o077:
        raise _unfit(path, "is open to other users")


def _check_peer(path: Path, peer: Peer) -> None:
    if not peer.is_ours:
        raise _unfit(path, f"is answered by a process of another user (uid {peer.uid})")


def _take_turn(handle: int, path: Path) -> None:
    """Be the one that makes a socket in this folder; daemons of other queues take a moment for theirs."""
    for _ in range(_TURNS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TURN_S)
        else:
            return
    raise _busy(path)


def _clear(handle: int, name: str, path: Path) -> None:
    """Remove what a dead daemon left. What lives, and what is no socket, stays."""
    try:
        about = os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(about.st_mode):
        raise _unfit(path, "is not a socket")
    if _is_answered(handle, name):
        raise _busy(path)
    os.unlink(name, dir_fd=handle)


def _is_answered(handle: int, name: str) -> bool:
    """Whether somebody listens there; also one who takes no more clients at the moment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        told = probe.connect_ex(f"/proc/self/fd/{handle}/{name}")
    return told not in (errno.ECONNREFUSED, errno.ENOENT)


def _listening(address: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        # Before it has a name: the file is then made with this mode, whatever the umask.
        os.fchmod(made.fileno(), 0o600)
        made.bind(address)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _unfit(path: Path, problem: str) -> SettingsError:
    return SettingsError(f"{path} {problem}.", "Move it away.")


def _busy(path: Path) -> RelayBusyError:
    return RelayBusyError(
        f"Another process listens at {path}.",
        "It is another daemon of this queue, perhaps a suspended one: `aexp relay down` ends it.",
    )
