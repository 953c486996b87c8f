"""Where a person's decisions come from."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aexp.domain.consent import Mode
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.petition import Petition


@dataclass(frozen=True)
class Verdicts:
    """What has been decided so far.

    Attributes:
        approved: request id to how it was approved, in words for the audit trail.
        rejected: request id to the reason that was given (may be empty).
        ignored: request id to why an approval that is there does not count, told once each.
        granted: request id to the grant that lets it go; the daemon adds these itself.
    """

    approved: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    granted: Mapping[str, str] = field(default_factory=dict)


class Granting(Protocol):
    """Grants as the daemon keeps them, for whoever hears people. Never waits for anybody.

    Raises:
        RelayNotFoundError: no grant, or more than one, has an id that begins so.
        AexpError: it is refused; the text says why, and what to do.
    """

    @abstractmethod
    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        """What a grant would allow; nothing is granted. It can be given for some minutes."""

    @abstractmethod
    def give(self, digest: str, *, keep: bool, by: str) -> GrantLine:
        """Grant what was offered under this digest, once.

        Args:
            keep: whether it outlives the daemon; then it is durable on return.
            by: who gives it, in words for the audit trail.
        """

    @abstractmethod
    def live(self) -> list[GrantLine]:
        """What is granted now, the one that ends first at the head."""

    @abstractmethod
    def revoke(self, prefix: str, by: str) -> GrantLine:
        """Take the one grant back whose id begins so: from now on nothing starts under it."""


class Decisions(Protocol):
    """Decisions on requests that wait for consent.

    Raises:
        RelayStorageError: the decisions cannot be read or settled now; try again later.
    """

    @property
    @abstractmethod
    def mode(self) -> Mode:
        """What counts as an approval here."""

    @property
    @abstractmethod
    def trouble(self) -> str | None:
        """Why nobody can approve at the moment, with what to do; None when all is well."""

    @abstractmethod
    def open(self) -> None:
        """Make ready to hear people. Repeatable; also after :meth:`close`.

        Raises:
            SettingsError: there is no place where people could be heard.
            RelayBusyError: another daemon hears them there.
        """

    @abstractmethod
    def hears_grants(self, granting: Granting) -> bool:
        """Let people give grants and take them back from now on, where only they can.

        Returns:
            False where a grant could be forged or given twice: then nobody can.
        """

    @abstractmethod
    def park(self, petition: Petition) -> bool:
        """A request begins to wait. An approval that was there before counts for nothing and is removed.

        From now on an approval counts only for this petition, to the letter.

        Returns:
            True when there was an earlier one.
        """

    @abstractmethod
    def resume(self, petition: Petition, since: float) -> None:
        """A request goes on waiting under a new daemon; a decision that was made meanwhile counts.

        From now on an approval counts only for this petition, to the letter.

        Args:
            since: when it began to wait, in seconds since 1970; for people to see.
        """

    @abstractmethod
    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        """The decisions on these requests so far. A request may be both approved and rejected.

        Args:
            waiting: the requests; only whether one is among them is asked of a large collection.
            files: whether to look at what people leave in the queue, too.
        """

    @abstractmethod
    def settle(self, request_id: str) -> None:
        """The request was decided; its decisions are used up and can be forgotten."""

    @abstractmethod
    def descriptors(self) -> Sequence[int]:
        """File descriptors that become readable when somebody comes to decide; may be empty."""

    @abstractmethod
    def close(self) -> None:
        """Give up what is held. Repeatable."""
