"""Telling a person that a request waits for consent."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.requests import Request


class Notifier(Protocol):
    """Tells people on the login node."""

    @abstractmethod
    def consent_needed(self, request_id: str, request: Request) -> None:
        """A request has begun to wait.

        Raises:
            RelayStorageError: the notice could not be left; the request waits all the same.
        """
