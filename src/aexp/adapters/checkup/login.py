"""A node on which a daemon runs or could, as that daemon sees it."""

from collections.abc import Mapping

from aexp.adapters.checkup.agent import agent_of
from aexp.adapters.checkup.log_out import log_out_of
from aexp.adapters.checkup.wandb import wandb_of
from aexp.adapters.workshop.environment import base_environment
from aexp.adapters.workshop.git_settings import check_version, read_git_settings
from aexp.adapters.workshop.programs import GIT_VARIABLE, find_git, find_program, safe_path
from aexp.domain.checkup.agent import Agent
from aexp.domain.checkup.git import OwnGit
from aexp.domain.checkup.log_out import LogOut
from aexp.domain.checkup.wandb import Wandb
from aexp.ports.login_node import LoginNode


class LocalLoginNode(LoginNode):
    """This node.

    Args:
        environ: the environment of the daemon, or one in which a daemon would be started here.
        home: the resolved home; programs in it do not count.
        pid: of the daemon whose environment that is; None when it is this shell's.
    """

    def __init__(self, environ: Mapping[str, str], home: str, pid: int | None = None) -> None:
        self._environ = environ
        self._home = home
        self._pid = pid
        self._path = safe_path(environ, home)
        self._base = base_environment({**environ, "HOME": home}, self._path)

    @property
    def whose(self) -> str:
        return "in this shell" if self._pid is None else "in the daemon's environment"

    def has_git(self) -> bool:
        named = self._environ.get(GIT_VARIABLE)
        return bool(named) or find_program("git", self._path, self._home) is not None

    def git(self) -> str:
        program = find_git(self._environ, self._path, self._home)
        return f"{check_version(program, self._base)} ({program})"

    def own_git(self) -> OwnGit:
        program = find_git(self._environ, self._path, self._home)
        found = read_git_settings(program, self._environ, self._base, self._home)
        return OwnGit(tuple(found), self._environ, self._home)

    def lfs(self) -> str | None:
        return find_program("git-lfs", self._path, self._home)

    def agent(self) -> Agent | None:
        return agent_of(self._environ)

    def wandb(self) -> Wandb:
        return wandb_of(self._environ, self._home)

    def log_out(self) -> LogOut:
        loginctl = find_program("loginctl", self._path, self._home)
        return log_out_of(self._environ, self._pid, loginctl, self._base)
