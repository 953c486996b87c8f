"""Looking at what a request would do on this node, before anybody is asked and before anything runs."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aexp.domain.destinations import Destination
from aexp.domain.preview import Preview


@dataclass(frozen=True)
class Order:
    """A valid request: an operation of the closed list, its arguments, and a resolved folder."""

    request_id: str
    op: str
    args: tuple[str, ...]
    cwd: Path


@dataclass(frozen=True)
class Survey:
    """What an order would do.

    Attributes:
        root: the working copy, which one operation at a time has for itself.
        args: the arguments with everything settled that they leave open (``HEAD``, which runs).
        destinations: where it would connect.
        configured: every place that the working copy names, for the first time that it is used.
        inventory: what would leave the cluster, a line each, for whoever approves it.
        preview: the same in fields, and sealed; None while only a closer look can tell.
        commit: the one commit that a push sends, whatever its branch is by then; empty for its branch.
        notices: what of the repository's own configuration is not used, a line each.
        done: nothing needs to run, and this is the operation's output; None otherwise.
    """

    root: Path
    args: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    configured: tuple[Destination, ...] = ()
    inventory: tuple[str, ...] = ()
    preview: Preview | None = None
    commit: str = ""
    notices: tuple[str, ...] = ()
    done: str | None = None

    @property
    def settled(self) -> tuple[str, ...]:
        """What the command line is made of: the arguments, and the commit where one was settled."""
        return (*self.args, self.commit) if self.commit else self.args


@dataclass(frozen=True)
class Reach:
    """Where requests for an operation can lead from a folder, whatever their arguments are.

    Attributes:
        root: the working copy, as a survey of such a request has it.
        destinations: where it could connect; what a survey finds is among these or is news.
    """

    root: Path
    destinations: tuple[Destination, ...]


class Workshop(Protocol):
    """Reads what the requester wrote (working copies, runs) and never runs any of it."""

    @abstractmethod
    def survey(self, order: Order) -> Survey:
        """What the order would do now.

        Raises:
            RelayValidationError: it cannot be done here; names the file or key, and what to do.
        """

    @abstractmethod
    def reach(self, op: str, cwd: Path) -> Reach:
        """Where requests for this operation can lead now.

        Args:
            cwd: a resolved folder.

        Raises:
            RelayValidationError: it cannot be used here; names the file or key, and what to do.
        """

    @abstractmethod
    def identity(self, root: Path) -> str:
        """What tells the folder from another one that is put in its place; empty when there is none.

        No proof against whoever may write the folder: what is in it can be changed.
        """

    @abstractmethod
    def preview(self, order: Order, survey: Survey, *, moved: bool) -> Survey:
        """The survey with what would leave the cluster, for an order that a person is asked about.

        Nothing that the repository configures runs, and nothing is fetched; the look is bounded in time, and
        what it could not count says so. The same state gives the same preview, and another commit, file or
        date another one. A push that is started with this survey sends the commit that was shown.

        Args:
            moved: whether a remote has another URL than before: then what the working copy knows of it
                says nothing of what is there.

        Raises:
            RelayValidationError: what would leave cannot be read; says what to do.
        """

    @abstractmethod
    def decisions(self) -> Sequence[str]:
        """What the login node's owner has accepted or taken back, a line each; every line is given once.

        Raises:
            RelayStorageError: it cannot be read now.
        """

    @abstractmethod
    def concerns(self) -> Sequence[str]:
        """What the login node's owner should know, a line each: a pinned file that has changed since."""
