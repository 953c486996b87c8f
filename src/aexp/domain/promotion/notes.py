"""What to know of a script before it is trusted: where it may do something else than its cells."""

import ast
import re
from itertools import chain

from aexp.domain.promotion.cells import Code
from aexp.domain.promotion.imports import moves_imports
from aexp.domain.promotion.modules import Copied
from aexp.domain.promotion.parsing import parse
from aexp.domain.promotion.places import SANDBOX, setup_target
from aexp.domain.promotion.relative_paths import relative_paths
from aexp.domain.text import visible

# What these do counts for the cells below them.
_LASTING = re.compile(r"%(?:env|set_env|cd|pushd|popd|run|store|load|pylab|reset)\b")


def commented_out(codes: list[Code]) -> list[str]:
    """What does not run; first what the cells below may stand on."""
    lasting: list[str] = []
    others: list[str] = []
    for code in codes:
        for one in code.commented_out:
            where = f"{code.picked}, line {one.line} does not run in the script"
            if _LASTING.match(one.text):
                lasting.append(f"{where}, and what comes below may give something else: {one.text}")
            else:
                others.append(f"{where}: {one.text}")
    return [*lasting, *others]


def moved(others: list[Code]) -> list[str]:
    """What cells that were not chosen do to imports."""
    return [
        f"{code.picked} was not chosen, and changes how imports work: {ast.unparse(one)}"
        for code in others
        for one in code.tree.body
        if moves_imports(one) and setup_target(one) is None
    ]


def needs_sandbox(codes: list[Code], modules: list[Copied], own: frozenset[str]) -> list[str]:
    """Who uses the sandbox's folder, which may be archived or deleted.

    Args:
        codes: the cells.
        modules: what is copied into the script.
        own: the names that the cells give a value of their own.
    """
    if SANDBOX in own:
        return []
    users = [
        *(str(code.picked) for code in codes if _uses_sandbox(code.tree)),
        *(f"{part.module}.py" for part in modules if _uses_sandbox(_tree(part))),
    ]
    return [
        f"{who} uses {SANDBOX}: what is read or written there is found only while the sandbox stays where "
        "it is"
        for who in users
    ]


def from_elsewhere(codes: list[Code], modules: list[Copied]) -> list[str]:
    """Relative paths, which in a notebook begin at its folder, and in a script where that is started."""
    found = [
        *(
            f"{code.picked}, line {one.line} has a relative path, {_shown(one.text)}"
            for code in codes
            for one in relative_paths(code.tree)
        ),
        *(
            f"{part.module}.py has a relative path, {_shown(one.text)}"
            for part in modules
            for one in relative_paths(_tree(part))
        ),
    ]
    return [f"{one}: it counts from the folder in which the script is started" for one in found]


def _uses_sandbox(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name == SANDBOX:
                return True
            # What the set-up returned has it, too.
            case ast.Subscript(slice=ast.Constant(value="sandbox_dir")):
                return True
    return False


def _tree(part: Copied) -> ast.Module:
    return parse(part.text, f"{part.module}.py")


def _shown(text: str) -> str:
    return visible(text, limit=80)


def together(*notes: list[str]) -> tuple[str, ...]:
    """All of them, each once."""
    return tuple(dict.fromkeys(chain(*notes)))
