"""Notebook files, format 4: read from text, written as Jupyter writes them. Pure, and without nbformat."""

import json
import re
from dataclasses import dataclass
from typing import Any

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible

_KINDS = ("code", "markdown", "raw")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        id: its id; None before format 4.5, which brought them.
        kind: ``code``, ``markdown`` or ``raw``.
        source: its text.
        tags: those that its user gave it.
    """

    id: str | None
    kind: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook, from top to bottom."""

    cells: tuple[Cell, ...]

    def first_code(self) -> Cell | None:
        """The first cell that runs anything."""
        return next(
            (cell for cell in self.cells if cell.kind == "code" and cell.source.strip()), None
        )


def read_notebook(text: str) -> Notebook:
    """The notebook in this file's text.

    Raises:
        SandboxError: the text is not one in format 4; says what is wrong with it.
    """
    body = parsed(text)
    cells = body.get("cells")
    if body.get("nbformat") != 4 or not isinstance(cells, list):
        raise _bad("it is not in notebook format 4", "Open and save it in a current Jupyter.")
    minor = body.get("nbformat_minor")
    wants_ids = isinstance(minor, int) and minor >= 5
    read = tuple(_cell(cell, f"cell {number}", wants_ids) for number, cell in enumerate(cells, 1))
    ids = [cell.id for cell in read if cell.id]
    if len(ids) != len(set(ids)):
        raise _bad("two of its cells have the same id", "Open and save it in a current Jupyter.")
    return Notebook(read)


def parsed(text: str) -> dict[str, Any]:
    """The JSON object in a notebook file's text, whatever is in it.

    Raises:
        SandboxError: there is none; says where the text breaks off.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError as exc:
        fix = "Look there, for example for the marks of a merge conflict."
        raise _bad(f"line {exc.lineno} is not JSON ({exc.msg})", fix) from exc
    except (RecursionError, ValueError) as exc:
        raise _bad("its JSON cannot be read", "Open and save it in Jupyter.") from exc
    if not isinstance(body, dict):
        raise _bad("it is not a JSON object", "Open and save it in Jupyter.")
    return body


def written(body: dict[str, Any]) -> str:
    """The text of a notebook file, to the letter as nbformat writes it."""
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cell(cell: object, where: str, wants_id: bool) -> Cell:
    if not isinstance(cell, dict) or cell.get("cell_type") not in _KINDS:
        raise _bad(f"{where} is neither code nor markdown nor raw", "Remove it.")
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise _bad(f"{where} has no text", "Give it a source, which may be empty.")
    name = cell.get("id")
    if wants_id and not (isinstance(name, str) and _ID.fullmatch(name)):
        raise _bad(f"{where} has no id, or one that format 4.5 does not allow", "Give it one.")
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return Cell(name if isinstance(name, str) else None, cell["cell_type"], source, tuple(tags))


def _bad(why: str, hint: str) -> SandboxError:
    return SandboxError(f"The notebook cannot be read: {visible(why)}.", hint)
