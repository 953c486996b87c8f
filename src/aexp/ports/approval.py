"""What a person who decides needs from outside: a line to the daemon, and a key to sign with."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.decisions import Waiting
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.petition import Petition


class DecisionLine(Protocol):
    """A line to the daemon that serves the queue on this machine. Each call takes some seconds at most.

    Raises:
        RelayDownError: no daemon answers here; the text says where was looked, and what was found.
        RelayNotFoundError: no request waits there, or no grant is there, with that id, or more than one.
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

    @abstractmethod
    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        """What a grant would allow; nothing is granted."""

    @abstractmethod
    def grant(self, digest: str, *, keep: bool) -> GrantLine:
        """Grant what was offered under this digest."""

    @abstractmethod
    def grants(self) -> list[GrantLine]:
        """What is granted now."""

    @abstractmethod
    def revoke(self, prefix: str) -> GrantLine:
        """Take the one grant back whose id begins so."""


class Signer(Protocol):
    """A person's own key."""

    @abstractmethod
    def sign(self, text: bytes) -> bytes:
        """An armoured signature of the text, for the namespace of approvals. May ask the person.

        Raises:
            SettingsError: there is no key, or it did not sign.
        """
