"""A script made of the chosen cells of a notebook."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aexp.domain.ipynb import Notebook
from aexp.domain.promotion.annotations import defers_annotations, names_without_annotations
from aexp.domain.promotion.cells import Code, as_comment, block, code_of, readable
from aexp.domain.promotion.choosing import Picked, all_cells
from aexp.domain.promotion.clashes import check_clashes
from aexp.domain.promotion.imports import (
    FUTURE,
    check_nested,
    hoistable,
    imported_by,
    moves_imports,
)
from aexp.domain.promotion.names import names_of
from aexp.domain.promotion.notes import (
    commented_out,
    from_elsewhere,
    moved,
    needs_sandbox,
    together,
)
from aexp.domain.promotion.options import lost_options, no_options, options_in
from aexp.domain.promotion.parameters import Parameter, assigned, options_code
from aexp.domain.promotion.parsing import parse, rewritten
from aexp.domain.promotion.places import PATHS, setup_target
from aexp.domain.promotion.supply import Supply
from aexp.domain.promotion.undefined import Undefined, bring, undefined_in


@dataclass(frozen=True)
class Order:
    """What is wanted.

    Attributes:
        notebook: where the cells come from.
        picked: the cells.
        sandbox: its folder, relative to the repository's root.
        local: modules beside the notebook, name to text; empty text for packages.
        parameters: the names that become options, or None for those of the parameters cell.
        about: one line on the script, for its ``--help``.
    """

    notebook: Notebook
    picked: tuple[Picked, ...]
    sandbox: str
    local: Mapping[str, str]
    parameters: tuple[str, ...] | None
    about: str


@dataclass(frozen=True)
class Script:
    """What became of it.

    Attributes:
        text: the script without a header.
        options: the spellings of its options.
        undefined: the names that it would not find.
        warnings: what does not run as in the notebook.
        modules: those that it imports, by the first part of their names.
    """

    text: str
    options: tuple[str, ...]
    undefined: tuple[Undefined, ...]
    warnings: tuple[str, ...]
    modules: frozenset[str] = frozenset()


def script_of(order: Order) -> Script:
    """The script: imports, folders, copied code, options, then the cells from top to bottom.

    Raises:
        SandboxError: the cells cannot be made one; says which and why.
    """
    codes = [code_of(one) for one in order.picked if one.cell.kind == "code"]
    others = readable(tuple(one for one in all_cells(order.notebook) if one not in order.picked))
    options = options_in(codes, order.parameters)
    target = _free_name("_options", [*codes, *others])
    supply = Supply(order.local)
    deferred = _take_futures(codes, others, supply)
    cells = _without_imports(codes, options, target, supply)
    if deferred:
        cells = [replace(one, names=names_without_annotations(one.tree)) for one in cells]
    undefined = _settled(cells, others, supply, target if options else None)
    modules = supply.modules()
    check_clashes(cells, supply, modules)
    pieces = supply.code(modules, order.sandbox)
    if options:
        pieces.append(options_code(tuple(options.values()), order.about, target))
    texts = {one.picked: one.text for one in cells}
    pieces += [block(one, texts[one] if one in texts else as_comment(one)) for one in order.picked]
    text = "\n\n\n".join(piece for piece in pieces if piece) + "\n"
    tree = parse(text, "The script")
    warnings = together(
        commented_out(codes),
        no_options(codes, options) if order.parameters is None else [],
        lost_options(codes, options),
        moved(others),
        needs_sandbox(codes, modules, frozenset().union(*(one.names.bound for one in cells))),
        from_elsewhere(codes, modules),
    )
    spellings = tuple(one.option for one in options.values())
    heads = {one.module.split(".")[0] for node in ast.walk(tree) for one in imported_by(node)}
    return Script(text, spellings, undefined, warnings, frozenset(heads))


def _take_futures(codes: list[Code], others: list[Code], supply: Supply) -> bool:
    """Have what cells above say of the future, which in a notebook holds for all cells below; returns
    whether annotations are left alone."""
    last = max(code.picked.number for code in codes)
    counts = [*codes, *(code for code in others if code.picked.number < last)]
    for code in counts:
        for statement in code.tree.body:
            supply.take(tuple(one for one in imported_by(statement) if one.module == FUTURE))
    return any(defers_annotations(code.tree) for code in counts)


def _without_imports(
    codes: list[Code], options: dict[ast.stmt, Parameter], target: str, supply: Supply
) -> list[Code]:
    """The cells as they stand in the script, and in ``supply`` what they had that goes to the top."""
    movable = hoistable([code.tree for code in codes])
    pinned = False

    def edit(statement: ast.stmt) -> str | None:
        nonlocal pinned
        found = imported_by(statement)
        if found:
            rest = supply.take_local(found)
            fixed = (
                pinned
                or supply.moved
                or any(one.bound not in movable or one.module[:1] == "." for one in rest)
            )
            if found[0].module == FUTURE or not fixed:
                supply.take(rest)
                return ""
            return None if rest == found else "\n".join(one.text for one in rest)
        made = setup_target(statement)
        if made is not None:
            supply.places = supply.places or bool(made)
            return f"{made} = {PATHS}" if made else ""
        pinned = pinned or moves_imports(statement)
        option = options.get(statement)
        return assigned(statement, option.name, target) if option else None

    done: list[Code] = []
    for code in codes:
        text = rewritten(code.text, code.tree, edit)
        tree = parse(text, str(code.picked))
        check_nested(tree, supply.local, str(code.picked))
        done.append(Code(code.picked, text, tree, names_of(tree), code.commented_out))
    return done


def _settled(
    cells: list[Code], others: list[Code], supply: Supply, target: str | None
) -> tuple[Undefined, ...]:
    """What stays undefined when all that can be brought from other cells has been."""
    while True:
        above = supply.bound(supply.modules()) | {*filter(None, [target])}
        undefined = undefined_in(cells, others, above)
        if not any(bring(one, others, supply) for one in undefined):
            return undefined


def _free_name(wanted: str, codes: list[Code]) -> str:
    taken = frozenset[str]().union(*(code.names.bound | code.names.needed for code in codes))
    while wanted in taken:
        wanted = f"_{wanted}"
    return wanted
