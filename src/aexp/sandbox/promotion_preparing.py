"""All of a promotion that comes before anything is written."""

import hashlib
import importlib
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
from aexp.sandbox.promotion_modules import LocalModules
from aexp.sandbox.promotion_places import Target, Traced, target_at, trace
from aexp.sandbox.promotion_record import Record
from aexp.sandbox.promotion_source import Source, source_at


@dataclass(frozen=True)
class Wish:
    """What a caller wants; the attributes are those of :func:`aexp.sandbox.promote_notebook`."""

    notebook: str | PathLike[str]
    to: str | PathLike[str]
    cells: str | None
    tag: str | None
    parameters: tuple[str, ...] | None
    experiment: str | None
    allow_undefined: bool
    today: date | None


@dataclass(frozen=True)
class Prepared:
    """What would be written, and all that is known of it.

    Attributes:
        source: the notebook.
        picked: its cells.
        script: what they become.
        traced: what git knows of the notebook.
        origin: what the header tells.
        record: the files as they will be.
    """

    source: Source
    picked: tuple[Picked, ...]
    script: Script
    traced: Traced
    origin: Provenance
    record: Record


def prepare(wish: Wish, files: Filesystem, history: History | None) -> Prepared:
    """The promotion that is wished for. Nothing is written.

    Raises:
        SandboxError: the cells make no script, or it may not stand there.
        FilesystemError: a file cannot be read.
    """
    source = source_at(wish.notebook, files)
    target = target_at(wish.to, source, wish.experiment, files)
    text = files.read_text(source.path)
    picked = _chosen(text, wish.cells, wish.tag)
    script = _script(source, text, picked, wish.parameters, files)
    _must_find_its_names(script, allow_undefined=wish.allow_undefined)
    _must_not_find_itself(script, target)
    traced = trace(source, history)
    origin = Provenance(
        notebook=source.shown,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        commit=traced.told,
        cells=tuple(_in_header(one) for one in picked),
        experiment=wish.experiment,
        day=wish.today or today_of(source.root),
        made_by=f"aexp {_version()}",
    )
    promotion = Promotion(origin.day, source.below, target.shown, wish.experiment)
    record = Record.of(source, target, origin.header() + script.text, promotion, files)
    return Prepared(source, picked, script, traced, origin, record)


def _version() -> str:
    # By name: the package's own module knows the command line, which nothing here may depend on.
    return str(importlib.import_module("aexp").__version__)


def _in_header(one: Picked) -> str:
    return f"{one.number} ({one.cell.id})" if one.cell.id else str(one.number)


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
