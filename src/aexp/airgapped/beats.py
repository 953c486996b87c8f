"""The serving daemon's last sign of life, as others find it."""

from dataclasses import dataclass
from typing import Any

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

    @property
    def trouble(self) -> str | None:
        """What keeps the daemon from its work, in words that are safe to show; None when nothing does."""
        told = self.facts.get("trouble")
        return visible(told, limit=600) if isinstance(told, str) and told else None

    def looks_old(self, wall: float, tolerance_s: float) -> bool:
        """Whether its own date is far from ours: a hint only, since clocks disagree."""
        written = self.facts.get("wall")
        return not isinstance(written, int | float) or abs(wall - written) > tolerance_s
