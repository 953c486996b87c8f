"""The end of a file in the queue that somebody else appends to, read piece by piece."""

from collections import deque

from aexp.domain import layout
from aexp.domain.errors import RelayStorageError, StorageUnfitError
from aexp.domain.progress import LogText, ProgressLines
from aexp.domain.text import visible_lines
from aexp.ports.storage import QueueStorage

CHUNK = 64 * 1024
_MOST = 1 << 40
TAIL_LINES = 40
LINE_CHARS = 400


class GrowingEnd:
    """Gives what is at the end of a file, then what is added; of a lot at once only the end.

    Where the end is, is found by reading: one read while the file is shorter than :data:`CHUNK`, some
    twenty once when it is longer.

    Args:
        name: has been listed.
    """

    def __init__(self, storage: QueueStorage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._offset = 0

    def read(self) -> tuple[bytes, bool]:
        """What came since, at most :data:`CHUNK` bytes, and whether something before it was left out.

        Raises:
            RelayStorageError: it cannot be read now.
        """
        data = self._storage.read(self._name, self._offset, CHUNK)
        if len(data) < CHUNK:
            self._offset += len(data)
            return data, False
        begin = max(self._end(self._offset + CHUNK) - CHUNK // 2, self._offset)
        skipped = begin > self._offset
        data = self._storage.read(self._name, begin, CHUNK)
        self._offset = begin + len(data)
        return data, skipped

    def _end(self, low: int) -> int:
        """A place near the end, which is at ``low`` or behind it: never behind the end."""
        step = CHUNK
        while low + step < _MOST and self._storage.read(self._name, low + step - 1, 1):
            low += step
            step *= 2
        while step > CHUNK // 4:
            step //= 2
            if self._storage.read(self._name, low + step - 1, 1):
                low += step
        return low


class LogTail:
    """The last lines of an operation's output, as it comes; carriage returns collapsed, harmless."""

    def __init__(self, storage: QueueStorage, request_id: str) -> None:
        self._end = GrowingEnd(storage, layout.log(request_id))
        self._ended: deque[str] = deque(maxlen=TAIL_LINES)
        self._text = LogText()
        self._lines = ProgressLines()
        self._given_up = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines so far, the last one perhaps unfinished."""
        told = [*self._ended, self._lines.current]
        shown = [visible_lines(line.rstrip("\n"), limit=LINE_CHARS) for line in told if line]
        return tuple(line.expandtabs(4) for line in shown[-TAIL_LINES:])

    def read_on(self) -> bool:
        """Take in what came; whether there was anything. What cannot be read now is read later."""
        if self._given_up:
            return False
        try:
            data, skipped = self._end.read()
        except StorageUnfitError:
            self._given_up = True
            return False
        except RelayStorageError:
            return False
        if skipped:
            self._begin_anew()
            data = data.partition(b"\n")[2]
        self._ended.extend(self._lines.feed(self._text.feed(data)))
        return bool(data)

    def _begin_anew(self) -> None:
        self._ended.clear()
        self._text, self._lines = LogText(), ProgressLines()
        # The log's own first line is behind us: nothing that looks like it is left out any more.
        self._text.feed(b"\n")
