"""The post of a queue's daemon: a record lock on a file of this machine (fcntl(2), ``F_SETLK``).

The kernel says which process has the lock, so no pid is ever read from a file: there is nothing to forge,
and nothing that a killed daemon could leave behind. The file is empty and lies where no other node can
write. Whoever removes it takes nothing from the holder but its place, which it makes anew.
"""

import fcntl
import hashlib
import logging
import os
import re
import signal
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aexp.adapters.kernel import process_descriptor, send_signal
from aexp.adapters.node_local import private_folder, state_folder
from aexp.adapters.processes import environment_of, is_suspended, start_of
from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import AexpError, RelayBusyError, RelayStorageError
from aexp.domain.identity import ProcessId
from aexp.ports.post import Post, Posted
from aexp.ports.processes import Processes

logger = logging.getLogger("aexp.relay")

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOCK = struct.Struct("hhqqi0q")
"""``struct flock``: type, whence, start, length, pid."""
_LOOKS = 5
_UNIT = re.compile(r"/(aexp-relay[A-Za-z0-9_-]*\.service)$", re.ASCII | re.MULTILINE)


def post_path(environ: Mapping[str, str], home: str, queue: str) -> Path:
    """Where the daemon of a queue stands on this machine.

    The last part of the queue's path is taken as it is: a link there that leads to another queue of the same
    user must not lead to that one's daemon.

    Args:
        queue: the queue's folder, or its URL where it is no folder.

    Raises:
        SettingsError: the folder for it cannot be used.
    """
    above, name = os.path.split(queue)
    place = os.path.join(os.path.realpath(above), name) if queue.startswith("/") else queue
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    return state_folder(environ, home) / "posts" / digest


class NodePost(Post):
    """See the module. One process must have no more than one of these for a path.

    Args:
        path: the file, in a private folder of this machine (see :mod:`aexp.adapters.node_local`).
    """

    def __init__(self, path: Path, processes: Processes) -> None:
        self._path = path
        self._processes = processes
        self._handle: int | None = None
        self._told = False

    def take(self) -> bool:
        if self._handle is not None and self._in_place(self._handle):
            return True
        self.leave()
        try:
            private_folder(self._path.parent)
            handle = os.open(self._path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(handle)
                raise
        except (OSError, AexpError) as exc:
            if not self._told:
                self._told = True
                logger.warning("- no-post where=%s error=%r", self._path, _told(exc))
            return False
        self._handle = handle
        return True

    def leave(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def who(self) -> Posted | None:
        if self._handle is not None:
            # A process is not told of its own lock, and would lose it by closing another descriptor.
            return self._posted(self._processes.me.pid)
        try:
            handle = os.open(self._path, _FLAGS | os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise RelayStorageError(
                f"{self._path} cannot be looked at: {reason(exc)}.", remedy(exc)
            ) from exc
        try:
            return self._holder(handle)
        finally:
            os.close(handle)

    def end(self, posted: Posted, *, force: bool = False) -> bool:
        try:
            handle = process_descriptor(posted.process.pid)
        except ProcessLookupError:
            return False
        try:
            # Looked at after the descriptor was opened: it then is of the process that has the lock.
            found = self.who()
            if found is None or not _same(found, posted):
                return False
            with suppress(ProcessLookupError):
                numbers = [signal.SIGKILL] if force else [signal.SIGTERM, signal.SIGCONT]
                for number in numbers:
                    send_signal(handle, posted.process.pid, number)
        finally:
            if handle is not None:
                os.close(handle)
        return True

    def _holder(self, handle: int) -> Posted | None:
        for _ in range(_LOOKS):
            pid = _locked_by(handle)
            if pid is None:
                return None
            found = self._posted(pid) if pid > 0 else None
            if found is not None and _locked_by(handle) == pid:
                return found
        raise RelayBusyError(
            "A daemon serves this queue on this machine, but it cannot be seen from here.",
            "Is it in a container? Then look from there.",
        )

    def _posted(self, pid: int) -> Posted | None:
        """The process behind a pid; None when it has just gone, or is another user's."""
        about = Path(f"/proc/{pid}")
        try:
            start = start_of(pid)
            if about.stat().st_uid != os.geteuid():
                return None
            words = (about / "cmdline").read_bytes()
            unit = _UNIT.search((about / "cgroup").read_text(errors="replace"))
            suspended = is_suspended(pid)
        except OSError:
            return None
        return Posted(
            process=ProcessId.new(self._processes.me.host, pid, start),
            words=tuple(os.fsdecode(word) for word in words.split(b"\0")[:-1]),
            cwd=_cwd(about),
            environ=environment_of(pid),
            unit=unit[1] if unit else None,
            suspended=suspended,
        )

    def _in_place(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self._path))
        except OSError:
            return False


def _locked_by(handle: int) -> int | None:
    """The pid of the process that has the lock, as the kernel says; 0 for one that cannot be seen."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _LOCK.unpack(fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def _told(failure: Exception) -> str:
    if isinstance(failure, BlockingIOError):
        return "another daemon of this queue on this node has it; `aexp relay down` ends that one first"
    return str(failure)


def _same(one: Posted, other: Posted) -> bool:
    return (one.process.pid, one.process.start) == (other.process.pid, other.process.start)


def _cwd(about: Path) -> str:
    try:
        found = os.readlink(about / "cwd")
    except OSError:
        return "/"
    return found if os.path.isdir(found) else "/"
