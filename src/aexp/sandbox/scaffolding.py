"""Making a sandbox."""

from datetime import date
from os import PathLike, fspath
from pathlib import Path

from aexp.domain.errors import SandboxScaffoldError
from aexp.domain.sandbox import (
    DEFAULT_PARENT,
    SandboxScaffoldResult,
    check_slug,
    directory_name,
    shown_path,
    title_or_default,
)
from aexp.domain.sandbox_texts import experiment_readme, helpers, root_gitignore, root_readme
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.places import find_repo_root, local_filesystem


def scaffold(
    slug: str,
    *,
    title: str | None = None,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    today: date | None = None,
    filesystem: Filesystem | None = None,
) -> SandboxScaffoldResult:
    """Make ``notebooks/_sandbox/<YYYY-MM-DD>_<slug>/`` with a README.md and a helpers.py.

    The folder appears whole or not at all. The first sandbox of a repository also brings README.md
    and .gitignore into ``notebooks/_sandbox/``; those that exist are left as they are.

    Args:
        slug: the short name; see :func:`aexp.sandbox.slugify` for making one of a title.
        title: one line for the README's heading; without it, the slug's words with capitals.
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes, relative to the repository's root or absolute.
        today: the date in the folder's name; without it, today's local date.
        filesystem: where to make it; without it, this machine's files.

    Raises:
        SandboxScaffoldError: a bad slug or title, no repository, a bad parent, or the sandbox
            exists already. Nothing was changed.
        FilesystemError: the filesystem failed. There is no sandbox; files of the sandbox root that
            were made before are whole, stay, and are used by the next call.
    """
    check_slug(slug)
    heading = title_or_default(title, slug)
    name = directory_name(slug, today or date.today())
    files = filesystem or local_filesystem()
    root = _repository(repo_root, files)
    parent = _parent(parent_dir, root, files)
    held = {
        "README.md": experiment_readme(name, heading),
        "helpers.py": helpers(name, None if _inside(parent, root) else root),
    }
    root_files = _publish(f"{parent}/{name}", held, files)
    created = (*root_files, *(f"{parent}/{name}/{file}" for file in held))
    return SandboxScaffoldResult(
        slug=slug,
        dir_name=name,
        dir_path=shown_path(f"{parent}/{name}", root),
        files_created=tuple(shown_path(file, root) for file in created),
        root_initialized=bool(root_files),
    )


def _publish(place: str, held: dict[str, str], files: Filesystem) -> list[str]:
    """Make the sandbox, and before it the files of the sandbox root that are missing: those."""
    taken = SandboxScaffoldError(
        f"There is a sandbox {place} already.",
        "Go on in that one, or choose another slug: add '-2', or say what is different.",
    )
    if files.kind(place) is not None:
        raise taken
    # The sandbox comes last: whatever stops this call before leaves only whole files of the
    # sandbox root behind, and the next call goes on from there.
    root_files = _initialise(str(Path(place).parent), files)
    if not files.create_directory(place, held):
        raise taken
    return root_files


def _repository(given: str | PathLike[str] | None, files: Filesystem) -> str | None:
    if given is None:
        return find_repo_root(files.resolve(str(Path.cwd())), files)
    root = files.resolve(str(Path(given).absolute()))
    if files.kind(root) != "directory":
        raise SandboxScaffoldError(
            f"The repository {root} is not a folder.", "Give the root of a working copy."
        )
    return root


def _parent(given: str | PathLike[str] | None, root: str | None, files: Filesystem) -> str:
    try:
        parent = Path(DEFAULT_PARENT if given is None else fspath(given)).expanduser()
    except RuntimeError as exc:
        raise SandboxScaffoldError(
            f"The folder {given} cannot be found: {exc}.", "Write it from / on."
        ) from exc
    if root is None and not parent.is_absolute():
        raise SandboxScaffoldError(
            f"There is no git repository in {Path.cwd()} or above it.",
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


def _inside(place: str, root: str | None) -> bool:
    return root is None or Path(place).is_relative_to(root)


def _initialise(parent: str, files: Filesystem) -> list[str]:
    wanted = {f"{parent}/README.md": root_readme(), f"{parent}/.gitignore": root_gitignore()}
    return [path for path, text in wanted.items() if files.create_file(path, text)]
