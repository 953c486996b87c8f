"""Setting up a notebook of a sandbox: where it is, where the repository is, what it can import.

Folders are looked up on this machine's disk and not on a filesystem of the caller's, because
``sys.path`` knows nothing else.
"""

import sys
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from aexp.domain.sandbox import suggestion
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.grounds import grounds
from aexp.sandbox.kernel import HELPERS, enter, kernel_folder, notebook_folders
from aexp.sandbox.places import (
    alike,
    around,
    find_repo_root,
    local_filesystem,
    newest,
    sandboxes_in,
)


def setup_sandbox_notebook(
    name: str | None = None, *, start: str | PathLike[str] | None = None
) -> dict[str, Path]:
    """Find the repository and the sandbox, and let the notebook import the sandbox's modules.

    Without a name, the sandbox is the one around the notebook, as VS Code or Jupyter tell where that
    lies, else the one around the kernel's folder. With a name, one around those folders wins, wherever
    it lies in its repository; else it is looked for where sandboxes are kept, and of several with the
    same slug the newest is taken.

    The sandbox's folder becomes the first entry of ``sys.path``; calling again changes nothing. Modules
    of another sandbox, and a ``helpers`` from elsewhere, are forgotten, with a line on standard error.

    Args:
        name: the slug, or the folder's whole name (``2026-11-23_probe``).
        start: where to look, instead of all of the above.

    Returns:
        ``repo_root`` and ``sandbox_dir``, both absolute.

    Raises:
        FileNotFoundError: no such sandbox, no repository, or no current folder; the text names what to do.
        SandboxScaffoldError: the folder for sandboxes is set to one that cannot hold any.
    """
    files = local_filesystem()
    places = _places(start)
    found = (
        list(_around(places, name, files)) if name is None else list(_named(places, name, files))
    )
    if not found:
        raise FileNotFoundError(_not_found(places, name, files))
    root, sandbox = found[0]
    _tell_of_others(sandbox, [other for _, other in found[1:]], named=name is not None)
    stale = enter(sandbox)
    if stale:
        _tell(
            f"forgot {', '.join(stale)}, imported from elsewhere before. "
            f"From now on `from {HELPERS} import ...` means {sandbox.name}: run such cells again."
        )
    return {"repo_root": root, "sandbox_dir": sandbox}


def _places(start: str | PathLike[str] | None) -> list[Path]:
    """The folders to look from, in turn."""
    if start is not None:
        return [Path(start).resolve()]
    here = kernel_folder()
    places = list(dict.fromkeys([*notebook_folders(), *([here] if here else [])]))
    if not places:
        raise FileNotFoundError(
            "The folder in which this kernel was started is gone. Restart the kernel, or pass start=..."
        )
    return places


def _around(places: list[Path], name: str | None, files: Filesystem) -> Iterator[tuple[Path, Path]]:
    """Repository and sandbox around each of the places that lies in both."""
    for place in places:
        root = find_repo_root(str(place), files)
        sandbox = around(str(place), files, name)
        # A repository may lie in a folder that is called like a sandbox, or be called so itself.
        inside = sandbox and root and (sandbox.startswith(f"{root}/") or (name and sandbox == root))
        if sandbox and root and inside:
            yield Path(root), Path(sandbox)


def _named(places: list[Path], name: str, files: Filesystem) -> Iterator[tuple[Path, Path]]:
    found = next(_around(places, name, files), None)
    if found:
        yield found
        return
    for root in _roots(places, files):
        sandbox = newest(grounds(root, filesystem=files).parent, name, files)
        if sandbox:
            yield Path(root), Path(sandbox)
            return


def _roots(places: list[Path], files: Filesystem) -> list[str]:
    roots = (find_repo_root(str(place), files) for place in places)
    return list(dict.fromkeys(root for root in roots if root))


def _not_found(places: list[Path], name: str | None, files: Filesystem) -> str:
    looked = ", ".join(str(place) for place in places)
    make = f"aexp sandbox new {(name and suggestion(name)) or 'SLUG'}"
    roots = _roots(places, files)
    if not roots:
        return (
            f"There is no git repository in {looked} or above it. In a sandbox outside of every one, "
            f"leave this call out: `from {HELPERS} import ...` works at once. Else start the kernel "
            f"inside the repository or pass start=...; a sandbox is made there with: {make}"
        )
    parents = [grounds(root, filesystem=files).parent for root in roots]
    if name is not None:
        near = next(filter(None, (alike(name, parent, files) for parent in parents)), None)
        meant = f'Did you mean setup_sandbox_notebook("{near}")? Else make' if near else "Make"
        return (
            f"There is no sandbox '{visible(name)}' in {', '.join(parents)} or around {looked}. "
            f"{meant} one with: {make}"
        )
    known = [sandbox for parent in parents for sandbox in sandboxes_in(parent, files)]
    if not known:
        return f"There is no sandbox around {looked} and none in {', '.join(parents)}. Make one: {make}"
    return (
        f"Where this notebook lies is not known, and around {looked} there is no sandbox. "
        f'Say which one is meant, for example: setup_sandbox_notebook("{known[-1]}")'
    )


def _tell_of_others(sandbox: Path, others: list[Path], *, named: bool) -> None:
    other = next((one for one in others if one != sandbox), None)
    if other and not named:
        _tell(
            f"the kernel was started in {other.name}, but its notebook lies in {sandbox.name}, which is "
            "set up. If that is wrong, pass the name: "
            f'setup_sandbox_notebook("{other.name}")'
        )


def _tell(text: str) -> None:
    sys.stderr.write(f"aexp: {text}\n")
