"""How the last daemon of a queue on this node was set up, for the next one."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.serving import Setup


class LastSetup(Protocol):
    """One queue's memory on this node; no other node can read or change it."""

    @abstractmethod
    def remember(self, setup: Setup) -> None:
        """Remember this one, in place of the one before.

        Raises:
            RelayStorageError: it could not be; the one before is still there.
        """

    @abstractmethod
    def get(self) -> Setup | None:
        """The one that was remembered last; None when none was.

        Raises:
            RelayStorageError: it cannot be read, or is damaged.
        """
