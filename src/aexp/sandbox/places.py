"""Where sandboxes live: the filesystem at hand, the repository around a folder, the folder of sandboxes."""

import difflib
import importlib
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import cast

from aexp.domain.errors import FilesystemError
from aexp.domain.sandbox import begun, slug_in
from aexp.ports.filesystem import Entry, Filesystem
from aexp.ports.history import History
from aexp.settings import Settings, files_around, origin_of, settings_of, stacked

DEFAULT_PARENT = Settings.sandbox_parent_dir
ARCHIVE = "_archive"
"""The folder, beside the sandboxes, of those that were put away."""


def local_filesystem() -> Filesystem:
    """This machine's files, for callers who bring no filesystem of their own."""
    # Loaded by name: use cases must not depend on an adapter.
    adapter = importlib.import_module("aexp.adapters.filesystem.local")
    return cast(Filesystem, adapter.LocalFilesystem())


def local_history() -> History:
    """This machine's git, for callers who bring no other."""
    return cast(History, importlib.import_module("aexp.adapters.history.git").GitHistory())


def current_folder() -> Path:
    """The folder in which this program works.

    Raises:
        FilesystemError: it is gone.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as exc:
        raise FilesystemError("The current folder is gone.", "Change to one that exists.") from exc


def configured_parent(
    given: str | PathLike[str] | None = None, root: str | None = None
) -> tuple[str, str]:
    """The folder for sandboxes as it is set in this repository, and by what.

    Returns:
        The folder, absolute or relative to the repository's root; and ``keyword`` for ``given``, the name of
        a variable, the path of a file, or ``default``.
    """
    parent = None if given is None else fspath(given)
    stack = stacked(None, files_around(root), sandbox_parent_dir=parent)
    return settings_of(stack).sandbox_parent_dir, origin_of("sandbox_parent_dir", stack)


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


def around(start: str, filesystem: Filesystem, name: str | None = None) -> str | None:
    """The nearest sandbox from ``start`` upwards (of that slug or folder's name), or None."""
    place = PurePosixPath(start)
    for folder in (place, *place.parents):
        if means(name, folder.name) and filesystem.kind(str(folder)) == "directory":
            return str(folder)
    return None


def sandboxes_in(parent: str, filesystem: Filesystem) -> list[str]:
    """The names of the sandboxes in this folder, the oldest first; empty when there is no such folder."""
    if filesystem.kind(parent) != "directory":
        return []
    held = filesystem.entries(parent)
    return [one.name for one in held if one.kind == "directory" and begun(one.name)]


def newest(parent: str, name: str, filesystem: Filesystem) -> str | None:
    """The newest sandbox in ``parent`` of this slug or folder's name, or None."""
    # The names begin with the date, so that the newest sorts last.
    found = [held for held in sandboxes_in(parent, filesystem) if means(name, held)]
    return f"{parent}/{found[-1]}" if found else None


def alike(name: str, parent: str, filesystem: Filesystem) -> str | None:
    """The slug or folder's name in ``parent`` that is spelt most like this name, or None."""
    known = sandboxes_in(parent, filesystem)
    slugs = dict.fromkeys(filter(None, map(slug_in, known)))
    return next(iter(difflib.get_close_matches(name, [*slugs, *known], n=1)), None)


def means(name: str | None, folder: str) -> bool:
    """Whether the folder's name is that of a sandbox, and the one meant if a name is given."""
    slug = slug_in(folder)
    return slug is not None and name in (None, slug, folder)


def walk(
    folder: str, files: Filesystem, closed: list[FilesystemError] | None = None
) -> Iterator[tuple[str, int]]:
    """The path, relative to the folder, and the bytes of every file below it; links are not followed.

    Args:
        folder: absolute.
        files: where it lies.
        closed: takes what is wrong with each folder that cannot be looked into, which then is passed over.

    Raises:
        FilesystemError: a folder cannot be looked into, and nobody takes that.
    """
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for entry in _entries(f"{folder}/{below}" if below else folder, files, closed):
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.kind == "directory":
                waiting.append(path)
            elif entry.kind == "file":
                yield path, entry.size


def _entries(
    folder: str, files: Filesystem, closed: list[FilesystemError] | None
) -> tuple[Entry, ...]:
    try:
        return files.entries(folder)
    except FilesystemError as exc:
        if closed is None:
            raise
        closed.append(exc)
        return ()
