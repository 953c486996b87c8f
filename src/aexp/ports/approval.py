"""What a person who decides needs from outside: a line to the daemon, and a key to sign with."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.decisions import Waiting
from aexp.domain.petition import Petition


class DecisionLine(Protocol):
    """A line to the daemon that serves the queue on this machine. Each call takes some seconds at most.

    Raises:
        RelayDownError: no daemon answers here; the text says where was looked, and what was found.
        RelayNotFoundError: no request, or more than one, with that id waits there.
        RelayRejectedError: the daemon refused.
    """

    @abstractmethod
    def waiting(self) -> list[Waiting]:
        """What waits for a decision, as the daemon itself has it."""

    @abstractmethod
    def show(self, prefix: str) -> Petition:
        """The one waiting petition whose id begins so."""

    @abstractmethod
    def approve(self, request_id: str, digest: str) -> None:
        """Let it run, if what waits has this digest."""

    @abstractmethod
    def reject(self, request_id: str, reason: str) -> None:
        """Refuse it."""


class Signer(Protocol):
    """A person's own key."""

    @abstractmethod
    def sign(self, text: bytes) -> bytes:
        """An armoured signature of the text, for the namespace of approvals. May ask the person.

        Raises:
            SettingsError: there is no key, or it did not sign.
        """
