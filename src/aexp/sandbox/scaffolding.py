"""Making a sandbox."""

from datetime import date
from os import PathLike
from pathlib import Path

from aexp.domain.errors import SandboxScaffoldError
from aexp.domain.sandbox import (
    SandboxScaffoldResult,
    check_slug,
    directory_name,
    shown_path,
    title_or_default,
)
from aexp.domain.sandbox_root_texts import ROOT_GITIGNORE, ROOT_README
from aexp.domain.sandbox_starter import STARTER
from aexp.domain.sandbox_templates import filled, slot_values
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.days import today_of
from aexp.sandbox.grounds import Grounds, grounds
from aexp.sandbox.templates import own_templates


def scaffold(
    slug: str,
    *,
    title: str | None = None,
    repo_root: str | PathLike[str] | None = None,
    parent_dir: str | PathLike[str] | None = None,
    today: date | None = None,
    notebook: bool = True,
    filesystem: Filesystem | None = None,
) -> SandboxScaffoldResult:
    """Make ``notebooks/_sandbox/<YYYY-MM-DD>_<slug>/`` with a README.md, a helpers.py and a notebook.

    The folder appears whole or not at all. The first sandbox of a repository also brings README.md
    and .gitignore into ``notebooks/_sandbox/``; those that exist are left as they are. Templates in the
    repository's ``.aexp/templates/sandbox/`` stand in for the built-in ones.

    Args:
        slug: the short name; see :func:`aexp.sandbox.slugify` for making one of a title.
        title: one line for the README's heading; without it, the slug's words with capitals.
        repo_root: the repository; without it, the one around the current folder.
        parent_dir: the folder for sandboxes, relative to the repository's root or absolute; without it,
            the one that is set.
        today: the date in the folder's name; without it, today in the time zone that is set.
        notebook: whether to make the starter notebook.
        filesystem: where to make it; without it, this machine's files.

    Raises:
        SandboxScaffoldError: a bad slug, title or template, no repository, a bad parent, or the sandbox
            exists already. Nothing was changed.
        FilesystemError: the filesystem failed. There is no sandbox; files of the sandbox root that
            were made before are whole, stay, and are used by the next call.
    """
    check_slug(slug)
    heading = title_or_default(title, slug)
    ground = grounds(repo_root, parent_dir, filesystem)
    name = directory_name(slug, today or today_of(ground.root))
    held = _texts(name, heading, ground)
    if not notebook:
        del held[STARTER]
    root_files = _publish(f"{ground.parent}/{name}", held, ground.files)
    return _told(slug, name, root_files, [*held], ground)


def _told(
    slug: str, name: str, root_files: list[str], held: list[str], ground: Grounds
) -> SandboxScaffoldResult:
    """What was made, in the order in which it was."""
    place = f"{ground.parent}/{name}"
    created = (*root_files, *(f"{place}/{file}" for file in held))
    return SandboxScaffoldResult(
        slug=slug,
        dir_name=name,
        dir_path=shown_path(place, ground.root),
        files_created=tuple(shown_path(file, ground.root) for file in created),
        root_initialized=bool(root_files),
    )


def _texts(name: str, heading: str, ground: Grounds) -> dict[str, str]:
    """The files of the sandbox, by name."""
    inside = ground.root is not None and Path(ground.parent).is_relative_to(ground.root)
    values = slot_values(name, heading, ground.root, inside=inside)
    return filled(own_templates(ground.root, ground.files), values)


def _publish(place: str, held: dict[str, str], files: Filesystem) -> list[str]:
    """Make the sandbox, and before it the files of the sandbox root that are missing: those."""
    taken = SandboxScaffoldError(
        f"There is a sandbox {place} already.",
        "Go on in that one, or choose another slug: add '-2', or say what is different.",
    )
    if files.kind(place) is not None:
        raise taken
    parent = str(Path(place).parent)
    # The sandbox comes last: whatever stops this call before leaves only whole files of the
    # sandbox root behind, and the next call goes on from there.
    try:
        root_files = _initialise(parent, files)
        if not files.create_directory(place, held):
            raise taken
    except KeyboardInterrupt as stop:
        there = files.kind(place) == "directory"
        stop.add_note(f"The sandbox {place} {'is there, whole' if there else 'was not made'}.")
        raise
    return root_files


def _initialise(parent: str, files: Filesystem) -> list[str]:
    wanted = {f"{parent}/README.md": ROOT_README, f"{parent}/.gitignore": ROOT_GITIGNORE}
    return [path for path, text in wanted.items() if files.create_file(path, text)]
