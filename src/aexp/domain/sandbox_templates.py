"""The files of a new sandbox, made from templates: the built-in ones, or the repository's own.

A template is the file itself with slots such as ``{{sandbox.title}}``. Braces without ``sandbox.`` are
text, so that LaTeX and Python keep theirs.
"""

import ast
import difflib
import re
import warnings
from collections.abc import Mapping
from typing import Any

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.ipynb import parsed, read_notebook, written
from aexp.domain.sandbox import begun, slug_in
from aexp.domain.sandbox_starter import SETUP, SETUP_OUTSIDE, STARTER, stages_in, starter
from aexp.domain.sandbox_texts import HELPERS, README
from aexp.domain.text import visible

TEMPLATES_DIR = ".aexp/templates/sandbox"
TEMPLATES = ("README.md", "helpers.py", STARTER)
MAX_TEMPLATE_BYTES = 1 << 20

SLOTS: Mapping[str, str] = {
    "name": "the folder's name, `2026-11-23_lr-warmup`",
    "slug": "the slug, `lr-warmup`",
    "title": "the title, as typed or made from the slug",
    "date": "the day in the folder's name, `2026-11-23`",
    "setup": "the lines of Python that a notebook's first cell runs",
    "repo_root": "a Python expression: where the repository is if the sandbox lies outside it, else `None`",
}
_SLOT = re.compile(r"\{\{\s*sandbox\.([^{}\s]*)\s*\}\}")
_NEEDED = ("REPO_ROOT", "SANDBOX_DIR")


def slot_values(
    dir_name: str, title: str, repo_root: str | None, *, inside: bool
) -> dict[str, str]:
    """What goes into the slots.

    Args:
        dir_name: the sandbox folder's name.
        title: one line.
        repo_root: the repository it is made from, or None.
        inside: whether the sandbox lies in it.
    """
    return {
        "name": dir_name,
        "slug": slug_in(dir_name) or "",
        "title": title,
        "date": str(begun(dir_name)),
        "setup": SETUP if inside else SETUP_OUTSIDE,
        "repo_root": "None" if inside or repo_root is None else f"Path({repo_root!r})",
    }


def built_in(readme: str = README) -> dict[str, str]:
    """The templates of this package; the notebook mirrors the stages of this README."""
    stages = stages_in(readme) or stages_in(README)
    return {"README.md": README, "helpers.py": HELPERS, STARTER: starter(stages)}


def filled(own: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The three files of a new sandbox.

    Args:
        own: the repository's templates, by name; the built-in ones stand in for those that are missing.
        values: see :func:`slot_values`.

    Raises:
        SandboxScaffoldError: a template of the repository cannot be used; names it and what is wrong.
    """
    templates = {**built_in(own.get("README.md", README)), **own}
    return {
        "README.md": _readme(templates["README.md"], values),
        "helpers.py": _helpers(templates["helpers.py"], values),
        STARTER: _notebook(templates[STARTER], values),
    }


def no_template(name: str) -> SandboxScaffoldError:
    """The error for a file in the folder of templates that is none."""
    known = {one.casefold(): one for one in TEMPLATES}
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    hint = f"Did you mean {known[near[0]]}? " if near else ""
    return SandboxScaffoldError(
        f"{TEMPLATES_DIR}/{visible(name)} is not a template.",
        f"{hint}Templates are called {', '.join(TEMPLATES)}; move everything else elsewhere.",
    )


def bad_template(name: str, why: str, hint: str) -> SandboxScaffoldError:
    """The error for a template that cannot be used."""
    return SandboxScaffoldError(f"The template {TEMPLATES_DIR}/{visible(name)} {why}.", hint)


def _readme(template: str, values: Mapping[str, str]) -> str:
    text = _fill("README.md", template, values)
    if not text.strip():
        raise bad_template(
            "README.md", "is empty", "Fill it, or delete it to have the built-in one."
        )
    return text


def _helpers(template: str, values: Mapping[str, str]) -> str:
    text = _fill("helpers.py", template, values)
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        line = f" in line {exc.lineno}" if isinstance(exc, SyntaxError) and exc.lineno else ""
        why = f"is not Python once it is filled in: {visible(str(getattr(exc, 'msg', exc)))}{line}"
        raise bad_template("helpers.py", why, "Correct it there.") from exc
    missing = [name for name in _NEEDED if name not in _bound(tree)]
    if missing:
        why = f"does not define {' and '.join(missing)}, which the first cell imports"
        raise bad_template("helpers.py", why, "Define both at the top level.")
    return text


def _bound(tree: ast.Module) -> set[str]:
    """The names that a module's top level gives a value."""
    names: set[str] = set()
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            if isinstance(node, ast.alias):
                names.add(node.asname or node.name)
    return names


def _notebook(template: str, values: Mapping[str, str]) -> str:
    try:
        body = _filled_in(parsed(template), values)
        notebook = read_notebook(text := written(body))
        text.encode("utf-8")
    except SandboxScaffoldError:
        raise
    except UnicodeEncodeError as exc:
        raise bad_template(
            STARTER, "holds half a character", "Open and save it in Jupyter."
        ) from exc
    except SandboxError as exc:
        raise bad_template(STARTER, f"cannot be used. {exc.what.rstrip('.')}", exc.hint) from exc
    first = notebook.first_code()
    if first is None or not sets_up(first.source):
        why = "does not set the sandbox up in its first cell of code"
        raise bad_template(STARTER, why, "Begin it with a cell of {{sandbox.setup}}.")
    return text


def sets_up(source: str) -> bool:
    """Whether this cell sets the notebook up, as the first one must."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
    return any("setup_sandbox_notebook(" in line or "from helpers import" in line for line in lines)


def _filled_in(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _fill(STARTER, value, values)
    if isinstance(value, list):
        return [_filled_in(one, values) for one in value]
    if isinstance(value, dict):
        whole = {key: _filled_in(one, values) for key, one in value.items()}
        if isinstance(source := whole.get("source"), list) and all(
            isinstance(s, str) for s in source
        ):
            whole["source"] = "".join(source).splitlines(keepends=True)
        return whole
    return value


def _fill(name: str, text: str, values: Mapping[str, str]) -> str:
    def value(slot: "re.Match[str]") -> str:
        if slot[1] in values:
            return values[slot[1]]
        near = difflib.get_close_matches(slot[1], values, n=1)
        hint = f"Did you mean {{{{sandbox.{near[0]}}}}}? " if near else ""
        known = ", ".join(f"{{{{sandbox.{one}}}}}" for one in values)
        why = f"has a placeholder that is not known: {visible(slot[0])}"
        raise bad_template(name, why, f"{hint}Known are {known}.")

    return _SLOT.sub(value, text)
