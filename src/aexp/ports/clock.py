"""Time, so that tests can own it."""

from abc import abstractmethod
from typing import Protocol


class Clock(Protocol):
    """May be called from any thread; never raises."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""

    @abstractmethod
    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00Z, as this node believes. Other nodes may disagree."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
