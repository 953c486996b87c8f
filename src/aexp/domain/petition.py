"""What a person is asked: everything that an approval is bound to, in words that cannot lie."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aexp.domain.preview import Preview
from aexp.domain.records import record
from aexp.domain.text import visible

_DOMAIN = b"aexp-relay-consent-v1\0"
MAX_LINES = 1000
MAX_LINE_CHARS = 2400
MAX_FOLDER_CHARS = 4096
MAX_CHARS = 200_000
"""Of a petition as JSON: what a note in the queue and a message to the person can hold."""


@dataclass(frozen=True)
class Petition:
    """A request that waits for a person, and what it would do.

    Attributes:
        reason: why a person is asked, for example that a remote's URL has changed.
        destinations: where it would connect, a line each.
        inventory: what would leave the cluster, a line each.
        preview: the same in fields, for programs, and sealed; None from a daemon that gives none.
        bound: the SHA-256 of where it leads and what it sends, before secrets were taken out of the lines.
        nonce: drawn by the daemon each time that the request begins to wait, so that no approval fits twice.
        client: who asked, as the request says; not part of what is bound.
    """

    request_id: str
    op: str
    args: tuple[str, ...]
    cwd: str
    root: str
    reason: str = ""
    destinations: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()
    bound: str = ""
    nonce: str = ""
    client: str = ""
    preview: Preview | None = None

    @property
    def summary(self) -> str:
        """What would leave, in a few words; empty when that is not known."""
        return "" if self.preview is None else self.preview.summary

    @property
    def digest(self) -> str:
        """SHA-256 over the request and its preview, in hexadecimal digits: what an approval names."""
        bound = {key: value for key, value in asdict(self).items() if key != "client"}
        text = json.dumps(bound, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(_DOMAIN + text.encode("ascii")).hexdigest()

    def lines(self) -> list[str]:
        """The petition for a terminal: one field a line, nothing in it acts on the terminal."""
        told = [
            ("request", self.request_id),
            ("operation", " ".join([self.op, *self.args])),
            ("folder", self.cwd),
            ("asked by", self.client or "?"),
            ("why", self.reason),
            *(("goes to", line) for line in self.destinations),
            *(("sends", line) for line in self.inventory),
            ("digest", self.digest),
        ]
        return labelled(told)

    @property
    def is_too_long(self) -> bool:
        """Whether it is more than a person could be shown."""
        lines = (*self.destinations, *self.inventory)
        too_wide = any(len(line) > MAX_LINE_CHARS for line in (self.reason, *lines))
        too_wide = too_wide or len(" ".join([self.op, *self.args])) > MAX_FOLDER_CHARS
        return too_wide or len(lines) > MAX_LINES or len(json.dumps(asdict(self))) > MAX_CHARS

    def to_dict(self) -> dict[str, Any]:
        """The petition as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Petition":
        """The petition that :meth:`to_dict` gave.

        Raises:
            ValueError: it is not one.
        """
        return record(cls, found)


def labelled(told: Iterable[tuple[str, str]]) -> list[str]:
    """Fields for a terminal, one a line, each with its name; one without a value is left out."""
    return [f"{name:<10} {_spelt(value, _room(name))}" for name, value in told if value]


def _room(name: str) -> int:
    # A folder is shown whole: its end is what tells it from its neighbours.
    return MAX_FOLDER_CHARS if name in ("folder", "operation") else MAX_LINE_CHARS


def _spelt(text: str, room: int) -> str:
    # Runs of blanks could make what a terminal wraps look like a field of its own.
    shown = visible(text, limit=room, ascii_only=True)
    return re.sub(r"(?<= ) +", lambda run: r"\x20" * len(run[0]), shown)
