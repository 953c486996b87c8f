"""Where a promotion takes from: a notebook, by its path or by the sandbox that has no other."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath, path
from pathlib import PurePosixPath

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.sandbox import shown_path
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.grounds import grounds
from aexp.sandbox.looking import notebooks_of
from aexp.sandbox.places import around, current_folder, find_repo_root, walk

_MOST_NAMED = 5


@dataclass(frozen=True)
class Source:
    """A notebook in a sandbox in a repository; absolute paths, links followed.

    Attributes:
        path: of the notebook.
        sandbox: the sandbox around it.
        root: the repository around that.
    """

    path: str
    sandbox: str
    root: str

    @property
    def shown(self) -> str:
        """Its path in the repository."""
        return shown_path(self.path, self.root)

    @property
    def below(self) -> str:
        """Its path in the sandbox."""
        return shown_path(self.path, self.sandbox)


def source_at(notebook: str | PathLike[str], files: Filesystem) -> Source:
    """The notebook that is meant.

    Args:
        notebook: its path; or the folder or slug of a sandbox, or a folder in one, with one notebook in it.
        files: where it lies.

    Raises:
        SandboxError: it is no notebook of a sandbox in a repository, or there are several.
    """
    shown = visible(fspath(notebook), limit=500)
    place = _notebook_at(fspath(notebook), files)
    if not place.endswith(".ipynb"):
        raise SandboxError(f"{shown} is no notebook.", "Give a file that ends in .ipynb.")
    root = find_repo_root(str(PurePosixPath(place).parent), files)
    if root is None:
        raise SandboxError(
            f"{shown} lies in no git repository, so that no script could go to one.",
            "Run `git init` in the project's folder, or copy the sandbox into a repository.",
        )
    sandbox = around(place, files)
    if sandbox is None or not sandbox.startswith(f"{root}/"):
        raise SandboxError(
            f"{shown} lies in no sandbox.", "Make one (aexp sandbox new SLUG), and move it there."
        )
    return Source(place, sandbox, root)


def _notebook_at(typed: str, files: Filesystem) -> str:
    """The file, or the only notebook of the folder or sandbox."""
    place = files.resolve(str(current_folder() / typed))
    kind = files.kind(place)
    if kind == "file":
        return place
    if kind == "directory":
        folder = place if around(place, files) else None
    else:
        folder = _sandbox_called(typed, files)
    held = [] if folder is None else [*_notebooks_in(folder, files)]
    if len(held) == 1:
        return held[0]
    shown = visible(typed, limit=500)
    if held:
        raise SandboxError(f"{shown} holds {len(held)} notebooks.", _one_of(held))
    what = "There is no notebook in" if folder else "There is no notebook"
    raise SandboxError(f"{what} {shown}.", _one_of(_known(PurePosixPath(typed).name, files)))


def _sandbox_called(name: str, files: Filesystem) -> str | None:
    if "/" in name or name.endswith(".ipynb"):
        return None
    try:
        return grounds(filesystem=files).find(name)
    except SandboxScaffoldError:
        return None  # Outside of every repository no slug means anything.


def _notebooks_in(folder: str, files: Filesystem) -> Iterator[str]:
    for below in notebooks_of(dict(walk(folder, files, []))):
        yield f"{folder}/{below}"


def _known(name: str, files: Filesystem) -> list[str]:
    """The notebooks of all sandboxes, the newest sandbox first; those of that name alone if there are any."""
    try:
        ground = grounds(filesystem=files)
    except SandboxScaffoldError:
        return []
    folders = reversed(ground.all())
    held = [one for folder in folders for one in _notebooks_in(folder, files)]
    return [one for one in held if PurePosixPath(one).name == name] or held


def _one_of(notebooks: list[str]) -> str:
    """What to type instead."""
    if not notebooks:
        return "Save one in a sandbox; see aexp sandbox ls."
    here = str(current_folder())
    named = [visible(path.relpath(one, here), limit=500) for one in notebooks[:_MOST_NAMED]]
    more = len(notebooks) - len(named)
    return f"Give one of: {', '.join(named)}{f' and {more} more' if more else ''}."
