"""The far side of a queue on another machine: what only that machine can say or do.

A storage whose requests work on folders of another machine has one (``QueueStorage.far``).
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from aexp.domain.validation import ValidRequest


class FarFacts(NamedTuple):
    """What the far side says of itself.

    Attributes:
        host: its name for itself.
        version: of its aexp.
        round_trip_s: seconds from a question to its answer.
    """

    host: str
    version: str
    round_trip_s: float


class FarSide(Protocol):
    """Every verb raises :class:`~aexp.domain.errors.RelayConnectionError` when it cannot be spoken to, and
    repeats itself where an answer was lost: none does anything twice.
    """

    @abstractmethod
    def folder(self, given: str | None) -> str:
        """What a working copy is called over there; asks nobody.

        Args:
            given: what the caller named: absolute, below ``~/`` (also where a shell has put in this machine's
                home), or relative to the folder in the queue's URL; None for that folder itself. A URL that
                names none means the home, in which nothing may work.
        """

    @abstractmethod
    def place(self, folder: str) -> str:
        """The folder with its links resolved over there.

        Raises:
            RelayValidationError: nothing may work there.
        """

    @abstractmethod
    def checked(self, payload: Mapping[str, Any]) -> ValidRequest:
        """What the closed list and the rules over there make of a request.

        Raises:
            RelayValidationError: they do not allow it, or its folder does not exist.
        """

    @abstractmethod
    def withdraw(self, request_id: str, *, pending: bool) -> bool:
        """Take a request back before it starts, and see to its answer.

        Args:
            pending: whether it may wait for consent by now; otherwise only one that no daemon has seen is.

        Returns:
            Whether it will never run.
        """

    @abstractmethod
    def alive(self, process: str) -> bool | None:
        """Whether a process named in the queue lives; None when it is on neither machine."""

    @abstractmethod
    def facts(self) -> FarFacts:
        """Who it is, asked now."""
