"""Telling a person that requests wait for consent."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from aexp.domain.notices import Notice


class Notifier(Protocol):
    """Tells people on the login node. No method waits for a person, a terminal or another program.

    Raises:
        RelayError: a person could not be told. Each failure is raised once; whatever it was, the request
            waits, the notifier goes on, and what comes later is told.
    """

    @abstractmethod
    def consent_needed(self, notice: Notice) -> None:
        """A request has begun to wait. It is told now, or in a turn soon after."""

    @abstractmethod
    def turn(self, waiting: Collection[str]) -> None:
        """Go on with what is under way, and tell what has gathered.

        Called in every turn of the daemon's loop, so it costs nothing when nothing has changed. What begins
        to wait in great numbers is told together; what was not told yet and waits no longer is not told.

        Args:
            waiting: the ids of all requests that wait now, also of those that began under an earlier daemon.
        """

    @abstractmethod
    def descriptors(self) -> Sequence[int]:
        """File descriptors that become readable when a turn has something to do; may be empty."""

    @abstractmethod
    def close(self) -> None:
        """Take back what would say that something waits, and end what was started: within seconds.

        Repeatable. A notifier that is used afterwards works as before.
        """
