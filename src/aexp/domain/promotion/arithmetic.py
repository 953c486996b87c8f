"""Calculations with plain numbers, such as ``2**5`` or ``1 / 3``: reckoned without running any code."""

import ast
import copy
import math
import operator
from collections.abc import Callable, Mapping

_MOST_BITS = 256
"""Of a whole number: what would be larger is left as it is written."""
_OPERATIONS: Mapping[type[ast.operator], Callable[..., int | float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}


def reckoned(expression: ast.expr) -> ast.expr:
    """The expression with every calculation in it replaced by its result; others stay as they are.

    >>> ast.unparse(reckoned(ast.parse("[2**5, 1 / 4, n + 1]", mode="eval").body))
    '[32, 0.25, n + 1]'
    """
    found: ast.expr = _Reckoner().visit(copy.deepcopy(expression))
    return found


class _Reckoner(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None:
            return node
        result = _result(node.op, left, right)
        return node if result is None else _written(result)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        number = _number(node.operand)
        if number is None or not isinstance(node.op, ast.UAdd | ast.USub):
            return node
        return _written(-number if isinstance(node.op, ast.USub) else number)


def _number(node: ast.expr) -> int | float | None:
    """What a number, perhaps with a minus, is worth; None for everything else, truth values among it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _number(node.operand)
        return None if number is None else -number
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _result(op: ast.operator, left: int | float, right: int | float) -> int | float | None:
    function = _OPERATIONS.get(type(op))
    if function is None or (isinstance(left, int) and _bits(op, left, right) > _MOST_BITS):
        return None
    try:
        result = function(left, right)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return result if isinstance(result, int | float) and math.isfinite(result) else None


def _bits(op: ast.operator, left: int, right: int | float) -> int | float:
    """No fewer than a whole result has, known before it is reckoned."""
    if isinstance(right, float):
        return 0
    if isinstance(op, ast.Pow):
        return left.bit_length() * right
    if isinstance(op, ast.LShift):
        return left.bit_length() + right
    return left.bit_length() + right.bit_length()


def _written(number: int | float) -> ast.expr:
    """The number as source has it: with its sign in front."""
    if math.copysign(1, number) > 0:
        return ast.Constant(number)
    return ast.UnaryOp(ast.USub(), ast.Constant(-number))
