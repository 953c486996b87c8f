"""Modules beside the notebook, such as ``helpers.py``: what the cells take of them is copied."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.imports import (
    FUTURE,
    Imported,
    check_nested,
    imported_by,
    local_ones,
    moves_imports,
)
from aexp.domain.promotion.names import names_of
from aexp.domain.promotion.parsing import parse, picked_out
from aexp.domain.promotion.places import PLACES

# Decorators that do nothing but to the function or class below them; others may put it on a list.
_PLAIN_MARKS = frozenset(
    {
        *(
            "dataclass",
            "cache",
            "lru_cache",
            "wraps",
            "total_ordering",
            "contextmanager",
            "overload",
        ),
        *("asynccontextmanager", "singledispatch", "final", "runtime_checkable", "no_grad"),
        *("inference_mode", "jit", "njit", "vmap"),
    }
)
_ON_DEMAND = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True)
class Copied:
    """What is taken out of one module.

    Attributes:
        module: its name.
        text: the statements that are needed; may be empty.
        bound: the names that they bind.
        imports: the imports that go to the script's top.
        fixed: those that stay in the text, behind what changes how they work.
        local: what it takes from other modules beside the notebook.
        places: those of ``REPO_ROOT`` and ``SANDBOX_DIR`` that it uses or that are asked of it.
    """

    module: str
    text: str
    bound: frozenset[str]
    imports: tuple[Imported, ...]
    local: tuple[Imported, ...]
    places: frozenset[str]
    fixed: tuple[Imported, ...] = ()

    @property
    def own(self) -> frozenset[str]:
        """The names that the text binds by other ways than an import."""
        return self.bound - {one.bound for one in self.fixed}


def public_names(source: str, module: str) -> frozenset[str]:
    """What ``from module import *`` brings."""
    bound = names_of(parse(_lines(source), f"{module}.py")).bound
    return frozenset(name for name in bound if not name.startswith("_"))


def spread(found: tuple[Imported, ...], local: Mapping[str, str]) -> tuple[Imported, ...]:
    """Imports from modules beside the notebook with every star replaced by the names that it brings."""
    spelt: list[Imported] = []
    for one in found:
        names = sorted(public_names(local[one.module], one.module)) if one.name == "*" else []
        spelt += [Imported(name, one.module, name, one.text) for name in names] or [one]
    return tuple(one for one in spelt if one.name != "*")


def copied(module: str, names: frozenset[str], local: Mapping[str, str]) -> Copied:
    """The part of a module that these names stand on, and all that it does besides binding names.

    Raises:
        SandboxError: the module is not Python, has no such name, asks where its own file lies, or one of its
            functions gives such a name another value.
    """
    text = _lines(local[module])
    tree = parse(text, f"{module}.py")
    missing = names - names_of(tree).bound - PLACES
    if missing:
        raise SandboxError(
            f"{module}.py of the sandbox has no '{min(missing)}'.", "Mend the notebook's import."
        )
    kept = _kept(tree, names)
    _check_files(kept, module)
    _check_values(kept, names, module)
    check_nested(ast.Module(kept, []), local, f"{module}.py")
    needed = names_of(ast.Module(kept, [])).needed
    wanted = [
        one
        for statement in tree.body
        for one in imported_by(statement)
        if one.bound in needed | names or one.module == FUTURE or one.bound == "*"
    ]
    beside = tuple(local_ones(tuple(wanted), local))
    imports = [one for one in wanted if one not in beside]
    stay = _staying(tree, kept, imports)
    fixed = tuple(one for statement in stay for one in imported_by(statement))
    return Copied(
        module=module,
        text=picked_out(text, tree, [*kept, *stay]),
        bound=names_of(ast.Module([*kept, *stay], [])).bound,
        imports=tuple(one for one in imports if one not in fixed),
        local=spread(beside, local),
        places=PLACES & (names | needed),
        fixed=fixed,
    )


def moves(module: str, local: Mapping[str, str]) -> bool:
    """Whether importing this module changes how the imports behind it work."""
    return any(map(moves_imports, parse(_lines(local[module]), f"{module}.py").body))


def _check_files(kept: list[ast.stmt], module: str) -> None:
    names = (one for statement in kept for one in ast.walk(statement) if isinstance(one, ast.Name))
    if any(one.id == "__file__" for one in names):
        raise SandboxError(
            f"{module}.py uses `__file__`, which is another file once it is copied into a script.",
            "Use SANDBOX_DIR there.",
        )


def _check_values(kept: list[ast.stmt], names: frozenset[str], module: str) -> None:
    """An import keeps the value that a name had; in the script it would change as it does in the module."""
    of = {one: names_of(ast.Module([one], [])) for one in kept}
    for statement in kept:
        used = names.union(*(of[one].needed for one in kept if one is not statement))
        declared = (one.names for one in ast.walk(statement) if isinstance(one, ast.Global))
        changed = names & of[statement].bound & {name for some in declared for name in some}
        if changed and getattr(statement, "name", None) in {None, *used}:
            raise SandboxError(
                f"`{min(changed)}` of {module}.py is given another value by a function there, which the "
                "script would see and the notebook does not.",
                "Import by name what is needed, and have a function return this one.",
            )


def _staying(tree: ast.Module, kept: list[ast.stmt], imports: list[Imported]) -> list[ast.stmt]:
    """The imports behind what changes how they work, which must not go above it."""
    stay, behind = list[ast.stmt](), False
    for statement in tree.body:
        behind = behind or (statement in kept and moves_imports(statement))
        if behind and any(one in imports for one in imported_by(statement)):
            stay.append(statement)
    return stay


def _kept(tree: ast.Module, names: frozenset[str]) -> list[ast.stmt]:
    """The statements needed for the names, in their order."""
    binds = {one: names_of(ast.Module([one], [])) for one in tree.body}
    kept = {one for one in tree.body if _acts(one)}
    while True:
        needed = names.union(*(binds[one].needed for one in kept)) - PLACES
        more = {one for one in binds if isinstance(one, _ON_DEMAND) and binds[one].given & needed}
        if more <= kept:
            return [one for one in tree.body if one in kept]
        kept |= more


def _acts(statement: ast.stmt) -> bool:
    """Whether it does something besides binding a name that somebody may ask for."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return not all(_mark(one) in _PLAIN_MARKS for one in statement.decorator_list)
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return False
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return False
        case ast.Assign(targets=targets):
            return not all(isinstance(one, ast.Name) for one in targets)
        case _:
            return not isinstance(statement, _ON_DEMAND)


def _mark(decorator: ast.expr) -> str:
    """The last part of a decorator's name."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _lines(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\r", "\n")
