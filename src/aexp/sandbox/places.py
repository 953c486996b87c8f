"""Where sandboxes live: the filesystem at hand and the repository around a folder."""

import importlib
from pathlib import PurePosixPath
from typing import cast

from aexp.ports.filesystem import Filesystem


def local_filesystem() -> Filesystem:
    """This machine's files, for callers who bring no filesystem of their own."""
    # Loaded by name: use cases must not depend on an adapter.
    adapter = importlib.import_module("aexp.adapters.filesystem.local")
    return cast(Filesystem, adapter.LocalFilesystem())


def find_repo_root(start: str, filesystem: Filesystem) -> str | None:
    """The nearest folder from ``start`` upwards that holds ``.git``, or None.

    In a worktree or a submodule ``.git`` is a file, and that working copy is the repository meant.

    Raises:
        FilesystemError: a folder on the way up may not be looked into.
    """
    place = PurePosixPath(start)
    for folder in (place, *place.parents):
        if filesystem.kind(str(folder / ".git")) in ("file", "directory"):
            return str(folder)
    return None
