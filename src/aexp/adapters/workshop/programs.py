"""Where the programs are: settled at the daemon's start, and not below the home, which requesters write."""

import os
import shutil
from collections.abc import Mapping

from aexp.domain.errors import RelayStartError, SettingsError

GIT_VARIABLE = "AEXP_RELAY_GIT"
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"


def safe_path(environ: Mapping[str, str], home: str) -> str:
    """The folders of ``PATH`` outside the home that this user cannot write, absolute and in their order."""
    kept = [
        folder
        for folder in (environ.get("PATH") or _SYSTEM).split(os.pathsep)
        if folder.startswith("/")
        and not _below(os.path.realpath(folder), home)
        and not _is_ours(folder)
    ]
    return os.pathsep.join(dict.fromkeys([*kept, *_SYSTEM.split(os.pathsep)]))


def find_program(name: str, path: str, home: str) -> str | None:
    """The program's absolute path, None when there is none outside the home."""
    found = shutil.which(name, path=path)
    if found is None or _below(os.path.realpath(found), home) or _is_ours(found):
        return None
    return os.path.abspath(found)


def find_git(environ: Mapping[str, str], path: str, home: str) -> str:
    """The git that runs: ``AEXP_RELAY_GIT``, else the first one on ``PATH`` outside the home.

    Raises:
        RelayStartError: there is none.
        SettingsError: the variable names none.
    """
    named = environ.get(GIT_VARIABLE)
    if named:
        if not os.path.isabs(named) or not os.access(named, os.X_OK):
            raise SettingsError(
                f"{GIT_VARIABLE} names {named!r}, which is no program.",
                "Give the absolute path of one that is there and executable.",
            )
        return named
    found = find_program("git", path, home)
    if found is None:
        raise RelayStartError(
            "git is not installed on the login node outside the home, which the requester can write.",
            f"Install it, load its module before `aexp relay up`, or set {GIT_VARIABLE}=/path/to/git.",
        )
    return found


def _is_ours(path: str) -> bool:
    """Whether this user may write it: then the requester may, where it lies on a shared filesystem."""
    return os.geteuid() != 0 and os.access(path, os.W_OK)


def _below(path: str, home: str) -> bool:
    return path == home or path.startswith(home.rstrip("/") + "/")
