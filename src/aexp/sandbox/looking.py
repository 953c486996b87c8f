"""Looking at sandboxes: what lies in one, and what git knows of it."""

from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import PurePosixPath
from typing import Literal

from aexp.domain.errors import FilesystemError, HistoryError
from aexp.domain.sandbox import begun, shown_path, slug_in
from aexp.domain.sandbox_check import LARGE_BYTES, complete
from aexp.domain.sandbox_promoted import Promotion, promotions
from aexp.domain.sandbox_readme import title_in
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import Commit, History, Standing
from aexp.sandbox.days import today_of
from aexp.sandbox.grounds import Grounds, grounds
from aexp.sandbox.places import ARCHIVE, find_repo_root, local_history, walk
from aexp.sandbox.whereabouts import no_sandbox

Readme = Literal["complete", "incomplete", "missing", "unreadable"]


@dataclass(frozen=True)
class LargeFile:
    """A large file that ``git add`` would take; its path is relative to the sandbox."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class SandboxView:
    """One sandbox as ``aexp sandbox ls`` shows it.

    Attributes:
        date: the day in the folder's name.
        slug: the slug.
        title: as its README's heading has it; empty where there is none.
        dir_name: ``<YYYY-MM-DD>_<slug>``.
        dir_path: relative to the repository's root; absolute when it lies outside.
        age_days: days since ``date``.
        notebooks: how many.
        size_bytes: of all files in it, links not followed.
        large_untracked: large files that git neither has nor passes over; None when git cannot be asked.
        last_commit: the newest commit that touched it; None without one, and when git cannot be asked.
        readme: whether all that belongs before the first result is written.
        promoted: what was promoted out of it, as its README says.
        archived: whether it was put away.
        closed: what is wrong with folders in it that could not be looked into; what is said of the files
            leaves these out.
    """

    date: date
    slug: str
    title: str
    dir_name: str
    dir_path: str
    age_days: int
    notebooks: int
    size_bytes: int
    large_untracked: tuple[LargeFile, ...] | None
    last_commit: Commit | None
    readme: Readme
    promoted: tuple[Promotion, ...]
    archived: bool
    closed: tuple[str, ...] = ()


def list_sandboxes(
    *,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    archived: bool = False,
    today: date | None = None,
    filesystem: Filesystem | None = None,
    history: History | None = None,
) -> list[SandboxView]:
    """The sandboxes of a repository, the oldest first.

    Args:
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes, as for :func:`aexp.sandbox.scaffold`.
        archived: whether to tell of those that were put away, too.
        today: from when on ages are counted back; without it, today in the time zone that is set.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxScaffoldError: no repository, or a bad parent.
        FilesystemError: the folder for sandboxes cannot be looked into.
    """
    ground = grounds(repo_root, parent_dir, filesystem)
    standing = ask_history(ground.parent, ground, history)
    day = today or today_of(ground.root)
    folders = [*(ground.archived() if archived else []), *ground.all()]
    views = [_view(folder, ground, standing, day) for folder in folders]
    return sorted(views, key=lambda view: view.dir_name)


def meant_sandbox(
    name: str | None = None,
    *,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
) -> str:
    """The folder of this sandbox; without a name, of the one around the current folder, else the newest.

    Raises:
        SandboxError: there is no such sandbox, or none at all.
        SandboxScaffoldError: no repository, or a bad parent.
    """
    ground = grounds(repo_root, parent_dir, filesystem)
    if name is not None:
        return ground.find(name)
    here = ground.here()
    folders = [here] if here else ground.all()
    if not folders:
        raise no_sandbox(ground)
    return folders[-1]


def archived_namesake(
    dir_name: str,
    *,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
) -> bool:
    """Whether a sandbox of this very name was put away, so that both cannot be in one place."""
    ground = grounds(None, parent_dir, filesystem)
    return ground.files.kind(f"{ground.parent}/{ARCHIVE}/{dir_name}") is not None


def ask_history(folder: str, ground: Grounds, history: History | None) -> Standing | HistoryError:
    """What git knows below the folder, or why that is not known."""
    root = find_repo_root(folder, ground.files)
    if root is None:
        return HistoryError(
            f"{folder} lies in no git repository.", "Run `git init` where it belongs."
        )
    try:
        return (history or local_history()).look(root, folder)
    except HistoryError as exc:
        return exc


def notebooks_of(files: dict[str, int]) -> list[str]:
    """Those of a sandbox's files that are notebooks; not the copies in hidden folders."""
    hidden = (path for path in files if any(part.startswith(".") for part in path.split("/")))
    return sorted(path for path in {*files} - {*hidden} if path.endswith(".ipynb"))


def _view(
    folder: str, ground: Grounds, standing: Standing | HistoryError, today: date
) -> SandboxView:
    parent, _, name = folder.rpartition("/")
    day = begun(name) or today
    closed: list[FilesystemError] = []
    files = dict(walk(folder, ground.files, closed))
    text, readme = _readme(folder, files, ground.files)
    return SandboxView(
        date=day,
        slug=slug_in(name) or "",
        title=title_in(text),
        dir_name=name,
        dir_path=shown_path(folder, ground.root),
        age_days=(today - day).days,
        notebooks=len(notebooks_of(files)),
        size_bytes=sum(files.values()),
        large_untracked=_large(folder, files, standing),
        last_commit=_last(folder, standing) or _last(_before_move(folder), standing),
        readme=readme,
        promoted=promotions(text),
        archived=parent != ground.parent,
        closed=tuple(one.what for one in closed),
    )


def _readme(folder: str, files: dict[str, int], filesystem: Filesystem) -> tuple[str, Readme]:
    if "README.md" not in files:
        return "", "missing"
    try:
        text = filesystem.read_text(f"{folder}/README.md")
    except FilesystemError:
        # One odd file must not hide all the other sandboxes; `check` says what is wrong with it.
        return "", "unreadable"
    return text, "complete" if complete(text) else "incomplete"


def _large(
    folder: str, files: dict[str, int], standing: Standing | HistoryError
) -> tuple[LargeFile, ...] | None:
    if isinstance(standing, HistoryError):
        return None
    return tuple(
        LargeFile(path, size)
        for path, size in sorted(files.items())
        if size >= LARGE_BYTES and f"{folder}/{path}" in standing.untracked
    )


def _before_move(folder: str) -> str:
    """Where a sandbox was before it was put away or brought back, which may not be committed yet."""
    place = PurePosixPath(folder)
    if place.parent.name == ARCHIVE:
        return f"{place.parent.parent}/{place.name}"
    return f"{place.parent}/{ARCHIVE}/{place.name}"


def _last(folder: str, standing: Standing | HistoryError) -> Commit | None:
    if isinstance(standing, HistoryError):
        return None
    touched = (made for path, made in standing.commits.items() if path.startswith(f"{folder}/"))
    return max(touched, key=lambda made: made.when, default=None)
