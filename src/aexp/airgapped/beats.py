"""The serving daemon's last sign of life, as others find it."""

from dataclasses import dataclass
from typing import Any

from aexp.domain import wire
from aexp.domain.text import visible


@dataclass(frozen=True)
class Beat:
    """The serving daemon's last sign of life, as it lies in the queue.

    Attributes:
        raw: the bytes; a change of them is what counts as life.
        facts: what they say, or nothing when they say nothing sensible.
    """

    raw: bytes
    facts: dict[str, Any]

    @classmethod
    def of(cls, raw: bytes) -> "Beat":
        """The beat that these bytes are."""
        try:
            return cls(raw, wire.decode(raw))
        except wire.WireError:
            return cls(raw, {})

    @property
    def daemon(self) -> str:
        """The daemon's name, as the beat says it; empty where it says none."""
        return str(self.facts.get("daemon", ""))

    @property
    def where(self) -> str:
        """The daemon's node and process, as the beat says them, for people."""
        host, pid = self.facts.get("host", "?"), self.facts.get("pid", "?")
        return f"{visible(str(host), limit=80)} (pid {visible(str(pid), limit=12)})"

    @property
    def trouble(self) -> str | None:
        """What keeps the daemon from its work, in words that are safe to show; None when nothing does."""
        told = self.facts.get("trouble")
        return visible(told, limit=600) if isinstance(told, str) and told else None

    def looks_old(self, wall: float, tolerance_s: float) -> bool:
        """Whether its own date is far from ours: a hint only, since clocks disagree."""
        written = self.facts.get("wall")
        return not isinstance(written, int | float) or abs(wall - written) > tolerance_s
