"""The copy of the audit trail in the queue, which people on every node can read.

Whoever can write the queue can change it. It is made equal to the trail again when it can be; what was
found in its place is kept in ``bad/`` for a person to look at.
"""

import json
import logging
import os
from pathlib import Path

from aexp.domain import layout
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.text import visible
from aexp.ports.storage import QueueStorage

logger = logging.getLogger("aexp.relay")

_WINDOW = 64 * 1024
_CHUNK = 1 << 20


class TrailCopy:
    """Keeps the copy behind the trail.

    Args:
        trail: the trail's file on this machine.
    """

    def __init__(self, storage: QueueStorage, trail: Path) -> None:
        self._storage = storage
        # Each node has a trail of its own, and where several serve a copy of its own, too.
        self._name = layout.trail_copy(os.uname().nodename) if storage.shared else layout.TRAIL_COPY
        self._trail = trail
        self._at: int | None = None
        self._trouble = ""

    def catch_up(self, size: int) -> bool:
        """Bring the copy up to the trail, which has ``size`` bytes.

        A copy that cannot be written is told in the log, once for each cause; the trail does not need it.

        Returns:
            False when the copy held something else: that was set aside, and the copy made anew.
        """
        at, self._at = self._at, None
        untouched = True
        try:
            # When this fails, part of it may be written: the next call compares the two.
            if at is None or at > size:
                untouched = self._bring_into_step(size)
            else:
                self._write(at, size)
        except (RelayStorageError, OSError) as exc:
            if str(exc) != self._trouble:
                self._trouble = str(exc)
                logger.warning("- audit-copy-failed error=%s", json.dumps(visible(str(exc))))
            return True
        self._at, self._trouble = size, ""
        return untouched

    def _bring_into_step(self, size: int) -> bool:
        begin = max(0, size - _WINDOW)
        ours = self._read(begin, size)
        try:
            theirs = self._storage.read(self._name, begin, 2 * _WINDOW)
        except StorageMissingError:
            self._write(0, size)
            return True
        except StorageUnfitError:
            # A link, a FIFO, a folder.
            theirs = b"?"
        if ours.startswith(theirs) and (theirs or begin == 0):
            self._write(begin + len(theirs), size)
            return True
        self._storage.take(self._name, layout.bad(self._name))
        self._write(0, size)
        return False

    def _write(self, offset: int, size: int) -> None:
        while offset < size:
            data = self._read(offset, min(offset + _CHUNK, size))
            if not data:
                return
            self._storage.append(self._name, data)
            offset += len(data)

    def _read(self, begin: int, end: int) -> bytes:
        with self._trail.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)
