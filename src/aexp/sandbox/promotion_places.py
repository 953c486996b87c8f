"""Where a promotion may write, and what git and the tracked chain know of it."""

from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import PurePosixPath

from aexp.domain.errors import FilesystemError, HistoryError, SandboxError
from aexp.domain.promotion.experiments import check_experiment, experiments_in, script_name
from aexp.domain.sandbox import shown_path, slug_in
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History
from aexp.sandbox.places import around, current_folder, find_repo_root, local_history, walk
from aexp.sandbox.promotion_source import Source

KNOWLEDGE = "kb/research"
"""Where a repository keeps its tracked chain, if it has one."""
_TEXTS = (".md", ".yaml", ".yml", ".json", ".jsonl", ".toml", ".csv", ".tsv", ".txt", ".rst")
_LARGEST = 1 << 20
_LATE = (
    ", and the script says so for good: save and commit the notebook, then promote. Where the script is "
    "there already, delete it and its line in the README before that"
)


@dataclass(frozen=True)
class Target:
    """The script that is to be: its path, and the same from the repository's root on."""

    path: str
    shown: str

    @property
    def module(self) -> str:
        """What the script would be called by an import."""
        return PurePosixPath(self.path).stem


@dataclass(frozen=True)
class Traced:
    """The newest commit that touched the notebook.

    Attributes:
        commit: its id; None without one, or without git.
        told: the same as the script's header tells it.
        doubts: why the script cannot be traced by it.
    """

    commit: str | None
    told: str
    doubts: tuple[str, ...] = ()


def target_at(
    to: str | PathLike[str], source: Source, experiment: str | None, files: Filesystem
) -> Target:
    """The place for the script, which is free and in the notebook's repository, outside of sandboxes.

    Args:
        to: a file that ends in ``.py``, or a folder: one that is there, or a path with a slash at its end.
        source: the notebook.
        experiment: the id that goes in front of the file's name, or None.
        files: where both lie.

    Raises:
        SandboxError: the script may not stand there, or the tracked chain does not know the experiment.
    """
    if experiment is not None:
        check_experiment(experiment)
    given = fspath(to)
    asked = current_folder() / given
    if given.endswith("/") or files.kind(files.resolve(str(asked))) == "directory":
        slug = slug_in(PurePosixPath(source.sandbox).name) or "script"
        asked /= f"{slug.replace('-', '_')}.py"
    if asked.suffix != ".py":
        raise SandboxError(
            f"{visible(given, limit=500)} is neither a folder nor does it end in .py.",
            "Give the script's name, or a folder with a slash at its end.",
        )
    folder = files.resolve(str(asked.parent))
    path = f"{folder.rstrip('/')}/{script_name(asked.name, experiment)}"
    _may_stand(path, source, files)
    if experiment is not None:
        check_known(experiment, source.root, files)
    return Target(path, shown_path(path, source.root))


def _may_stand(path: str, source: Source, files: Filesystem) -> None:
    shown, folder = visible(path, limit=500), str(PurePosixPath(path).parent)
    if not path.startswith(f"{source.root}/"):
        raise SandboxError(
            f"{shown} lies outside the repository {visible(source.root, limit=500)}.",
            "Give a place in the notebook's own repository.",
        )
    inside = path.removeprefix(f"{source.root}/").split("/")
    if ".git" in (part.casefold() for part in inside):
        raise SandboxError(f"{shown} lies in git's own folder.", "Give another place.")
    if find_repo_root(folder, files) != source.root:
        raise SandboxError(
            f"{shown} lies in another repository inside this one.", "Give another place."
        )
    sandbox = around(folder, files)
    if sandbox and sandbox.startswith(f"{source.root}/"):
        raise SandboxError(
            f"{shown} lies in a sandbox, and a promoted script leads out of it.",
            "Give a folder of tracked code, such as scripts/.",
        )
    if files.kind(path) is not None or files.resolve(path) != path:
        raise SandboxError(
            f"{shown} exists already, and is never overwritten.",
            "Give another name, or move it away first.",
        )


def check_known(experiment: str, root: str, files: Filesystem) -> None:
    """Pass an id that the repository's tracked chain knows, if it has one.

    Raises:
        SandboxError: it has one, in which neither a name nor a text has the id.
    """
    chain = f"{root}/{KNOWLEDGE}"
    if files.kind(chain) != "directory":
        return
    held = sorted(walk(chain, files))
    known = experiments_in("\n".join(path for path, _ in held))
    for path, size in held:
        if experiment in known:
            return
        if path.endswith(_TEXTS) and size <= _LARGEST:
            known |= experiments_in(_text(f"{chain}/{path}", files))
    if experiment not in known:
        some = ", ".join(sorted(known)[-5:]) or "none"
        raise SandboxError(
            f"{KNOWLEDGE} knows no experiment {experiment}.",
            f"Register it there first, or give one that it knows. The last ones: {some}.",
        )


def trace(source: Source, history: History | None) -> Traced:
    """What git knows of the notebook."""
    try:
        standing = (history or local_history()).look(source.root, source.sandbox)
    except HistoryError as exc:
        return Traced(None, "not known, git could not be asked", (f"{exc}",))
    commit = standing.commits.get(source.path)
    if commit is None:
        return Traced(
            None, "none, the notebook is in no commit", (f"the notebook is in no commit{_LATE}",)
        )
    if source.path in standing.changed:
        why = f"the notebook has changed since its last commit{_LATE}"
        return Traced(commit.id, f"{commit.id}, and the notebook has changed since", (why,))
    return Traced(commit.id, commit.id)


def _text(path: str, files: Filesystem) -> str:
    try:
        return files.read_text(path)
    except FilesystemError:
        # A file of theirs that is no text cannot name an experiment.
        return ""
