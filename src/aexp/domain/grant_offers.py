"""What a person is shown of a grant: before it is given, and in the list of those that are live."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aexp.domain.grants import SHORT_CHARS, Grant, moment
from aexp.domain.petition import labelled
from aexp.domain.text import age, visible

_DOMAIN = b"aexp-relay-grant-v1\0"
MAX_CHARS = 8000
"""Of an offer as JSON: a list of as many grants as may be live fits into one answer."""
MOST_WAITING = 8
"""Waiting requests that an offer names."""


@dataclass(frozen=True)
class GrantOffer:
    """A grant that a person may give: all that it would allow.

    Attributes:
        root: the folder that it would be for, and no other.
        destinations: where requests under it could connect, a line each.
        seconds: how long it would last, from the moment at which it is shown.
        until: when it would end, in seconds since 1970.
        waiting: the requests that wait now and would run at once, a line each.
        bound: the SHA-256 of the folder and the destinations, before secrets were taken out of the lines.
        nonce: drawn by the daemon, so that what is given twice is refused the second time.
    """

    op: str
    root: str
    destinations: tuple[str, ...]
    seconds: float
    until: float
    waiting: tuple[str, ...] = ()
    bound: str = ""
    nonce: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal digits: what a person gives."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(_DOMAIN + text.encode("ascii")).hexdigest()

    @property
    def is_too_long(self) -> bool:
        """Whether it is more than a person could be shown."""
        return len(json.dumps(asdict(self))) > MAX_CHARS

    def lines(self) -> list[str]:
        """The offer for a terminal: one field a line, nothing in it acts on the terminal."""
        return labelled(
            [
                ("operation", self.op),
                ("folder", self.root),
                *(("goes to", line) for line in self.destinations),
                ("allows", f"every {self.op} of this folder that goes there, without asking you"),
                ("until", f"{moment(self.until)} ({age(self.seconds)})"),
                *(("runs now", line) for line in self.waiting),
                ("digest", self.digest),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The offer as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "GrantOffer":
        """The offer that :meth:`to_dict` gave.

        Raises:
            ValueError: it is not one.
        """
        texts = {name: _text(found, name) for name in ("op", "root", "bound", "nonce")}
        lists = {name: _texts(found, name) for name in ("destinations", "waiting")}
        numbers = {name: _number(found, name) for name in ("seconds", "until")}
        return cls(**texts, **lists, **numbers)  # type: ignore[arg-type]


@dataclass(frozen=True)
class GrantLine:
    """A grant that is live, in words that are safe to show.

    Attributes:
        id: names it; its first digits will do.
        root: the folder that it is for, and no other.
        destinations: where requests under it may connect, a line each.
        ends_in_s: seconds until it ends, by the daemon's clock.
        until: when that is, in seconds since 1970.
        uses: operations that were started under it.
        keep: whether it outlives the daemon.
        by: who gave it.
    """

    id: str
    op: str
    root: str
    destinations: tuple[str, ...]
    ends_in_s: float
    until: float
    uses: int
    keep: bool
    by: str

    @property
    def short(self) -> str:
        """The first digits of its id."""
        return self.id[:SHORT_CHARS]

    @classmethod
    def of(
        cls, grant: Grant, destinations: tuple[str, ...], left_s: float, wall: float
    ) -> "GrantLine":
        """The line of a grant.

        Args:
            destinations: its places as they may be shown, a line each.
            left_s: seconds until it ends.
            wall: seconds since 1970 now.
        """
        return cls(
            id=grant.id,
            op=grant.scope.op,
            root=grant.scope.root,
            destinations=destinations,
            ends_in_s=round(max(left_s, 0.0), 3),
            until=round(wall + left_s, 3),
            uses=grant.uses,
            keep=grant.keep,
            by=grant.by,
        )

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "GrantLine":
        """The line that :meth:`to_dict` gave, made harmless.

        Raises:
            ValueError: it is not one.
        """
        texts = {
            name: visible(_text(found, name), limit=4096, ascii_only=True)
            for name in ("id", "op", "root", "by")
        }
        told = tuple(
            visible(line, limit=2400, ascii_only=True) for line in _texts(found, "destinations")
        )
        return cls(
            **texts,
            destinations=told,
            ends_in_s=_number(found, "ends_in_s"),
            until=_number(found, "until"),
            uses=int(_number(found, "uses")),
            keep=found.get("keep") is True,
        )


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} of the grant is not text")


def _texts(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = found.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} of the grant is not a list of text")
    return tuple(value)


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e11:
        raise ValueError(f"{name} of the grant is not a number")
    return float(value)
