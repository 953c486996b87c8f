"""Whether the remotes of a working copy can be reached from this node."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aexp.domain.checkup.remotes import Reply
from aexp.domain.destinations import Destination
from aexp.ports.workshop import Survey


class Remotes(Protocol):
    """The remotes of working copies, seen as the operations of a daemon on this node would see them."""

    @abstractmethod
    def survey(self, cwd: Path) -> Survey | None:
        """Where the working copy that ``cwd`` lies in may lead; None when it lies in none.

        Contacts nothing.

        Raises:
            RelayValidationError: the operations would refuse it; says what to do.
        """

    @abstractmethod
    def known(self, root: Path) -> Sequence[Destination]:
        """What is remembered of a working copy on this node."""

    @abstractmethod
    def ask(self, cwd: Path, destinations: Sequence[Destination]) -> Sequence[Reply]:
        """Ask each of them, all at once, whether it lets this user read; the replies in the same order.

        Goes to the URLs that are given and nowhere else, whatever the working copy says by then. Takes some
        seconds at most, and leaves nothing running.
        """
