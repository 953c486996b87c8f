"""Setting up a notebook of a sandbox: where it is, where the repository is, what it can import.

Folders are looked up on this machine's disk and not through the filesystem port, because
``sys.path`` knows nothing else.
"""

import sys
from os import PathLike
from pathlib import Path

from aexp.domain.sandbox import DEFAULT_PARENT, slug_in, suggestion
from aexp.domain.text import visible
from aexp.sandbox.places import find_repo_root, local_filesystem


def setup_sandbox_notebook(
    name: str, *, start: str | PathLike[str] | None = None
) -> dict[str, Path]:
    """Find the repository and the sandbox, and let the notebook import the sandbox's modules.

    The sandbox's folder becomes the first entry of ``sys.path``; calling again changes nothing.
    A sandbox around the kernel's folder wins, wherever it lies; else the one in
    ``notebooks/_sandbox`` is meant, and of several with the same slug the newest.

    Args:
        name: the slug, or the folder's whole name (``2026-11-23_probe``).
        start: where to begin to look; without it, the kernel's current folder.

    Returns:
        ``repo_root`` and ``sandbox_dir``, both absolute.

    Raises:
        FileNotFoundError: no such sandbox or no repository; the text names the command to run.
    """
    begin = Path.cwd() if start is None else Path(start)
    begin = begin.resolve()
    root = find_repo_root(str(begin), local_filesystem())
    if root is None:
        raise FileNotFoundError(
            f"There is no git repository in {begin} or above it. Start the kernel inside the "
            f"repository or pass start=...; a sandbox is made there with: {_command(name)}"
        )
    sandbox = _around(begin, name) or _newest(Path(root) / DEFAULT_PARENT, name)
    if sandbox is None:
        raise FileNotFoundError(
            f"There is no sandbox '{visible(name)}' in {Path(root) / DEFAULT_PARENT} or around "
            f"{begin}. Make one with: {_command(name)}"
        )
    entry = str(sandbox)
    sys.path[:] = [entry, *(path for path in sys.path if path != entry)]
    return {"repo_root": Path(root), "sandbox_dir": sandbox}


def _around(begin: Path, name: str) -> Path | None:
    return next((folder for folder in (begin, *begin.parents) if _means(name, folder)), None)


def _newest(parent: Path, name: str) -> Path | None:
    if not parent.is_dir():
        return None
    found = [folder for folder in parent.iterdir() if _means(name, folder) and folder.is_dir()]
    # The names begin with the date, so that the newest sorts last.
    return max(found, key=lambda folder: folder.name, default=None)


def _means(name: str, folder: Path) -> bool:
    slug = slug_in(folder.name)
    return slug is not None and name in (slug, folder.name)


def _command(name: str) -> str:
    return f"aexp sandbox new {suggestion(name) or 'SLUG'}"
