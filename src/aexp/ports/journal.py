"""The audit trail that cannot be changed without a trace."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Head:
    """The end of the trail: how many lines it has, and the hash of the last one."""

    count: int
    digest: str


class Journal(Protocol):
    """Lines that are chained by their hashes. For one writer at a time."""

    @abstractmethod
    def record(self, event: str, request_id: str, facts: Mapping[str, object]) -> None:
        """Add a line. It outlives this process from now on, and a power cut after :meth:`settle`.

        Raises:
            RelayStorageError: it could not be written; the chain is as it was.
        """

    @abstractmethod
    def together(self) -> AbstractContextManager[None]:
        """Until the end of the block lines come one after the other, and no other writer in between."""

    @abstractmethod
    def settle(self) -> None:
        """See to it that the lines so far outlive a power cut; costs nothing when they do already.

        Raises:
            RelayStorageError: that could not be done; call it again later.
        """

    @property
    @abstractmethod
    def head(self) -> Head:
        """The end of the trail; count 0 and no digest for an empty one."""
