"""Promoting: a script out of a sandbox's notebook, and a line on it in the sandbox's README."""

import hashlib
from dataclasses import dataclass
from datetime import date
from os import PathLike

import aexp
from aexp.domain.errors import SandboxError
from aexp.domain.ipynb import Notebook, read_notebook
from aexp.domain.promotion.choosing import Picked, all_cells, chosen
from aexp.domain.promotion.header import Provenance
from aexp.domain.promotion.script import Order, Script, script_of
from aexp.domain.sandbox import shown_path
from aexp.domain.sandbox_promoted import Promotion
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History
from aexp.sandbox.places import local_filesystem
from aexp.sandbox.promotion_places import (
    Source,
    Target,
    check_known,
    commit_of,
    local_modules,
    source_at,
    target_at,
)
from aexp.sandbox.promotion_record import Record, diff_of


@dataclass(frozen=True)
class PromotedScript:
    """What a promotion has made, or would make; paths are relative to the repository's root.

    Attributes:
        script: the script.
        notebook: where it comes from.
        sandbox: the sandbox whose README tells of it.
        cells: the ids of the cells, or their numbers where they have none.
        notebook_sha256: of the notebook's file.
        commit: the newest commit that touched the notebook; None without one, or without git.
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
    notebook_sha256: str
    commit: str | None
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
        notebook: its path.
        to: the script, which must not exist, or a folder for it; in the notebook's repository.
        cells: numbers (1 is the topmost cell, text counts too), ranges and ids: ``3,5-8,train``.
        tag: the cells with this tag; with neither, those that begin with ``#| export``.
        parameters: the names that become options; without it, the plain values of the cells with the tag
            ``parameters``.
        experiment: the tracked experiment, such as ``E012``.
        allow_undefined: write the script although it would not find some names.
        dry_run: write nothing.
        today: the date of the promotion; without it, today's local date.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxError: the cells make no script, or the script may not stand there. Nothing was changed.
        FilesystemError: a file cannot be read or written. Where it says so, the script is there and the
            line in the README is not.
    """
    if cells is not None and tag is not None:
        raise SandboxError("The cells are chosen twice.", "Give their numbers or their tag, not both.")
    files = filesystem or local_filesystem()
    source = source_at(notebook, files)
    target = target_at(to, source, experiment, files)
    if experiment is not None:
        check_known(experiment, source.root, files)
    text = files.read_text(source.path)
    book = read_notebook(text)
    picked = chosen(book, cells=cells, tag=tag)
    script = script_of(
        Order(
            notebook=book,
            picked=picked,
            sandbox=shown_path(source.sandbox, source.root),
            local=local_modules(source, files),
            parameters=parameters,
            about=f"Cells of {visible(source.shown, limit=1000)}",
        )
    )
    _must_find_its_names(script, allow_undefined=allow_undefined)
    day = today or date.today()
    commit, standing, doubts = commit_of(source, history)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    head = Provenance(
        notebook=source.shown,
        sha256=digest,
        commit=standing,
        cells=tuple(_name(one) for one in picked),
        experiment=experiment,
        day=day,
        made_by=f"aexp {aexp.__version__}",
    )
    promotion = Promotion(day, source.below, target.shown, experiment)
    record = Record.of(source, target, head.header() + script.text, promotion, files)
    diff = diff_of(record)
    if not dry_run:
        record.write(files)
    return PromotedScript(
        script=target.shown,
        notebook=source.shown,
        sandbox=shown_path(source.sandbox, source.root),
        cells=head.cells,
        notebook_sha256=digest,
        commit=commit,
        experiment=experiment,
        options=script.options,
        undefined=tuple(one.name for one in script.undefined),
        warnings=(*_warnings(book, picked, script), *doubts, *record.doubts),
        written=not dry_run,
        diff=diff,
    )
