"""Promoting: a script out of a sandbox's notebook, and a line on it in the sandbox's README."""

import sys
from dataclasses import dataclass
from datetime import date
from os import PathLike

from aexp.domain.sandbox import shown_path
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History
from aexp.sandbox.places import local_filesystem
from aexp.sandbox.promotion_places import Target
from aexp.sandbox.promotion_preparing import Prepared, Wish, prepare


@dataclass(frozen=True)
class PromotedScript:
    """What a promotion has made, or would make; paths are relative to the repository's root.

    Attributes:
        script: the script.
        notebook: where it comes from.
        sandbox: the sandbox whose README tells of it.
        cells: the ids of the cells, or their numbers where they have none.
        along: those of them that were not chosen, and came along for their tag ``parameters``.
        notebook_sha256: of the notebook's file.
        commit: the newest commit that touched the notebook; None without one, or without git.
        as_committed: whether that commit has the notebook as it is.
        experiment: the tracked experiment, or None.
        options: the script's options, such as ``--lr``.
        undefined: the names that the script would not find; only with ``allow_undefined``.
        warnings: what does not run as in the notebook, one line each.
        written: whether it was written; False for a dry run.
        diff: what was or would be changed, as a unified diff.
    """

    script: str
    notebook: str
    sandbox: str
    cells: tuple[str, ...]
    along: tuple[str, ...]
    notebook_sha256: str
    commit: str | None
    as_committed: bool
    experiment: str | None
    options: tuple[str, ...]
    undefined: tuple[str, ...]
    warnings: tuple[str, ...]
    written: bool
    diff: str


def promote_notebook(
    notebook: str | PathLike[str],
    *,
    to: str | PathLike[str],
    cells: str | None = None,
    tag: str | None = None,
    parameters: tuple[str, ...] | None = None,
    experiment: str | None = None,
    allow_undefined: bool = False,
    dry_run: bool = False,
    today: date | None = None,
    filesystem: Filesystem | None = None,
    history: History | None = None,
) -> PromotedScript:
    """Make a script of cells of a sandbox's notebook. The notebook is only read.

    Args:
        notebook: its path; or the folder or slug of a sandbox that holds no other.
        to: the script, which must not exist, or a folder for it; in the notebook's repository.
        cells: numbers (1 is the topmost cell, text counts too), ranges and ids: ``3,5-8,train``.
        tag: the cells with this tag; with neither, those that begin with ``#| export``.
        parameters: the names that become options; without it, the plain values of the cells with the tag
            ``parameters``.
        experiment: the tracked experiment, such as ``E012``.
        allow_undefined: write the script although it would not find some names.
        dry_run: write nothing.
        today: the date of the promotion; without it, today in the time zone that is set.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxError: the cells make no script, or the script may not stand there. Nothing was changed.
        FilesystemError: a file cannot be read or written. Where it says so, the script is there and the
            line in the README is not.
    """
    files = filesystem or local_filesystem()
    wish = Wish(notebook, to, cells, tag, parameters, experiment, allow_undefined, today)
    ready = prepare(wish, files, history)
    if not dry_run:
        ready.record.write(files)
    return _told(ready, written=not dry_run)


def _told(ready: Prepared, *, written: bool) -> PromotedScript:
    source, script, traced, record = ready.source, ready.script, ready.traced, ready.record
    notes = (*script.warnings, *record.doubts, *_like_python(record.target))
    return PromotedScript(
        script=record.target.shown,
        notebook=source.shown,
        sandbox=shown_path(source.sandbox, source.root),
        cells=tuple(one.name for one in ready.picked),
        along=tuple(one.name for one in ready.picked if one.along),
        notebook_sha256=ready.origin.sha256,
        commit=traced.commit,
        as_committed=not traced.doubts,
        experiment=ready.origin.experiment,
        options=script.options,
        undefined=tuple(one.name for one in script.undefined),
        # What cannot be mended afterwards comes first.
        warnings=(*traced.doubts, *map(str, script.undefined), *notes),
        written=written,
        diff=record.diff(),
    )


def _like_python(target: Target) -> list[str]:
    if target.module not in sys.stdlib_module_names:
        return []
    told = f"Python's own module {target.module} is hidden by the script from all that it imports"
    return [f"{told}: another name would be safer"]
