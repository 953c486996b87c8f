"""What a check-up wants to know of a node on which a daemon runs or could."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.checkup.agent import Agent
from aexp.domain.checkup.git import OwnGit
from aexp.domain.checkup.log_out import LogOut
from aexp.domain.checkup.wandb import Wandb


class LoginNode(Protocol):
    """Looks with the environment of the daemon, where one runs here, else with that of this shell.

    Changes nothing that a daemon uses; what it starts has a limit of time. Every method may raise
    :class:`OSError` or an :class:`~aexp.domain.errors.AexpError` when it cannot look.
    """

    @property
    @abstractmethod
    def whose(self) -> str:
        """Whose environment that is, for people: ``in this shell``."""

    @abstractmethod
    def has_git(self) -> bool:
        """Whether there is a git that a daemon would run."""

    @abstractmethod
    def git(self) -> str:
        """What that git says of its version.

        Raises:
            RelayStartError: there is none, it cannot be run, or it is too old.
            SettingsError: what was named is none.
        """

    @abstractmethod
    def own_git(self) -> OwnGit:
        """The git configuration of the machine and the user, as a daemon would read it."""

    @abstractmethod
    def lfs(self) -> str | None:
        """Where the git-lfs is that a daemon would find; None when there is none."""

    @abstractmethod
    def agent(self) -> Agent | None:
        """The ssh agent; None when none is named."""

    @abstractmethod
    def wandb(self) -> Wandb:
        """The wandb that a daemon would run. Starts no program that its owner has not named or installed
        outside the home.
        """

    @abstractmethod
    def log_out(self) -> LogOut:
        """What happens to a daemon when its owner logs out."""
