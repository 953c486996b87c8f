"""The repository and the folder for sandboxes that a caller means."""

import difflib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.sandbox import slug_in
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.places import (
    DEFAULT_PARENT,
    around,
    configured_parent,
    current_folder,
    find_repo_root,
    local_filesystem,
    means,
    newest,
    sandboxes_in,
)


@dataclass(frozen=True)
class Grounds:
    """Where to look for sandboxes.

    Attributes:
        root: the repository, or None outside of every one.
        parent: the folder for sandboxes; it need not exist.
        files: the filesystem that both lie on.
    """

    root: str | None
    parent: str
    files: Filesystem

    def find(self, name: str, *, within: str | None = None) -> str:
        """The folder of the sandbox with this slug, folder's name or path.

        Args:
            name: what a person typed.
            within: where to look instead of in ``parent``.

        Raises:
            SandboxError: there is none; the hint names one that is called alike.
        """
        parent = within or self.parent
        typed = self.files.resolve(str(current_folder() / name)) if "/" in name else ""
        if (
            typed
            and means(None, PurePosixPath(typed).name)
            and self.files.kind(typed) == "directory"
        ):
            return typed
        found = newest(parent, name, self.files)
        if found:
            return found
        known = sandboxes_in(parent, self.files)
        slugs = {slug_in(one): one for one in known}
        near = difflib.get_close_matches(name, [*known, *filter(None, slugs)], n=1)
        hint = f"Did you mean {near[0]}?" if near else "See what there is: aexp sandbox ls."
        raise SandboxError(
            f"There is no sandbox '{visible(name)}' in {visible(parent, limit=500)}.", hint
        )

    def here(self) -> str | None:
        """The sandbox around the current folder, or None."""
        found = around(self.files.resolve(str(current_folder())), self.files)
        # The repository itself, or a folder around it, may be called like a sandbox.
        inside = found and (self.root is None or found.startswith(f"{self.root}/"))
        return found if inside else None

    def all(self) -> list[str]:
        """The folders of all sandboxes that are not put away, the oldest first."""
        return [f"{self.parent}/{name}" for name in sandboxes_in(self.parent, self.files)]


def grounds(
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
) -> Grounds:
    """The repository and the folder for sandboxes that are meant from the current folder.

    Args:
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: see :func:`configured_parent`.
        filesystem: without it, this machine's files.

    Raises:
        SandboxScaffoldError: there is no repository, or the folder cannot hold sandboxes.
    """
    files = filesystem or local_filesystem()
    root = _repository(repo_root, files)
    return Grounds(root, _parent(configured_parent(parent_dir, root), root, files), files)


def _repository(given: str | PathLike[str] | None, files: Filesystem) -> str | None:
    if given is None:
        return find_repo_root(files.resolve(str(current_folder())), files)
    root = files.resolve(str(Path(given).absolute()))
    if files.kind(root) != "directory":
        raise SandboxScaffoldError(
            f"The repository {root} is not a folder.", "Give the root of a working copy."
        )
    return root


def _parent(wanted: str, root: str | None, files: Filesystem) -> str:
    try:
        parent = Path(wanted).expanduser()
    except RuntimeError as exc:
        raise SandboxScaffoldError(
            f"The folder {wanted} cannot be found: {exc}.", "Write it from / on."
        ) from exc
    if root is None and not parent.is_absolute():
        raise SandboxScaffoldError(
            f"There is no git repository in {current_folder()} or above it.",
            "Run `git init` in the project's folder, give the repository (repo_root=...), "
            "or give an absolute folder for sandboxes (--parent-dir, parent_dir=...).",
        )
    place = files.resolve(str(Path(root or "/") / parent))
    if ".git" in Path(place).parts:
        raise SandboxScaffoldError(
            f"{place} lies in git's own folder.", f"Choose another, for example {DEFAULT_PARENT}."
        )
    if place == root:
        raise SandboxScaffoldError(
            "The folder for sandboxes is the repository's root itself.",
            f"Give a folder below it, for example {DEFAULT_PARENT}.",
        )
    return place
