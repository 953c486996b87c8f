"""Grants that outlive a daemon, remembered where the requester cannot write."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from aexp.domain.grants import Grant


class GrantMemory(Protocol):
    """The memory of one queue's grants on this node: those that are kept, and those whose loss is to be told.

    Raises:
        RelayStorageError: the memory cannot be read or written.
    """

    @abstractmethod
    def all(self) -> Sequence[Grant]:
        """Every grant that is remembered, also those that have ended meanwhile."""

    @abstractmethod
    def remember(self, grant: Grant) -> None:
        """Remember it, in place of an earlier one with its id. Durable on return."""

    @abstractmethod
    def forget(self, ids: Sequence[str]) -> None:
        """Forget these. Durable on return; a repeat changes nothing."""
