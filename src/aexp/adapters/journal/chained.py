"""The audit trail in a file of this machine, with a copy in the queue.

::

    <state folder>/audit-<queue>.jsonl     the trail: mode 0600, only ever appended to
    <queue>/audit.jsonl                    the copy

The format of a line is in :mod:`aexp.domain.chain`. A process that dies while it writes leaves at most one
line without an end. The next writer cuts it off, and its first line, ``torn-line``, says so.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.journal.copying import TrailCopy
from aexp.adapters.node_local import private_folder, queue_digest, state_folder
from aexp.adapters.remedies import reason, remedy
from aexp.adapters.storage.steps import checked
from aexp.domain import layout
from aexp.domain.chain import FIRST, ChainError, Entry, digest_of, moment
from aexp.domain.errors import RelayStorageError, SettingsError
from aexp.ports.clock import Clock
from aexp.ports.journal import Head, Journal
from aexp.ports.storage import QueueStorage

logger = logging.getLogger("aexp.relay")

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BLOCK = 64 * 1024
NO_REQUEST = "-"


def trail_path(environ: Mapping[str, str], home: str, queue: str) -> Path:
    """Where the trail of a queue is kept on this machine; its folder is made if needed.

    Args:
        queue: the queue's folder, or its URL where it has none.

    Raises:
        SettingsError: the folder for it cannot be used.
    """
    return state_folder(environ, home) / f"audit-{queue_digest(queue)[:12]}.jsonl"


class ChainedJournal(Journal):
    """Appends to the trail; several processes of this machine may take turns.

    Args:
        path: the trail, on a filesystem of this machine alone.
        copy: the queue that gets the copy, None for none.
    """

    def __init__(
        self, path: Path, copy: QueueStorage | None = None, clock: Clock | None = None
    ) -> None:
        self._path = path
        self._copy = None if copy is None else TrailCopy(copy, path)
        self._clock = clock or SystemClock()
        self._head: Head | None = None
        self._size = -1
        self._torn: dict[str, object] = {}
        self._unsettled = False
        self._keeping = False
        self._kept: int | None = None

    @property
    def path(self) -> Path:
        """Where the trail is."""
        return self._path

    @property
    def head(self) -> Head:
        if not self._path.exists():
            return self._head or Head(0, "")
        with self._opened() as handle:
            self._look(handle)
            return self._head or Head(0, "")

    def record(self, event: str, request_id: str, facts: Mapping[str, object]) -> None:
        with self._opened() as handle:
            self._look(handle)
            if self._torn:
                self._append(handle, "torn-line", NO_REQUEST, self._torn)
                self._torn = {}
            self._append(handle, event, request_id, facts)

    @contextmanager
    def together(self) -> Iterator[None]:
        self._keeping = True
        try:
            yield
        finally:
            self._keeping = False
            if self._kept is not None:
                os.close(self._kept)
                self._kept = None

    def settle(self) -> None:
        if not self._unsettled:
            return
        with self._opened() as handle:
            self._look(handle)
            os.fsync(handle)
            self._unsettled = False
            self._hand_on(handle)

    def _hand_on(self, handle: int) -> None:
        """Bring the copy up to the trail; nothing that fails here is a failure of the trail."""
        if self._copy is None or self._copy.catch_up(self._size):
            return
        # Changed by somebody, or the trail of a daemon on another login node.
        try:
            self._append(handle, "copy-replaced", NO_REQUEST, {"kept_in": layout.BAD})
        except OSError as exc:
            logger.warning("- audit-copy-replaced kept_in=%s unrecorded=%s", layout.BAD, exc)
        self._copy.catch_up(self._size)

    def _append(
        self, handle: int, event: str, request_id: str, facts: Mapping[str, object]
    ) -> None:
        head = self._head or Head(0, "")
        at = moment(self._clock.wall())
        entry = Entry(head.count + 1, at, event, request_id, facts, head.digest or FIRST)
        line = entry.to_line()
        data = line + b"\n"
        try:
            _write_all(handle, data)
        except OSError:
            # Without its end: as if it had never been written.
            os.ftruncate(handle, self._size)
            raise
        self._unsettled = True
        self._head, self._size = Head(head.count + 1, digest_of(line)), self._size + len(data)

    def _look(self, handle: int) -> None:
        """Know the end of the file; what a crash has torn is cut off, and told with the next line."""
        size, known, before = os.fstat(handle).st_size, self._head, self._size
        if size == before:
            return
        tail = _tail(handle, size)
        whole, _, torn = tail.rpartition(b"\n")
        if torn:
            os.ftruncate(handle, size - len(torn))
            self._torn = {"bytes": len(torn), "sha256": digest_of(torn)}
        self._size = size - len(torn)
        self._head = self._head_at(handle, whole.rpartition(b"\n")[2])
        if known is not None and size < before:
            # Cut or deleted under us. The numbers go on, so that the gap can be seen.
            self._head = known

    def _head_at(self, handle: int, line: bytes) -> Head | None:
        if self._size == 0:
            return None
        try:
            return Head(Entry.from_line(line).n, digest_of(line))
        except ChainError:
            # Somebody wrote something else here. The chain goes on behind it, and verifying it tells.
            return Head(_count_lines(handle, self._size), digest_of(line))

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            handle = self._kept if self._kept is not None else self._locked()
            self._kept = handle if self._keeping else None
            try:
                yield handle
            finally:
                if self._kept is None:
                    os.close(handle)
        except SettingsError as exc:
            raise RelayStorageError(exc.what, exc.hint) from exc
        except BlockingIOError as exc:
            raise RelayStorageError(
                f"The audit trail {self._path} is being written by another process.",
                "It is tried again by itself.",
            ) from exc
        except OSError as exc:
            raise RelayStorageError(
                f"The audit trail {self._path} cannot be written: {reason(exc)}.", remedy(exc)
            ) from exc

    def _locked(self) -> int:
        handle = checked(self._open(), str(self._path))
        try:
            # Held for a moment only. Another writer is never waited for: it may stand still.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _open(self) -> int:
        try:
            return os.open(self._path, _FLAGS & ~os.O_CREAT)
        except FileNotFoundError:
            # The first time, or somebody cleaned up: the name must be on the disk as well as the lines.
            private_folder(self._path.parent)
            handle = os.open(self._path, _FLAGS, 0o600)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            return handle


def _tail(handle: int, size: int) -> bytes:
    """The end of the file with at least its last whole line."""
    length = _BLOCK
    while True:
        start = max(0, size - length)
        tail = os.pread(handle, size - start, start)
        if start == 0 or tail.count(b"\n") >= 2:
            return tail
        length *= 2


def _count_lines(handle: int, size: int) -> int:
    count, offset = 0, 0
    while offset < size and (block := os.pread(handle, _BLOCK, offset)):
        count += block.count(b"\n")
        offset += len(block)
    return count


def _write_all(handle: int, data: bytes) -> None:
    """Write in one piece: a second one would be what a full disk refuses."""
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
