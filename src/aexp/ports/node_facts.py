"""What a check-up wants to know of the node that it runs on."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.checkup import LogOut, Mounted, Space


class NodeFacts(Protocol):
    """Looks, and changes nothing. Every method may raise
    :class:`OSError` or an :class:`~aexp.domain.errors.AexpError` when it cannot look.
    """

    @abstractmethod
    def mounted(self, path: str) -> Mounted | None:
        """The filesystem that ``path``, which need not exist, lies on; None when nothing tells."""

    @abstractmethod
    def space(self, path: str) -> Space:
        """What is free there, or in the nearest folder above that exists."""

    @abstractmethod
    def changed_at(self, path: str) -> float:
        """The file's date of change in seconds since 1970, by the clock of whoever keeps it."""

    @abstractmethod
    def has_git(self) -> bool:
        """Whether there is a git that a daemon started here would run."""

    @abstractmethod
    def git(self) -> str:
        """What that git says of its version.

        Raises:
            RelayStartError: there is none, it cannot be run, or it is too old.
            SettingsError: what was named is none.
        """

    @abstractmethod
    def lfs(self) -> str | None:
        """Where the git-lfs is that a daemon started here would find; None when there is none."""

    @abstractmethod
    def agent(self) -> tuple[str, bool] | None:
        """The path of the ssh agent's socket, and whether it is one; None when none is named."""

    @abstractmethod
    def log_out(self) -> LogOut:
        """What happens to a daemon when its owner logs out."""
