"""Finding the files of settings on this machine's disk.

Every start of a client comes through here, and most find nothing: so it costs one look for each folder up to
the repository's root and one for each file, and what reads a file is imported once there is one.
"""

import os
from collections.abc import Mapping

from aexp.ports.configuration import ConfigurationFiles, Document

IN_REPOSITORY = ".aexp/config.yaml"


class LocalConfigurationFiles(ConfigurationFiles):
    """``$XDG_CONFIG_HOME/aexp/config.yaml`` and ``.aexp/config.yaml`` of a repository."""

    def user_path(self, environ: Mapping[str, str]) -> str:
        folder = environ.get("XDG_CONFIG_HOME", "")
        # The standard says that a relative one does not count.
        if not folder.startswith("/"):
            home = environ.get("HOME") or os.path.expanduser("~")
            folder = f"{home}/.config" if home.startswith("/") else ""
        return folder and f"{folder}/aexp/config.yaml"

    def user(self, environ: Mapping[str, str]) -> Document | None:
        path = self.user_path(environ)
        if not path or not _stands(path):
            return None
        from aexp.adapters.configuration.reading import read_user

        return read_user(path)

    def repository_path(self, start: str) -> str:
        root = _root(start)
        path = f"{(root or '').rstrip('/')}/{IN_REPOSITORY}"
        return path if root is not None and _stands(path) else ""

    def repository(self, start: str) -> Document | None:
        path = self.repository_path(start)
        if not path:
            return None
        from aexp.adapters.configuration.reading import read_repository

        return read_repository(path.removesuffix(f"/{IN_REPOSITORY}"), IN_REPOSITORY)


def _root(start: str) -> str | None:
    """The nearest folder from ``start`` upwards that holds ``.git``, or None."""
    folder = os.path.realpath(start)
    while not _stands(f"{folder}/.git"):
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    return folder


def _stands(path: str) -> bool:
    """Whether something is there, or may be: an error other than that nothing is shows when it is read."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return not path.endswith("/.git")
    return True
