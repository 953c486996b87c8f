"""``REPO_ROOT``, ``SANDBOX_DIR`` and ``paths`` for a script that lies anywhere in the repository."""

import ast
import json

from aexp.domain.promotion.imports import SETUP_CALL

ROOT, SANDBOX = "REPO_ROOT", "SANDBOX_DIR"
PLACES = frozenset({ROOT, SANDBOX})
IMPORT = "from pathlib import Path as _Path"
PATHS = f'{{"repo_root": {ROOT}, "sandbox_dir": {SANDBOX}}}'


def places_code(sandbox: str) -> str:
    """The lines that find both folders.

    Args:
        sandbox: the sandbox's folder, relative to the repository's root.
    """
    return f"""\
{ROOT} = next(
    folder for folder in _Path(__file__).resolve().parents if (folder / ".git").exists()
)
{SANDBOX} = {ROOT} / {quoted(sandbox)}"""


def quoted(text: str) -> str:
    """The text as a literal of Python in double quotes."""
    # What JSON escapes, Python reads the same way.
    return json.dumps(text, ensure_ascii=False)


def setup_target(statement: ast.stmt) -> str | None:
    """The variable that takes what setting the notebook up returns, empty without one; None if it is no
    such statement."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            pass
        case ast.Expr(value=ast.Call() as call):
            name = ""
        case _:
            return None
    called = call.func
    last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    return name if last == SETUP_CALL else None
