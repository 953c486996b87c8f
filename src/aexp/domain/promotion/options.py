"""Which values of the chosen cells become options."""

import ast
import dataclasses

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.cells import Code
from aexp.domain.promotion.choosing import PARAMETERS
from aexp.domain.promotion.names import names_of
from aexp.domain.promotion.parameters import Parameter, check_options, parameter_in
from aexp.domain.promotion.parsing import comment_behind
from aexp.domain.promotion.places import setup_target
from aexp.domain.text import visible


def options_in(codes: list[Code], named: tuple[str, ...] | None) -> dict[ast.stmt, Parameter]:
    """The statements whose values become options.

    Args:
        codes: the cells of the script.
        named: the names of the options; they may stand in any of the cells. None for all plain values
            in the cells with the tag ``parameters``.

    Raises:
        SandboxError: a name is not given a plain value anywhere, or options get in each other's way.
    """
    found: dict[str, tuple[ast.stmt, Parameter]] = {}
    for code in codes:
        if named is None and PARAMETERS not in code.picked.cell.tags:
            continue
        for statement in code.tree.body:
            one = parameter_in(statement)
            if one and one.name not in found:
                about = comment_behind(code.text, statement)
                found[one.name] = statement, dataclasses.replace(one, about=about)
    missing = [name for name in named or () if name not in found]
    if missing:
        could = ", ".join(found) or "none"
        raise SandboxError(
            f"No chosen cell sets '{visible(missing[0])}' to a plain value in a line of its own.",
            f"Those that could be options: {visible(could, limit=500)}.",
        )
    kept = [one for one in found.values() if named is None or one[1].name in named]
    check_options(parameter for _, parameter in kept)
    return dict(kept)


def no_options(codes: list[Code], options: dict[ast.stmt, Parameter]) -> list[str]:
    """Notes on values of the cell of parameters that become no options.

    Args:
        codes: the cells of the script.
        options: what becomes an option, of all that could.
    """
    names = {one.name for one in options.values()}
    told: list[str] = []
    for code in codes:
        if PARAMETERS not in code.picked.cell.tags:
            continue
        for statement in code.tree.body:
            if not _sets_values(statement) or statement in options:
                continue
            bound = sorted(names_of(ast.Module([statement], [])).bound - names)
            if bound:
                which = ", ".join(f"`{visible(name)}`" for name in bound)
                told.append(
                    f"{code.picked}, line {statement.lineno} makes no option of {which}: "
                    "only `name = value` with a plain value does"
                )
    return told


def _sets_values(statement: ast.stmt) -> bool:
    said = isinstance(statement, ast.AnnAssign) and statement.value is None
    sets = isinstance(statement, ast.Assign | ast.AnnAssign) and not said
    return sets and setup_target(statement) is None


def lost_options(codes: list[Code], options: dict[ast.stmt, Parameter]) -> list[str]:
    """Warnings on options whose variable is set again further down."""
    told: list[str] = []
    for code in codes:
        for statement in code.tree.body:
            bound = names_of(ast.Module([statement], [])).bound
            told += [
                f"{code.picked} sets `{one.name}` again, and {one.option} counts for nothing from there on"
                for one in options.values()
                if one.name in bound and statement not in options
            ]
    return told
