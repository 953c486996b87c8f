"""The chained trail: each line holds the hash of the line before, so that no change stays unseen.

A line is one JSON object in ASCII with the keys ``n`` (from 1), ``at``, ``event``, ``request``, ``facts`` and
``prev``, the SHA-256 of the line before without its line end, in hexadecimal digits (64 zeros at first).
Who can write the whole file can still cut its end off, or write all of it anew: that is seen only against
a copy, or against a head (number and hash of the last line), which is kept where they cannot write.
"""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aexp.domain import wire

FIRST = "0" * 64
MAX_LINE_BYTES = wire.MAX_BYTES
_CHUNK = 1 << 20
_TEXTS = ("at", "event", "request", "prev")


class ChainError(ValueError):
    """The bytes are not a line of a trail; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One line of the trail.

    Attributes:
        n: its number, from 1.
        at: when it was written, in UTC (ISO 8601).
        event: what happened.
        request: the request concerned, ``-`` for none.
        facts: what else is known.
        prev: the hash of the line before.
    """

    n: int
    at: str
    event: str
    request: str
    facts: Mapping[str, Any]
    prev: str

    def to_line(self) -> bytes:
        """The line without its end."""
        told = {
            **vars(self),
            "facts": {str(key): _plain(fact) for key, fact in self.facts.items()},
        }
        line = _dumped(told)
        if len(line) <= MAX_LINE_BYTES:
            return line
        return _dumped({**told, "facts": {"left_out_bytes": len(line)}})

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """The entry in a line without its end.

        Raises:
            ChainError: it is none.
        """
        try:
            found = wire.decode(line, max_bytes=MAX_LINE_BYTES)
        except wire.WireError as exc:
            raise ChainError(str(exc)) from exc
        number, facts = found.get("n"), found.get("facts")
        texts = {name: found.get(name) for name in _TEXTS}
        if set(found) != {"n", "facts", *_TEXTS} or not isinstance(facts, dict):
            raise ChainError("is not an entry of the trail")
        if type(number) is not int or not all(isinstance(text, str) for text in texts.values()):
            raise ChainError("is not an entry of the trail")
        return cls(n=number, facts=facts, **{name: str(text) for name, text in texts.items()})


@dataclass(frozen=True)
class Report:
    """What the verification of a trail found.

    Attributes:
        count: how many lines follow from each other, from the first on.
        digest: the hash of the last of them; empty when there is none.
        lines: how many lines there are in all, the torn one not counted.
        bad_line: the number of the first line that does not fit, None when all do.
        why: what is wrong with it.
        torn: bytes after the last line end: what a crash in the middle of writing leaves.
        missing: heads that were asked for and are not in it, with the reason.
    """

    count: int
    digest: str
    lines: int
    bad_line: int | None = None
    why: str = ""
    torn: int = 0
    missing: dict[int, str] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether nothing was changed, as far as the lines themselves show."""
        return self.bad_line is None and not self.missing


def moment(seconds: float) -> str:
    """A time in seconds since 1970 as the trail writes it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def digest_of(line: bytes) -> str:
    """The hash of a line, which is given without its end."""
    return hashlib.sha256(line).hexdigest()


def verify(lines: Iterable[bytes], heads: Mapping[int, str] | None = None) -> Report:
    """Check that each line follows from the one before.

    Args:
        lines: the lines with their ends, as :func:`lines_of` gives them.
        heads: numbers of lines and the hashes (or their first digits) that were noted for them elsewhere.
    """
    count, digest, total, torn = 0, "", 0, 0
    bad: tuple[int, str] | None = None
    missing = dict(heads or {})
    for raw in lines:
        if not raw.endswith(b"\n"):
            torn = len(raw)
            break
        line, total = raw[:-1], total + 1
        if bad is not None:
            continue
        why = _misfit(line, count, digest or FIRST)
        if why:
            bad = (total, why)
            continue
        count, digest = total, digest_of(line)
        if count in missing and digest.startswith(missing[count].lower()):
            del missing[count]
    reasons = {n: _gone(n, count) for n in missing}
    bad_line, why = bad or (None, "")
    return Report(count, digest, total, bad_line, why, torn, reasons)


def _dumped(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode(
        "ascii"
    )


def _plain(fact: Any) -> Any:
    """A fact as JSON can hold it, flat or a list of flat ones."""
    if isinstance(fact, list | tuple):
        return [item if isinstance(item, str) else str(item) for item in fact]
    flat = (
        fact is None
        or isinstance(fact, str | int)
        or (isinstance(fact, float) and math.isfinite(fact))
    )
    return fact if flat else str(fact)


def _misfit(line: bytes, before: int, digest: str) -> str:
    """Why a line does not follow the ``before`` lines that do; empty when it does."""
    try:
        entry = Entry.from_line(line)
    except ChainError as exc:
        return f"it {exc}"
    if entry.n != before + 1:
        return f"it says that it is line {entry.n}: lines were deleted, added or moved"
    if entry.prev != digest:
        return f"it does not follow from line {before}: one of the two was changed"
    return ""


def _gone(n: int, count: int) -> str:
    if n > count:
        return (
            f"the trail ends with line {count}: line {n} was cut off, or is behind the first misfit"
        )
    return f"line {n} has another hash than was noted: the trail was written anew"


def lines_of(read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The lines of a file with their ends; one that is much too long comes in pieces, which fit nothing.

    Args:
        read: from an offset and a length to the bytes there; fewer at the end of the file, none behind it.
    """
    held, offset = b"", 0
    while chunk := read(offset, _CHUNK):
        offset += len(chunk)
        *whole, held = (held + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(held) > MAX_LINE_BYTES:
            yield held[:MAX_LINE_BYTES] + b"\n"
            held = held[MAX_LINE_BYTES:]
    if held:
        yield held
