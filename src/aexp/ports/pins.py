"""Where each working copy was allowed to connect, remembered where the requester cannot write."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aexp.domain.destinations import Destination


class Pins(Protocol):
    """The memory of one user's destinations on this node. It outlives the daemon.

    Raises:
        RelayStorageError: the memory cannot be read or written; then nothing may connect.
    """

    @abstractmethod
    def known(self, root: Path) -> Sequence[Destination]:
        """What is remembered of a working copy."""

    @abstractmethod
    def remember(self, root: Path, destinations: Sequence[Destination]) -> None:
        """Remember these, each in place of an earlier one with the same key. Durable on return."""

    @abstractmethod
    def forget(self, root: Path) -> int:
        """Forget a working copy; how many destinations that were. Durable on return."""

    @abstractmethod
    def all(self) -> dict[str, Sequence[Destination]]:
        """Working copy to what is remembered of it."""
