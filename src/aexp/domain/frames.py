"""What travels between a client elsewhere and the gate of a queue: frames on one stream in each direction.

The gate begins with one line, :data:`GREETING`, so that whatever a login shell prints before it is found out.
Then each side sends frames: the lengths of a head and of a body, four bytes each with the highest first; the
head, one JSON object; the body, bytes. The client asks, the gate answers each question in turn. ``n`` counts
the questions and is repeated in the answer.
"""

import struct
from typing import Any, NamedTuple

from aexp.domain import wire
from aexp.domain.requests import MAX_ANSWER_BYTES

PROTOCOL = 1
GREETING_BEGINS = b"aexp-gate/"
GREETING = GREETING_BEGINS + b"%d\n" % PROTOCOL
MAX_HEAD = wire.MAX_BYTES
MAX_QUESTION = wire.MAX_BYTES
"""Bytes of a question's body at most: a request is the longest."""
MAX_ANSWER = MAX_ANSWER_BYTES + 1
"""Bytes of an answer's body at most: one more than a file may have that is read, to tell that it has more."""

_LENGTHS = struct.Struct(">II")


class FrameError(ValueError):
    """The bytes are no frame, and nothing that follows them can be read; the text says why."""


class Frame(NamedTuple):
    """One question or answer."""

    head: dict[str, Any]
    body: bytes = b""

    def to_bytes(self) -> bytes:
        """The frame as it travels."""
        head = wire.encode(self.head)
        return _LENGTHS.pack(len(head), len(self.body)) + head + self.body


class FrameReader:
    """Puts frames together from pieces as they come.

    Args:
        max_body: bytes of a body that are accepted.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._held = bytearray()

    def __len__(self) -> int:
        """Bytes that are held and were not given yet."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        self._held += data

    def take(self) -> Frame | None:
        """The next frame, None while it is not whole.

        Raises:
            FrameError: what came is none. Found out by its first eight bytes, before any more are waited for.
        """
        if len(self._held) < _LENGTHS.size:
            return None
        head, body = _LENGTHS.unpack_from(self._held)
        if not 0 < head <= MAX_HEAD or body > self._max_body:
            raise FrameError(f"a frame of {head} and {body} bytes, which is none")
        begin, end = _LENGTHS.size + head, _LENGTHS.size + head + body
        if len(self._held) < end:
            return None
        try:
            read = wire.decode(bytes(self._held[_LENGTHS.size : begin]), max_bytes=MAX_HEAD)
        except wire.WireError as exc:
            raise FrameError(f"the head of a frame {exc}") from exc
        frame = Frame(read, bytes(self._held[begin:end]))
        del self._held[:end]
        return frame
