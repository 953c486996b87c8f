"""The repository and the folder for sandboxes that a caller means."""

import shlex
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.sandbox import shown_path
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.places import (
    ARCHIVE,
    DEFAULT_PARENT,
    alike,
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
        set_by: what says that it is this folder; see :func:`configured_parent`.
    """

    root: str | None
    parent: str
    files: Filesystem
    set_by: str = "default"

    def find(self, name: str, *, within: str | None = None) -> str:
        """The folder of the sandbox with this slug, folder's name or path.

        Args:
            name: what a person typed.
            within: where to look instead of in ``parent``.

        Raises:
            SandboxError: there is none; the hint names one that is called alike.
        """
        parent = within or self.parent
        found = self._at(name) if _is_path(name) else newest(parent, name, self.files)
        if found:
            return found
        raise SandboxError(
            f"There is no sandbox '{visible(name)}' in {visible(parent, limit=500)}.",
            self._instead(name, parent),
        )

    def flag(self) -> str:
        """What a command needs to mean this very folder, if it was named with ``--parent-dir``."""
        if self.set_by != "keyword":
            return ""
        shown = shlex.quote(shown_path(self.parent, self.root))
        return f" --parent-dir {visible(shown, limit=500)}"

    def here(self) -> str | None:
        """The sandbox around the current folder, or None."""
        return self._at(".")

    def _at(self, path: str) -> str | None:
        """The sandbox at this path, or around what lies there."""
        typed = self.files.resolve(str(current_folder() / path))
        there = self.files.kind(typed) is not None
        if there and means(None, PurePosixPath(typed).name) and path != ".":
            return typed
        found = around(typed, self.files) if there else None
        # The repository itself, or a folder around it, may be called like a sandbox.
        inside = found and (self.root is None or found.startswith(f"{self.root}/"))
        return found if inside else None

    def _instead(self, name: str, parent: str) -> str:
        """What to type instead of a name that is none."""
        if _is_path(name):
            return f"Give a slug, or leave the name out. See what there is: aexp sandbox ls{self.flag()}"
        put_away = newest(f"{self.parent}/{ARCHIVE}", name, self.files)
        if put_away and parent == self.parent:
            dir_name = PurePosixPath(put_away).name
            back = f"aexp sandbox archive --undo {dir_name}{self.flag()}"
            return f"It was archived. To bring it back: {back}"
        if parent != self.parent and newest(self.parent, name, self.files):
            return f"It is not in the archive. See: aexp sandbox ls --archived{self.flag()}"
        near = alike(name, parent, self.files)
        look = f"See what there is: aexp sandbox ls{self.flag()}"
        return f"Did you mean {near}?" if near else look

    def all(self) -> list[str]:
        """The folders of all sandboxes that are not put away, the oldest first."""
        return [f"{self.parent}/{name}" for name in sandboxes_in(self.parent, self.files)]

    def archived(self) -> list[str]:
        """The folders of those that were put away, the oldest first."""
        archive = f"{self.parent}/{ARCHIVE}"
        return [f"{archive}/{name}" for name in sandboxes_in(archive, self.files)]


def _is_path(name: str) -> bool:
    return "/" in name or name in (".", "..")


def grounds(
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
) -> Grounds:
    """The repository and the folder for sandboxes that are meant from the current folder.

    Args:
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes; without it, the one that is set.
        filesystem: without it, this machine's files.

    Raises:
        SandboxScaffoldError: there is no repository, or the folder cannot hold sandboxes.
    """
    files = filesystem or local_filesystem()
    root = _repository(repo_root, files)
    wanted, set_by = configured_parent(parent_dir, root)
    return Grounds(root, parent_folder(wanted, root, files, told_by(set_by, root)), files, set_by)


def told_by(set_by: str, root: str | None) -> str:
    """What has set the folder for sandboxes, to stand behind its name; empty where nobody needs to be told.

    Args:
        set_by: as :func:`configured_parent` says it.
        root: the repository.
    """
    if set_by in ("default", "keyword"):
        return ""
    how = "in" if set_by.startswith("/") else "by"
    return f" (set {how} {visible(shown_path(set_by, root), limit=500)})"


def _repository(given: str | PathLike[str] | None, files: Filesystem) -> str | None:
    if given is None:
        return find_repo_root(files.resolve(str(current_folder())), files)
    root = files.resolve(str(Path(given).absolute()))
    if files.kind(root) != "directory":
        raise SandboxScaffoldError(
            f"The repository {root} is not a folder.", "Give the root of a working copy."
        )
    return root


def parent_folder(wanted: str, root: str | None, files: Filesystem, told: str = "") -> str:
    """The folder for sandboxes, absolute.

    Args:
        wanted: as it is set: absolute, or relative to the repository.
        root: the repository, or None outside of every one.
        files: where both lie.
        told: what has set it, for the words.

    Raises:
        SandboxScaffoldError: no sandboxes can be there.
    """
    try:
        parent = Path(wanted).expanduser()
    except RuntimeError as exc:
        raise SandboxScaffoldError(
            f"The folder {wanted}{told} cannot be found: {exc}.", "Write it from / on."
        ) from exc
    if root is None and not parent.is_absolute():
        raise SandboxScaffoldError(
            f"There is no git repository in {Path.cwd()} or above it.",
            "Run `git init` in the project's folder, go into a repository, or give an absolute folder for "
            "sandboxes (--parent-dir).",
        )
    place = files.resolve(str(Path(root or "/") / parent))
    if ".git" in Path(place).parts:
        raise SandboxScaffoldError(
            f"{place}{told} lies in git's own folder.",
            f"Choose another, for example {DEFAULT_PARENT}.",
        )
    if place == root:
        raise SandboxScaffoldError(
            f"The folder for sandboxes is the repository's root itself{told}.",
            f"Give a folder below it, for example {DEFAULT_PARENT}.",
        )
    return place
