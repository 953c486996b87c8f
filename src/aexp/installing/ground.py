"""What lies in a repository where we would write, read without leaving it."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from aexp.domain.errors import InstallError
from aexp.domain.installed_record import PLACE, Record, decode
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.places import current_folder, find_repo_root

MAX_BYTES = 4 << 20


def repository(files: Filesystem, start: str | None = None) -> str:
    """The root of the repository around a folder (the current one when None).

    Raises:
        InstallError: there is none.
    """
    folder = files.resolve(start or str(current_folder()))
    root = find_repo_root(folder, files)
    if root is None:
        raise InstallError(
            f"There is no git repository in {visible(folder, limit=500)} or above it.",
            "Change into the project, or run `git init` in it.",
        )
    return root


def place_of(path: str, root: str, files: Filesystem) -> str:
    """Where a file of the repository really lies; a link may lead to another place in it, and not out.

    Raises:
        InstallError: it leads out of the repository, or into git's own folder.
    """
    place = files.resolve(f"{root}/{path}")
    inside = place.startswith(f"{root}/") and ".git" not in PurePosixPath(place).parts
    if not inside:
        raise InstallError(
            f"{visible(path)} leads out of the repository, to {visible(place, limit=500)}.",
            "Put a plain file or folder there; nothing was changed.",
        )
    return place


def texts(paths: Iterable[str], root: str, files: Filesystem) -> dict[str, str]:
    """The texts of those of the files that are there, by path.

    Raises:
        InstallError: one is no file, is too large, or leads out of the repository.
        FilesystemError: one cannot be read.
    """
    found = {}
    for path in paths:
        text = text_at(path, root, files)
        if text is not None:
            found[path] = text
    return found


def text_at(path: str, root: str, files: Filesystem) -> str | None:
    """The text of a file of the repository, or None; raises as :func:`texts`."""
    place = place_of(path, root, files)
    kind = files.kind(place)
    if kind is None:
        return None
    if kind != "file":
        raise InstallError(f"{visible(path)} is no file.", "Move it away; nothing was changed.")
    parent, _, name = place.rpartition("/")
    if any(one.name == name and one.size > MAX_BYTES for one in files.entries(parent)):
        raise InstallError(
            f"{visible(path)} is larger than {MAX_BYTES >> 20} MiB.",
            "Move it away; nothing was changed.",
        )
    return files.read_text(place)


def record_in(root: str, files: Filesystem) -> tuple[str | None, Record]:
    """The text of the record of what was installed, and what it says; None and nothing where there is none.

    Raises:
        InstallError: it is no record.
    """
    text = text_at(PLACE, root, files)
    return text, Record() if text is None else decode(text)
