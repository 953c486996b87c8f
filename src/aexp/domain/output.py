"""The output of an operation, bounded: the head and the tail of what may be endless."""

from dataclasses import dataclass, field

from aexp.domain.progress import ProgressLines

MAX_ANSWER_BYTES = 1 << 20
MAX_LOG_BYTES = 64 << 20
LEFT_OUT = "bytes left out; the rest is in"
"""What stands in place of the middle of an output that is too long."""


@dataclass
class BoundedOutput:
    """Keeps the first and the last half of ``limit`` bytes; counts what lies between.

    Of a line that was written over with carriage returns only the last state counts. A line is taken in
    when it has ended, the last one when :meth:`close` says so.
    """

    limit: int = MAX_ANSWER_BYTES
    total: int = 0
    _lines: ProgressLines = field(default_factory=ProgressLines)
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """Take in what came next."""
        # One character for each byte, whatever they stand for: line ends are the same in both.
        self._keep(self._lines.feed_whole(data.decode("latin-1")).encode("latin-1"))

    def close(self) -> None:
        """Take in that nothing more comes."""
        self._keep("".join(self._lines.close()).encode("latin-1"))

    def _keep(self, data: bytes) -> None:
        self.total += len(data)
        room = self.limit // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > self.limit:
            del self._tail[: -self.limit // 2]

    def end(self, size: int) -> bytes:
        """The last bytes, ``size`` of them if there are so many; never across what was left out."""
        kept = self._tail if self.truncated else self._head + self._tail
        return bytes(kept[-size:])

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self.total > self.limit

    def text(self, where: str) -> str:
        """Head and tail as text, with a line between that says what is missing and where it is."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        tail = self._tail[-(self.limit // 2) :]
        missing = self.total - len(self._head) - len(tail)
        head = self._head.decode("utf-8", "replace")
        gap = f"\n[... {missing} {LEFT_OUT} {where} ...]\n"
        return head + gap + tail.decode("utf-8", "replace")
