"""Where a person's decisions come from."""

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Verdicts:
    """What has been decided so far.

    Attributes:
        approved: the requests that were approved.
        rejected: request id to the reason that was given (may be empty).
    """

    approved: frozenset[str]
    rejected: dict[str, str]


class Decisions(Protocol):
    """Decisions on requests that wait for consent.

    Raises:
        RelayStorageError: the decisions cannot be read or settled now; try again later.
    """

    @abstractmethod
    def park(self, request_id: str) -> bool:
        """A request begins to wait. An approval that was there before counts for nothing and is removed.

        Returns:
            True when there was one.
        """

    @abstractmethod
    def collect(self, waiting: Collection[str]) -> Verdicts:
        """The decisions on these requests so far. A request may be both approved and rejected."""

    @abstractmethod
    def settle(self, request_id: str) -> None:
        """The request was decided; its decisions are used up and can be forgotten."""
