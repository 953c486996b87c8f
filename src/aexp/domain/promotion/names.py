"""Which names a piece of Python binds, and which it needs from outside, in the order of its lines."""

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.rebinding import rebound_in

_OF_MODULES = {
    *("__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__", "__builtins__"),
    *("__annotations__", "__module__", "__qualname__", "__debug__", "__class__", "exit", "quit"),
}
ALWAYS_THERE = frozenset({*dir(builtins), *_OF_MODULES} - {"_"})
"""Names that every script has. ``_``, the last result of a notebook, is not among them."""

# These run where they stand; the body of a function runs later, when more names may be there.
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_AT_ONCE = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})


@dataclass(frozen=True)
class Names:
    """What a piece of code does to the names of its module.

    Attributes:
        bound: those that it gives a value.
        now: those that it needs, from before it, while it runs.
        later: those that its functions need when they are called.
        changed: of ``bound``, those that only functions give a value, which need another one before.
    """

    bound: frozenset[str] = frozenset()
    now: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    @property
    def given(self) -> frozenset[str]:
        """Those that it gives a value without the need of another one before."""
        return self.bound - self.changed

    @property
    def needed(self) -> frozenset[str]:
        """What it needs at any time."""
        return self.now | self.later

    def then(self, next_: "Names") -> "Names":
        """This piece and the one that runs after it as one."""
        given = self.given | next_.given
        changed = (self.changed | next_.changed) - given
        now = self.now | (next_.now - self.given)
        return Names(given | changed, now, (self.later | next_.later) - given, changed)


def names_of(tree: ast.Module) -> Names:
    """The names of the statements of a tree, as they run from top to bottom."""
    whole = Names()
    for step in _steps(tree.body):
        whole = whole.then(step)
    return whole


def _steps(body: list[ast.stmt]) -> Iterator[Names]:
    """Each piece that runs as one, in textual order: both branches of an `if`, one after the other."""
    for one in body:
        match one:
            case ast.If() | ast.While():
                yield _needs(one.test)
            case ast.For() | ast.AsyncFor():
                yield _needs(one.iter)
                yield _binds(one.target)
            case ast.With() | ast.AsyncWith():
                for item in one.items:
                    yield _needs(item.context_expr)
                    yield from [_binds(item.optional_vars)] if item.optional_vars else []
            case ast.Try() | ast.TryStar():
                yield from _tries(one)
                continue
            case _:
                yield _leaf(one)
                continue
        yield from (*_steps(one.body), *_steps(getattr(one, "orelse", [])))


def _tries(one: ast.Try | ast.TryStar) -> Iterator[Names]:
    tried, rescued = list(_steps(one.body)), list[Names]()
    for handler in one.handlers:
        rescued += [_needs(handler.type)] if handler.type else []
        rescued.append(Names(frozenset(filter(None, [handler.name]))))
        rescued += _steps(handler.body)
    # `try: model` and `except NameError: model = ...` does without a model.
    given = frozenset[str]()
    if any("NameError" in ast.dump(handler.type) for handler in one.handlers if handler.type):
        given = given.union(*(step.bound for step in rescued))
    yield from (replace(step, now=step.now - given) for step in tried)
    yield from (*rescued, *_steps(one.orelse), *_steps(one.finalbody))


def _needs(expression: ast.expr) -> Names:
    return _leaf(ast.Expr(expression))


def _binds(target: ast.expr) -> Names:
    return _leaf(ast.Assign([target], ast.Constant(None), lineno=1))


def _leaf(statement: ast.stmt) -> Names:
    try:
        text = ast.unparse(statement)
    except (ValueError, RecursionError) as exc:
        raise SandboxError(
            f"Line {getattr(statement, 'lineno', 0)} is too intricate for its names to be read.",
            "Write it as several statements.",
        ) from exc
    bound, now, later = _asked(text, _of_comprehensions(statement))
    changed = rebound_in(statement) & bound
    inner = {
        one.target.id
        for one in ast.walk(statement)
        if isinstance(one, ast.NamedExpr) and isinstance(one.target, ast.Name)
    }
    # The cases of a `match` bind what their own lines need.
    now -= bound if isinstance(statement, ast.Match) else inner
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        now.add(statement.target.id)
    if isinstance(statement, ast.Delete):
        now, bound = now | bound, set()
    later = (later - bound) | changed
    return Names(
        frozenset(bound), frozenset(now - ALWAYS_THERE), frozenset(later - ALWAYS_THERE), changed
    )


def _of_comprehensions(statement: ast.stmt) -> set[str]:
    """The variables of comprehensions that the statement has nowhere else.

    From Python 3.12 on, the symbol table of the scope around has them too.
    """
    made = [one for one in ast.walk(statement) if isinstance(one, _COMPREHENSIONS)]
    targets = [part for one in made for each in one.generators for part in ast.walk(each.target)]
    outside: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        one = waiting.pop()
        outside |= {one.id} if isinstance(one, ast.Name) else set()
        # Of a comprehension, what it goes through first is looked up outside.
        inner = [one.generators[0].iter] if isinstance(one, _COMPREHENSIONS) else None
        waiting += inner or ast.iter_child_nodes(one)
    return {part.id for part in targets if isinstance(part, ast.Name)} - outside


def _asked(text: str, hidden: set[str]) -> tuple[set[str], set[str], set[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = symtable.symtable(text, "<script>", "exec")
    own = [one for one in table.get_symbols() if one.get_name() not in hidden]
    bound = {one.get_name() for one in own if one.is_assigned() or one.is_imported()}
    now = {one.get_name() for one in own if one.is_referenced()}
    later: set[str] = set()
    for scope, at_once in _below(table, at_once=True):
        for one in (symbol for symbol in scope.get_symbols() if _is_of_module(symbol)):
            if one.is_assigned():
                bound.add(one.get_name())
            if one.is_referenced():
                (now if at_once else later).add(one.get_name())
    return bound, now, later


def _is_of_module(symbol: symtable.Symbol) -> bool:
    # symtable takes a function called `top` for the module, and its variables for global ones.
    return symbol.is_global() and (symbol.is_declared_global() or not symbol.is_local())


def _below(
    table: symtable.SymbolTable, *, at_once: bool
) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    for child in table.get_children():
        now = at_once and (str(child.get_type()) == "class" or child.get_name() in _AT_ONCE)
        yield child, now
        yield from _below(child, at_once=now)
