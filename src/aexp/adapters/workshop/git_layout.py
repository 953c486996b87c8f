"""Where a working copy keeps its repository, found by our own rules and never by git's discovery.

Accepted are a folder ``.git``; the file ``.git`` of a linked worktree (``<repository>/worktrees/<name>``,
which must point back); and that of a submodule (``…/.git/modules/<name>``, whose ``core.worktree`` must
point back). Nothing on the way may be a link, and nothing may lie outside the home or belong to somebody
else.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.linkless import open_folder
from aexp.adapters.plain_files import UnfitError, kind_at, read_at
from aexp.adapters.remedies import reason
from aexp.domain.errors import RelayValidationError
from aexp.domain.text import visible
from aexp.domain.validation import CWD_DO

_LINE_BYTES = 4096
_WANTED = {
    "objects": stat.S_IFDIR,
    "refs": stat.S_IFDIR,
    "packed-refs": stat.S_IFREG,
    "shallow": stat.S_IFREG,
    "config": stat.S_IFREG,
    "info": stat.S_IFDIR,
    "logs": stat.S_IFDIR,
    "lfs": stat.S_IFDIR,
}
_OWN = {
    "HEAD": stat.S_IFREG,
    "index": stat.S_IFREG,
    "logs": stat.S_IFDIR,
    "config.worktree": stat.S_IFREG,
    "FETCH_HEAD": stat.S_IFREG,
    "info": stat.S_IFDIR,
}


@dataclass(frozen=True)
class GitLayout:
    """One working copy, its git directory, and the directory that it may share with other worktrees.

    Attributes:
        root: the working copy.
        git_dir: where its HEAD and index are.
        common: where objects, refs and the configuration are; equal to ``git_dir`` without worktrees.
    """

    root: Path
    git_dir: Path
    common: Path

    @property
    def is_submodule(self) -> bool:
        """Whether the repository lies inside that of a superproject."""
        return self.git_dir == self.common and self.git_dir != self.root / ".git"


def bad_copy(
    root: Path,
    problem: str,
    do: str = "Use a working copy as `git clone` makes it.",
    kind: type[RelayValidationError] = RelayValidationError,
) -> RelayValidationError:
    """The error that a working copy cannot be used, and what to do next."""
    shown = visible(str(root), limit=128)
    return kind("cwd", f"'{shown}' {problem}", do=do)


def find_layout(cwd: Path, home: Path) -> GitLayout:
    """The working copy that ``cwd`` lies in: the nearest folder upwards with a ``.git``, below the home.

    Raises:
        RelayValidationError: there is none, or it is not of a kind described above.
    """
    for root in (cwd, *cwd.parents):
        if root == home or home not in root.parents:
            break
        if os.path.lexists(root / ".git"):
            return _of_root(root, home)
    raise bad_copy(
        cwd,
        "does not lie in a git working copy strictly below the home",
        CWD_DO,
    )


def _of_root(root: Path, home: Path) -> GitLayout:
    with opened(root, root) as handle:
        kind = kind_at(handle, ".git")
        if kind == stat.S_IFDIR:
            layout = GitLayout(root, root / ".git", root / ".git")
            with opened(layout.git_dir, root) as git:
                if kind_at(git, "commondir") is not None:
                    raise bad_copy(root, "has a file .git/commondir, which only worktrees have")
        elif kind == stat.S_IFREG:
            layout = _led_to(root, _pointer(handle, ".git", "gitdir: ", root), home)
        else:
            raise bad_copy(root, "has a .git that is neither a folder nor a plain file")
    _check_entries(layout)
    return layout


def _led_to(root: Path, target: str, home: Path) -> GitLayout:
    git_dir = Path(os.path.normpath(root / target))
    if home not in git_dir.parents:
        raise bad_copy(root, "has a .git file that leads out of the home")
    with opened(git_dir, root) as git:
        if kind_at(git, "commondir") is None:
            if ".git" not in git_dir.parts or "modules" not in git_dir.parts:
                raise bad_copy(root, "has a .git file that leads to a foreign repository")
            return GitLayout(root, git_dir, git_dir)
        if git_dir.parent.name != "worktrees":
            raise bad_copy(root, "has a .git file that leads to no worktree")
        common = git_dir.parent.parent
        back = Path(os.path.normpath(git_dir / _pointer(git, "gitdir", "", root)))
        shared = Path(os.path.normpath(git_dir / _pointer(git, "commondir", "", root)))
    if back != root / ".git" or shared != common:
        raise bad_copy(
            root,
            "has a .git file that leads to the worktree of another folder",
            "Set it right with `git worktree repair`, in the main working copy.",
        )
    return GitLayout(root, git_dir, common)


def _pointer(folder: int, name: str, prefix: str, root: Path) -> str:
    try:
        data = read_at(folder, name, _LINE_BYTES) or b""
    except OSError as exc:
        raise bad_copy(root, f"has a {name} that cannot be read ({reason(exc)})") from exc
    text = data.decode("utf-8", "replace").rstrip("\n")
    if not text.startswith(prefix) or not text.isprintable() or not text.removeprefix(prefix):
        raise bad_copy(root, f"has a file {name} that says nothing git could use")
    return text.removeprefix(prefix)


def _check_entries(layout: GitLayout) -> None:
    """Whether what will be used of the repository is of the right kind, and no link."""
    wanted = [(layout.common, _WANTED), (layout.git_dir, _OWN)]
    for place, kinds in wanted:
        with opened(place, layout.root) as handle:
            if os.fstat(handle).st_uid != os.geteuid():
                raise bad_copy(layout.root, "has a repository that belongs to another user")
            for name, kind in kinds.items():
                found = kind_at(handle, name)
                if found is not None and found != kind:
                    what = "a symbolic link" if found == stat.S_IFLNK else "not what git makes"
                    raise bad_copy(
                        layout.root,
                        f"has a {visible(str(place / name), limit=200)} that is {what}",
                    )
            if place == layout.common and not (
                kind_at(handle, "objects") and kind_at(handle, "refs")
            ):
                raise bad_copy(layout.root, "has a .git that is no repository")


@contextlib.contextmanager
def opened(path: Path, root: Path) -> Iterator[int]:
    """A descriptor of a folder of the repository, reached without any link.

    Raises:
        RelayValidationError: it cannot be reached so.
    """
    try:
        handle = open_folder(path)
    except OSError as exc:
        raise bad_copy(
            root, f"cannot be used: {visible(str(path), limit=200)}: {reason(exc)}"
        ) from exc
    try:
        yield handle
    except OSError as exc:
        name = visible(str(exc.filename), limit=80)
        why = exc.strerror if isinstance(exc, UnfitError) else reason(exc)
        raise bad_copy(root, f"has a {path.name}/{name} that cannot be used: {why}") from exc
    finally:
        os.close(handle)
