"""Names that a script would not find."""

import ast
from dataclasses import dataclass

from aexp.domain.promotion.cells import Code
from aexp.domain.promotion.choosing import Picked
from aexp.domain.promotion.imports import imported_by, is_setup
from aexp.domain.promotion.names import names_of
from aexp.domain.promotion.places import setup_target
from aexp.domain.promotion.supply import Supply
from aexp.domain.text import visible


@dataclass(frozen=True)
class Undefined:
    """A name without a value where it is used.

    Attributes:
        name: as it is written.
        used: the cell that needs it.
        defined: the cells that bind it, and were not chosen or come too late.
        stars: where no cell does, those with a ``from x import *``, which may bring it.
    """

    name: str
    used: Picked
    defined: tuple[Picked, ...]
    stars: tuple[Picked, ...] = ()

    def __str__(self) -> str:
        where = " and ".join(str(one) for one in self.defined)
        late = all(one.number > self.used.number for one in self.defined)
        if not self.defined:
            told = "no cell defines it"
            if self.stars:
                told += f", unless the `import *` in {' and '.join(map(str, self.stars))} does"
        else:
            verb = "defines" if len(self.defined) == 1 else "define"
            told = f"{where} {verb} it{', further down' if late else ''}"
        return f"`{visible(self.name)}` in {self.used} is not defined here; {told}"


def undefined_in(
    codes: list[Code], others: list[Code], above: frozenset[str]
) -> tuple[Undefined, ...]:
    """The names that have no value when the cells run from top to bottom, each once.

    Args:
        codes: the cells of the script.
        others: the rest of the notebook.
        above: names that stand above the cells.
    """
    known, found = set(above), dict[str, Undefined]()
    stars = tuple(one.picked for one in (*codes, *others) if _has_star(one))
    at_last = known.union(*(code.names.given for code in codes))
    for code in codes:
        missing = (code.names.now - known) | (code.names.later - at_last)
        for name in sorted(missing - {*found}):
            binders = [one.picked for one in (*codes, *others) if name in one.names.given]
            binders = [one for one in binders if one != code.picked]
            ordered = tuple(sorted(binders, key=lambda one: one.number))
            found[name] = Undefined(name, code.picked, ordered, () if ordered else stars)
        known |= code.names.given
    return tuple(found.values())


def _has_star(code: Code) -> bool:
    return any(isinstance(one, ast.alias) and one.name == "*" for one in ast.walk(code.tree))


def bring(missing: Undefined, others: list[Code], supply: Supply) -> bool:
    """Take what is missing from an import or the set-up of a cell that was not chosen; whether that went."""
    before = [one for one in others if one.picked.number < missing.used.number]
    nearest = (*reversed(before), *(one for one in others if one not in before))
    binder = next((code for code in nearest if missing.name in code.names.given), None)
    if binder is None:
        supply.display = supply.display or missing.name == "display"
        return missing.name == "display"
    for statement in reversed(binder.tree.body):
        found = tuple(one for one in imported_by(statement) if one.bound == missing.name)
        if found and not is_setup(found[0]):
            supply.take(found)
        elif setup_target(statement) == missing.name:
            supply.paths[missing.name] = None
        elif missing.name not in names_of(ast.Module([statement], [])).given:
            continue
        else:
            return False
        return True
    return False
