"""Annotations that no script evaluates: those behind ``from __future__ import annotations``."""

import ast
import copy
from dataclasses import replace

from aexp.domain.promotion.imports import FUTURE
from aexp.domain.promotion.names import Names, names_of


def defers_annotations(tree: ast.Module) -> bool:
    """Whether this is, or has, the statement that leaves annotations alone."""
    return any(
        isinstance(one, ast.ImportFrom)
        and one.module == FUTURE
        and any(name.name == "annotations" for name in one.names)
        for one in tree.body
    )


def names_without_annotations(tree: ast.Module) -> Names:
    """The names of a tree whose annotations ask for theirs later, if at all."""
    taker = _Taker()
    names = names_of(taker.visit(copy.deepcopy(tree)))
    asked = names_of(ast.Module([ast.Expr(one) for one in taker.taken], []))
    return replace(names, later=names.later | (asked.needed - names.given))


class _Taker(ast.NodeTransformer):
    """Takes the annotations out of a tree and keeps them."""

    def __init__(self) -> None:
        self.taken: list[ast.expr] = []

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.taken += [node.annotation] if node.annotation else []
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._without_return(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._without_return(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.taken.append(node.annotation)
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def _without_return(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.taken += [node.returns] if node.returns else []
        node.returns = None
        return self.generic_visit(node)
