"""Cells of code, as far as Python alone can run them."""

import ast
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.choosing import Picked, without_mark
from aexp.domain.promotion.magics import CommentedOut, plain_python
from aexp.domain.promotion.names import Names, names_of
from aexp.domain.promotion.parsing import parse, rewritten
from aexp.domain.text import capital

_SHELL = "get_ipython"


@dataclass(frozen=True)
class Code:
    """One cell of code.

    Attributes:
        picked: the cell.
        text: its Python.
        tree: of the text.
        names: of the tree.
        commented_out: what of the cell does not run.
    """

    picked: Picked
    text: str
    tree: ast.Module
    names: Names
    commented_out: tuple[CommentedOut, ...] = ()


def code_of(picked: Picked) -> Code:
    """The cell without what only IPython understands.

    Raises:
        SandboxError: what is left is not Python.
    """
    text, gone = plain_python(picked.cell.source)
    where = capital(f"{picked}")
    tree = parse(text, where)
    asks = [one for one in tree.body if _asks_ipython(one)]
    if asks:
        told = [CommentedOut(one.lineno, text.split("\n")[one.lineno - 1].strip()) for one in asks]
        text = rewritten(text, tree, lambda one: _quoted(text, one) if one in asks else None)
        tree, gone = parse(text, where), (*gone, *told)
    return Code(picked, text, tree, names_of(tree), gone)


def readable(picked: tuple[Picked, ...]) -> list[Code]:
    """Those of the cells that are code and can be read; the others cannot be asked what they define."""
    found: list[Code] = []
    for one in picked:
        if one.cell.kind == "code":
            try:
                found.append(code_of(one))
            except SandboxError:
                continue
    return found


def as_comment(picked: Picked) -> str:
    """A cell of text as a comment."""
    lines = picked.cell.source.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    return "\n".join(f"# {line}".rstrip() for line in lines)


def block(picked: Picked, text: str) -> str:
    """The cell in the script, below a line at which editors see a cell; empty when nothing is in it."""
    shown = without_mark(text).strip("\n").rstrip()
    kind = " [markdown]" if picked.cell.kind == "markdown" else ""
    return f"# %%{kind} C{str(picked)[1:]}\n{shown}" if shown.strip() else ""


def _asks_ipython(statement: ast.stmt) -> bool:
    # A function that asks is not called for sure: what it lacks is told as an undefined name.
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return any(isinstance(one, ast.Name) and one.id == _SHELL for one in ast.walk(statement))


def _quoted(text: str, statement: ast.stmt) -> str:
    lines = (ast.get_source_segment(text, statement) or ast.unparse(statement)).split("\n")
    return "\n".join(f"# {line}".rstrip() for line in lines)
