"""Names that would mean two things in one script."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.cells import Code
from aexp.domain.promotion.imports import FUTURE, Imported, imported_by
from aexp.domain.promotion.modules import Copied
from aexp.domain.promotion.names import names_of
from aexp.domain.promotion.supply import OURS, Supply


@dataclass(frozen=True)
class _Meaning:
    """What a name stands for, who says so, and whether that is copied code."""

    name: str
    what: object
    who: str
    copied: bool = False


def check_clashes(cells: list[Code], supply: Supply, modules: list[Copied]) -> None:
    """Pass a script in which what is copied from modules and what cells bind do not mix.

    Raises:
        SandboxError: a module's name is bound by a cell, by another module or by another import too.
    """
    if not modules:
        return
    taken: dict[str, _Meaning] = {}
    for one in (*_above(supply, modules), *_of_cells(cells)):
        before = taken.setdefault(one.name, one)
        if before.what != one.what and (before.copied or one.copied) and one.name != "*":
            raise SandboxError(
                f"`{one.name}` is one thing in {before.who} and another in {one.who}, and a script has "
                "one of that name.",
                "Rename one of the two.",
            )


def _above(supply: Supply, modules: list[Copied]) -> Iterator[_Meaning]:
    for name in sorted(OURS):
        yield _Meaning(name, "ours", "the script's own lines")
    if supply.display:
        yield _Meaning("display", ("IPython.display", "display"), "an import of the notebook")
    for part in modules:
        who = f"{part.module}.py of the sandbox"
        for name in sorted(part.own):
            yield _Meaning(name, (part.module, name), who, copied=True)
        for one in (found for found in (*part.imports, *part.fixed) if found.module != FUTURE):
            yield _Meaning(one.bound, one.origin, who, copied=True)
        yield from _renamed(part.local)
    yield from _renamed(tuple(supply.beside))
    for one in supply.imports.values():
        yield _Meaning(one.bound, one.origin, "an import of the notebook")


def _renamed(found: tuple[Imported, ...]) -> Iterator[_Meaning]:
    """Those with a name of their own; the others are told of where they come from."""
    for one in found:
        if one.bound != one.name:
            who = f"`{one.text}`"
            yield _Meaning(one.bound, (one.module, one.name), who, copied=True)


def _of_cells(cells: list[Code]) -> Iterator[_Meaning]:
    for code in cells:
        for statement in code.tree.body:
            found = imported_by(statement)
            for one in found:
                yield _Meaning(one.bound, one.origin, str(code.picked))
            names = frozenset[str]() if found else names_of(ast.Module([statement], [])).bound
            for name in sorted(names):
                # That cells bind one name several times is the notebook's own affair.
                yield _Meaning(name, "cells", str(code.picked))
