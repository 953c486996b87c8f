"""Promoting: a script out of a sandbox's notebook, and a line on it in the sandbox's README."""

import hashlib
import importlib
import sys
from dataclasses import dataclass
from datetime import date
from os import PathLike

from aexp.domain.errors import SandboxError
from aexp.domain.ipynb import parsed, read_notebook
from aexp.domain.promotion.choosing import Picked, chosen
from aexp.domain.promotion.header import Provenance
from aexp.domain.promotion.script import Order, Script, script_of
from aexp.domain.sandbox import shown_path
from aexp.domain.sandbox_promoted import Promotion
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.ports.history import History
from aexp.sandbox.days import today_of
from aexp.sandbox.places import local_filesystem
from aexp.sandbox.promotion_modules import LocalModules
from aexp.sandbox.promotion_places import (
    Source,
    Target,
    Traced,
    check_known,
    source_at,
    target_at,
    trace,
)
from aexp.sandbox.promotion_record import Record


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
        today: the date of the promotion; without it, today in the time zone that is set.
        filesystem: without it, this machine's files.
        history: without it, this machine's git.

    Raises:
        SandboxError: the cells make no script, or the script may not stand there. Nothing was changed.
        FilesystemError: a file cannot be read or written. Where it says so, the script is there and the
            line in the README is not.
    """
    files = filesystem or local_filesystem()
    source = source_at(notebook, files)
    target = target_at(to, source, experiment, files)
    if experiment is not None:
        check_known(experiment, source.root, files)
    text = files.read_text(source.path)
    picked = _chosen(text, cells, tag)
    script = _script(source, text, picked, parameters, files)
    _must_find_its_names(script, allow_undefined=allow_undefined)
    _must_not_find_itself(script, target)
    traced = trace(source, history)
    day = today or today_of(source.root)
    origin = _provenance(source, text, traced, picked, experiment, day)
    promotion = Promotion(day, source.below, target.shown, experiment)
    record = Record.of(source, target, origin.header() + script.text, promotion, files)
    if not dry_run:
        record.write(files)
    return _told(source, script, origin, traced, record, written=not dry_run)


def _told(
    source: Source,
    script: Script,
    origin: Provenance,
    traced: Traced,
    record: Record,
    *,
    written: bool,
) -> PromotedScript:
    undefined = script.undefined
    doubts = (*traced.doubts, *record.doubts, *_like_python(record.target))
    return PromotedScript(
        script=record.target.shown,
        notebook=source.shown,
        sandbox=shown_path(source.sandbox, source.root),
        cells=origin.cells,
        notebook_sha256=origin.sha256,
        commit=traced.commit,
        experiment=origin.experiment,
        options=script.options,
        undefined=tuple(one.name for one in undefined),
        warnings=(*map(str, undefined), *script.warnings, *doubts),
        written=written,
        diff=record.diff(),
    )


def _provenance(
    source: Source,
    text: str,
    traced: Traced,
    picked: tuple[Picked, ...],
    experiment: str | None,
    day: date,
) -> Provenance:
    return Provenance(
        notebook=source.shown,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        commit=traced.told,
        cells=tuple(one.cell.id or str(one.number) for one in picked),
        experiment=experiment,
        day=day,
        made_by=f"aexp {_version()}",
    )


def _version() -> str:
    # By name: the package's own module knows the command line, which nothing here may depend on.
    return str(importlib.import_module("aexp").__version__)


def _chosen(text: str, cells: str | None, tag: str | None) -> tuple[Picked, ...]:
    if cells is not None and tag is not None:
        raise SandboxError("The cells are chosen twice.", "Give their numbers or a tag, not both.")
    book = read_notebook(text)
    metadata = parsed(text).get("metadata")
    told = metadata.get("language_info") if isinstance(metadata, dict) else None
    language = told.get("name") if isinstance(told, dict) else None
    if isinstance(language, str) and language.casefold() not in ("python", "ipython"):
        raise SandboxError(
            f"The notebook's language is {visible(language)}.", "Only Python is promoted."
        )
    return chosen(book, cells=cells, tag=tag)


def _script(
    source: Source,
    text: str,
    picked: tuple[Picked, ...],
    parameters: tuple[str, ...] | None,
    files: Filesystem,
) -> Script:
    return script_of(
        Order(
            notebook=read_notebook(text),
            picked=picked,
            sandbox=shown_path(source.sandbox, source.root),
            local=LocalModules(source, files),
            parameters=parameters,
            about=f"Cells of {visible(source.shown, limit=1000)}",
        )
    )


def _must_find_its_names(script: Script, *, allow_undefined: bool) -> None:
    if allow_undefined or not script.undefined:
        return
    told = "; ".join(str(one) for one in script.undefined[:5])
    more = len(script.undefined) - 5
    cells = sorted({one.number for missing in script.undefined for one in missing.defined})
    which = f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells))}"
    add = f"Choose {which} as well" if cells else "Define them in a cell"
    raise SandboxError(
        f"The script would not find all its names: {told}{f'; and {more} more' if more > 0 else ''}.",
        f"{add}, or write it as it is with --allow-undefined.",
    )


def _must_not_find_itself(script: Script, target: Target) -> None:
    """Python looks for modules beside the script first."""
    if target.module in script.modules:
        raise SandboxError(
            f"{visible(target.shown, limit=500)} would import itself instead of {target.module}.",
            "Give the script another name.",
        )


def _like_python(target: Target) -> list[str]:
    if target.module not in sys.stdlib_module_names:
        return []
    told = f"Python's own module {target.module} is hidden by the script from all that it imports"
    return [f"{told}: another name would be safer"]
