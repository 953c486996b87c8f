"""What Linux, systemd and git say of this node, and a limit to how long a look may take."""

import errno
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from aexp.adapters.storage.mounts import mount_of
from aexp.adapters.workshop.environment import base_environment
from aexp.adapters.workshop.git_settings import check_version
from aexp.adapters.workshop.programs import GIT_VARIABLE, find_git, find_program, safe_path
from aexp.domain.checkup import LogOut, Mounted, Space
from aexp.ports.node_facts import NodeFacts

T = TypeVar("T")
ASKED_FOR_S = 3.0
"""Seconds that logind may take to answer."""


class LocalNodeFacts(NodeFacts):
    """The facts of this node.

    Args:
        environ: the environment in which a daemon would be started here.
        home: the resolved home; programs in it do not count.
    """

    def __init__(self, environ: Mapping[str, str], home: str) -> None:
        self._environ = environ
        self._home = home
        self._path = safe_path(environ, home)

    def mounted(self, path: str) -> Mounted | None:
        mount = mount_of(path)
        return None if mount is None else Mounted(mount.kind, mount.options)

    def space(self, path: str) -> Space:
        while not os.path.exists(path) and path != os.path.dirname(path):
            path = os.path.dirname(path)
        found = os.statvfs(path)
        # A filesystem that makes inodes as they are needed says that it has none at all.
        return Space(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)

    def changed_at(self, path: str) -> float:
        return os.lstat(path).st_mtime

    def has_git(self) -> bool:
        named = self._environ.get(GIT_VARIABLE)
        return bool(named) or find_program("git", self._path, self._home) is not None

    def git(self) -> str:
        program = find_git(self._environ, self._path, self._home)
        environment = base_environment({**self._environ, "HOME": self._home}, self._path)
        return f"{check_version(program, environment)} ({program})"

    def lfs(self) -> str | None:
        return find_program("git-lfs", self._path, self._home)

    def agent(self) -> tuple[str, bool] | None:
        path = self._environ.get("SSH_AUTH_SOCK")
        if not path:
            return None
        try:
            return path, stat.S_ISSOCK(os.stat(path).st_mode)
        except OSError:
            return path, False

    def log_out(self) -> LogOut:
        program = find_program("loginctl", self._path, self._home)
        if program is None:
            return LogOut()
        return LogOut(
            kills=self._logind(program, "KillUserProcesses"),
            lingers=self._logind(program, "Linger", str(os.getuid())),
        )

    def _logind(self, program: str, key: str, *user: str) -> bool | None:
        """A property of a user, or of logind itself; None when it does not tell."""
        try:
            done = subprocess.run(
                [program, "show-user", *user, f"--property={key}"],
                env=base_environment(self._environ, self._path),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ASKED_FOR_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return {f"{key}=yes": True, f"{key}=no": False}.get(done.stdout.strip())


def within(seconds: float, look: Callable[[], T]) -> T:
    """What ``look`` returns or raises, if that comes in time.

    A call to a file server that has gone never comes back, and no signal ends it; the thread that is in
    such a call is left to itself and ends with the process.

    Raises:
        TimeoutError: it has not come after ``seconds``.
    """
    results: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            results.append(look())
        except BaseException as exc:  # noqa: BLE001 - raised again below, in the thread that asked
            raised.append(exc)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not results:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s")
    return results[0]
