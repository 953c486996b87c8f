"""Checking a sandbox by its rules."""

from dataclasses import dataclass
from os import PathLike

from aexp.domain.errors import FilesystemError, HistoryError
from aexp.domain.findings import Finding, Level, fail, ok, warn, worst
from aexp.domain.sandbox import shown_path
from aexp.domain.sandbox_check import judge_notebook, judge_readme, judge_sizes
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History, Standing
from aexp.sandbox.grounds import Grounds, grounds
from aexp.sandbox.looking import ask_history, notebooks_of
from aexp.sandbox.places import walk


@dataclass(frozen=True)
class SandboxCheck:
    """What was found in one sandbox.

    Attributes:
        dir_path: its folder, relative to the repository's root; absolute when it lies outside.
        level: the worst of all findings.
        findings: in the order of the README, then notebooks, then files.
    """

    dir_path: str
    level: Level
    findings: tuple[Finding, ...]


def check_sandboxes(
    name: str | None = None,
    *,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    filesystem: Filesystem | None = None,
    history: History | None = None,
) -> list[SandboxCheck]:
    """Check one sandbox, or without a name the one around the current folder, or else all of them.

    Args:
        name: the slug, the folder's name, or a path with a slash in it.
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes, as for :func:`aexp.sandbox.scaffold`.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxError: there is no such sandbox.
        SandboxScaffoldError: no repository, or a bad parent.
        FilesystemError: the folder for sandboxes cannot be looked into.
    """
    ground = grounds(repo_root, parent_dir, filesystem)
    here = ground.here()
    folders = [ground.find(name)] if name is not None else [here] if here else ground.all()
    together = ask_history(ground.parent, ground, history) if len(folders) > 1 else None
    return [_check(folder, ground, history, together) for folder in folders]


def _check(
    folder: str, ground: Grounds, history: History | None, together: Standing | HistoryError | None
) -> SandboxCheck:
    closed: list[FilesystemError] = []
    files = dict(walk(folder, ground.files, closed))
    # git is asked once for all of them, but for a sandbox that is a repository itself.
    own = any(path.partition("/")[0] == ".git" for path in files)
    standing = ask_history(folder, ground, history) if own or together is None else together
    findings = (
        *_readme(folder, files, ground.files),
        *_notebooks(folder, files, ground.files),
        *(_unreadable("files", one, folder) for one in closed),
        _sizes(folder, files, standing),
    )
    return SandboxCheck(shown_path(folder, ground.root), worst(findings), findings)


def _readme(folder: str, files: dict[str, int], filesystem: Filesystem) -> list[Finding]:
    if "README.md" not in files:
        fix = "Write it; for the form: aexp sandbox template README.md"
        return [fail("readme", "there is no README.md", fix)]
    try:
        return judge_readme(filesystem.read_text(f"{folder}/README.md"))
    except FilesystemError as exc:
        return [_unreadable("readme", exc, folder)]


def _notebooks(folder: str, files: dict[str, int], filesystem: Filesystem) -> list[Finding]:
    """Which notebooks can be read, then which of these set themselves up."""
    paths = notebooks_of(files)
    if not paths:
        return [ok("notebooks", "there is none yet")]
    found = [one for path in paths for one in _notebook(folder, path, filesystem)]
    return sorted(found, key=lambda one: one.name != "notebooks")


def _notebook(folder: str, path: str, filesystem: Filesystem) -> list[Finding]:
    try:
        return judge_notebook(path, filesystem.read_text(f"{folder}/{path}"))
    except FilesystemError as exc:
        return [_unreadable("notebooks", exc, folder)]


def _unreadable(name: str, error: FilesystemError, folder: str) -> Finding:
    """What is wrong with a file of the sandbox, which is called as it is below the sandbox's folder."""
    return fail(name, error.what.replace(f"{folder}/", ""), error.hint)


def _sizes(folder: str, files: dict[str, int], standing: Standing | HistoryError) -> Finding:
    if isinstance(standing, HistoryError):
        return warn(
            "size", f"what is about to be committed is not known. {standing.what}", standing.hint
        )
    going = standing.changed | standing.untracked
    return judge_sizes({path: size for path, size in files.items() if f"{folder}/{path}" in going})
