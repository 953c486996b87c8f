"""Cells and modules as syntax trees, and their statements written again one by one."""

import ast
import warnings
from collections.abc import Callable, Iterator

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible


def parse(text: str, where: str) -> ast.Module:
    """The tree of a text that compiles as a file of Python.

    Args:
        text: with ``\\n`` alone as its ends of lines.
        where: what it is called in the error.

    Raises:
        SandboxError: it does not compile; says in which line and why.
    """
    try:
        return _compiled(text)
    except SyntaxError as exc:
        if _awaits(text):
            raise SandboxError(
                f"{where} has `await` outside of a function, which only notebooks understand.",
                "Put it into an `async def` and call that with asyncio.run(...).",
            ) from exc
        line = f", line {exc.lineno}" if exc.lineno else ""
        raise SandboxError(
            f"{where}{line} is not Python: {visible(exc.msg)}.", "Mend it, or leave it out."
        ) from exc
    except (ValueError, RecursionError, MemoryError) as exc:
        raise SandboxError(
            f"{where} cannot be read as Python: {visible(str(exc))}.", "Mend it, or leave it out."
        ) from exc


def rewritten(text: str, tree: ast.Module, edit: Callable[[ast.stmt], str | None]) -> str:
    """The text with each statement of the top level as ``edit`` wants it.

    Args:
        text: what ``tree`` was made of.
        tree: its statements.
        edit: the new text of a statement, empty to leave it out, None to keep it. A comment behind
            what is kept or replaced stays.
    """
    lines = text.split("\n")
    edits = [(*piece, [edit(statement) for statement in piece[2]]) for piece in _groups(tree)]
    # From the bottom up, so that the numbers of the lines above stay what they were.
    for first, last, group, texts in reversed(edits):
        if all(new is None for new in texts):
            continue
        parts = [
            ast.unparse(statement) if new is None else new
            for statement, new in zip(group, texts, strict=True)
        ]
        kept = "\n".join(part for part in parts if part)
        lines[first - 1 : last] = [f"{kept}{_comment(lines[last - 1], group[-1])}"] if kept else []
    return "\n".join(lines)


def picked_out(text: str, tree: ast.Module, kept: list[ast.stmt]) -> str:
    """These statements alone, each with the comment right above it."""
    lines = text.split("\n")
    pieces: list[str] = []
    for first, last, group in _groups(tree):
        wanted = [one for one in group if one in kept]
        start = first - 1
        while start and lines[start - 1].startswith("#"):
            start -= 1
        if wanted == group:
            pieces.append("\n".join(lines[start:last]))
        elif wanted:
            pieces.append("\n".join(map(ast.unparse, wanted)))
    return "\n\n".join(pieces)


def _groups(tree: ast.Module) -> Iterator[tuple[int, int, list[ast.stmt]]]:
    """First line, last line and statements of each piece that shares no line with another."""
    group: list[ast.stmt] = []
    for statement in tree.body:
        if group and statement.lineno > (group[-1].end_lineno or 0):
            yield _first(group[0]), group[-1].end_lineno or 0, group
            group = []
        group.append(statement)
    if group:
        yield _first(group[0]), group[-1].end_lineno or 0, group


def _first(statement: ast.stmt) -> int:
    marks: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(mark.lineno for mark in marks)])


def comment_behind(text: str, statement: ast.stmt) -> str:
    """The words of a comment in a statement's last line; empty without one."""
    line = text.split("\n")[(statement.end_lineno or 1) - 1]
    return _comment(line, statement).strip().lstrip("#").strip()


def _comment(line: str, statement: ast.stmt) -> str:
    # Columns of syntax trees count bytes.
    rest = line.encode("utf-8")[statement.end_col_offset or 0 :].decode("utf-8").lstrip("; \t")
    return f"  {rest}" if rest.startswith("#") else ""


def _compiled(text: str) -> ast.Module:
    with warnings.catch_warnings():
        # Odd escapes in strings are no concern of ours: the notebook had them too.
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
        compile(text, "<script>", "exec", dont_inherit=True)
    return tree


def _awaits(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            compile(text, "<script>", "exec", flags=flags, dont_inherit=True)
    except SyntaxError:
        return False
    return True
