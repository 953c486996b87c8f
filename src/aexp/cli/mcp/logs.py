"""A bounded piece of an operation's output: from an offset on, or its last lines.

The log is a file that grows. Where it is not there (another request gave the run its name, or it was swept)
the output in the answer stands for it.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from aexp.cli.mcp.relay import Relay
from aexp.domain import layout
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.output import MAX_LOG_BYTES
from aexp.domain.progress import LogText, collapsed

CHUNK = 1 << 20
MOST_LINES = 1000
_HEADING_BYTES = 64 * 1024
_CHARACTER_BYTES = 4
_MOST_BYTES = MAX_LOG_BYTES + CHUNK

Read = Callable[[int, int], bytes]
"""The bytes from an offset on, at most so many."""


@dataclass(frozen=True)
class Piece:
    """A piece of an output.

    Attributes:
        end: the offset behind it, in bytes.
        more: whether there is more already.
    """

    text: str
    end: int
    more: bool


def source(relay: Relay, request_id: str) -> Read:
    """Where the output of a request is read.

    Raises:
        RelayStorageError: the queue cannot be read.
    """
    storage, name = relay.queue.storage, layout.log(request_id)
    if name.rpartition("/")[2] in storage.list(layout.LOG):

        def read(offset: int, limit: int) -> bytes:
            try:
                return storage.read(name, offset, limit)
            except (StorageMissingError, StorageUnfitError):
                return b""

        return read
    answer = relay.answer(request_id)
    held = b"" if answer is None else answer.stdout.encode("utf-8", "replace")
    return lambda offset, limit: held[offset : offset + limit]


def from_offset(read: Read, offset: int, most: int, *, over: bool) -> Piece:
    """What comes from an offset on.

    Args:
        most: bytes of it.
        over: whether nothing more comes; until then a line that has not ended is left for the next piece.
    """
    offset, most = offset or _behind_heading(read), max(most, _CHARACTER_BYTES)
    data = read(offset, most + 1)
    more, data = len(data) > most, data[:most]
    if more or not over:
        # A line is given whole where it fits, so that what is written over later is not given twice.
        cut = data.rfind(b"\n") + 1
        data = data[:cut] if cut or not more else _whole_characters(data)
    return Piece(_text(data, heading=False), offset + len(data), more)


def last_lines(read: Read, count: int, most: int) -> Piece:
    """The last lines.

    Args:
        most: characters of them.
    """
    kept, end = b"", 0
    while end < _MOST_BYTES and (data := read(end, CHUNK)):
        end += len(data)
        # Of progress that is written over much is read and little is kept.
        kept = (kept + data)[-4 * CHUNK :]
    text = _text(kept, heading=end <= len(kept))
    lines = text.splitlines(keepends=True)[-count:]
    return Piece("".join(lines)[-most:], end, more=False)


def _behind_heading(read: Read) -> int:
    """Where the log's own first line ends."""
    head = read(0, _HEADING_BYTES)
    return head.find(b"\n") + 1 if head.startswith(b"$ ") else 0


def _whole_characters(data: bytes) -> bytes:
    """Without the first bytes of a character whose others are in the next piece."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    return data[: len(data) - len(decoder.getstate()[0])]


def _text(data: bytes, *, heading: bool) -> str:
    """The text of a piece; the log's own first line is left out where it is in it."""
    if heading:
        log = LogText()
        return collapsed(log.feed(data) + log.unfinished)
    return collapsed(data.decode("utf-8", "replace"))
