"""Putting a sandbox away, and bringing it back."""

import shlex
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePosixPath

from aexp.domain.errors import HistoryError, SandboxError
from aexp.domain.sandbox import shown_path
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History, Standing
from aexp.sandbox.grounds import Grounds, grounds
from aexp.sandbox.leftovers import bring_together
from aexp.sandbox.looking import ask_history
from aexp.sandbox.places import ARCHIVE, find_repo_root, local_history


@dataclass(frozen=True)
class SandboxMove:
    """A sandbox's way into the archive or out of it; paths as ``dir_path`` of other results.

    Attributes:
        source: where it was.
        target: where it is.
    """

    source: str
    target: str


def archive_sandbox(
    name: str,
    *,
    undo: bool = False,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
    history: History | None = None,
) -> SandboxMove:
    """Move a sandbox with all that lies in it into ``_archive`` beside it, or back, and stage that.

    Nothing is deleted and nothing is committed. What git has of the sandbox can be had again from any
    commit, so only a sandbox that is committed as it stands is put away. Where git had moved the sandbox
    itself (`git revert`), what git ignores is brought to the rest.

    Args:
        name: the slug, the folder's name, or a path with a slash in it.
        undo: bring it back.
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes, as for :func:`aexp.sandbox.scaffold`.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxError: there is no such sandbox, it is not committed as it stands, or something stands
            where it would go. Nothing was moved.
        HistoryError: git is missing or refused. Nothing was moved.
        FilesystemError: the folder of the archive cannot be made, and nothing was moved; or a file that git
            ignores cannot be brought to the rest, and what was brought before stays there.
    """
    ground = grounds(repo_root, parent_dir, filesystem)
    source, target = _way(name, ground, undo=undo)
    told = SandboxMove(shown_path(source, ground.root), shown_path(target, ground.root))
    taken = ground.files.kind(target) is not None
    if taken and _without_git(told, source, target, ground, history):
        return told
    root = find_repo_root(source, ground.files)
    _must_be_committed(source, ground, history, undo=undo)
    if taken:
        bring_together(target, source, ground.files)
    ground.files.create_directory(str(PurePosixPath(target).parent), {})
    (history or local_history()).move(str(root), source, target)
    return told


def _way(name: str, ground: Grounds, *, undo: bool) -> tuple[str, str]:
    """Where the sandbox is, and where it goes."""
    archive = f"{ground.parent}/{ARCHIVE}"
    source = ground.find(name, within=archive if undo else None)
    folder, there = PurePosixPath(source).parent, PurePosixPath(source).name
    if (folder.name == ARCHIVE) != undo:
        where = "is not in the archive" if undo else "is in the archive already"
        raise SandboxError(
            f"{visible(source, limit=500)} {where}.",
            f"See: aexp sandbox ls --archived{ground.flag()}",
        )
    target = f"{folder.parent}/{there}" if undo else f"{folder}/{ARCHIVE}/{there}"
    return source, target


def _without_git(
    told: SandboxMove, source: str, target: str, ground: Grounds, history: History | None
) -> bool:
    """Whether git had moved the sandbox itself, so that only what it ignores was left to be moved.

    Raises:
        SandboxError: two sandboxes have one name.
    """
    here, there = (bool(_known(place, ground, history).tracked) for place in (source, target))
    if here == there:
        old, new = (visible(shlex.quote(path), limit=500) for path in (source, f"{source}-2"))
        name = PurePosixPath(source).name
        raise SandboxError(
            f"{visible(told.target, limit=500)} exists already.",
            f"Rename one of the two, with the date in front: git mv {old} {new}; and in its "
            f"README.md, where {name} stands.",
        )
    if there:
        bring_together(source, target, ground.files)
    return there


def _known(folder: str, ground: Grounds, history: History | None) -> Standing:
    standing = ask_history(folder, ground, history)
    if isinstance(standing, HistoryError):
        raise standing
    return standing


def _must_be_committed(
    source: str, ground: Grounds, history: History | None, *, undo: bool
) -> None:
    standing = _known(source, ground, history)
    shown = visible(shown_path(source, ground.root), limit=500)
    path = visible(shlex.quote(source), limit=500)
    commit = f"git add {path} && git commit, then try again."
    if not standing.tracked:
        raise SandboxError(
            f"git has nothing of {shown}, so that it could not bring it back.", commit
        )
    waiting = sorted(standing.changed | standing.untracked)
    # After the move itself all of it waits to be committed: that must not keep it from coming back.
    if waiting and not undo:
        names = ", ".join(path.removeprefix(f"{source}/") for path in waiting[:3])
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        raise SandboxError(
            f"{shown} is not committed as it stands: {visible(names)}{more}.", commit
        )
