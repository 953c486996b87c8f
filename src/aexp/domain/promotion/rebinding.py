"""Functions that give a name of their module another value, and need it to have one before."""

import ast
from collections.abc import Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def rebound_in(statement: ast.stmt) -> frozenset[str]:
    """The names that a function in the statement declares global and reads before it gives them a value."""
    return frozenset(
        name
        for one in ast.walk(statement)
        if isinstance(one, _FUNCTIONS)
        for name in _declared(one)
        if _reads_first(one, name)
    )


def _declared(function: ast.AST) -> Iterator[str]:
    for one in ast.iter_child_nodes(function):
        if isinstance(one, ast.Global):
            yield from one.names
        elif not isinstance(one, _FUNCTIONS):
            yield from _declared(one)


def _reads_first(function: ast.AST, name: str) -> bool:
    for one in _as_it_runs(function):
        if isinstance(one, ast.AugAssign) and getattr(one.target, "id", None) == name:
            return True
        if isinstance(one, ast.Name) and one.id == name:
            return not isinstance(one.ctx, ast.Store)
    return False


def _as_it_runs(node: ast.AST) -> Iterator[ast.AST]:
    """What is in it, in the order in which it runs: a value before what takes it."""
    yield node
    parts = [*ast.iter_child_nodes(node)]
    value = getattr(node, "value", None) or getattr(node, "iter", None)
    for part in sorted(parts, key=lambda part: part is not value):
        yield from _as_it_runs(part)
