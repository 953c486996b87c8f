"""Dated folders for exploratory notebooks: quick to make, easy to delete, honest to promote.

    from aexp.sandbox import scaffold

    scaffold("lr-warmup", title="Does a longer warm-up help?")

Importing this package loads nothing else; each name is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aexp.domain.errors import SandboxError, SandboxScaffoldError
    from aexp.domain.sandbox import SandboxScaffoldResult, slugify
    from aexp.sandbox.archiving import SandboxMove, archive_sandbox
    from aexp.sandbox.checking import SandboxCheck, check_sandboxes
    from aexp.sandbox.looking import SandboxView, list_sandboxes
    from aexp.sandbox.notebook import setup_sandbox_notebook
    from aexp.sandbox.promoting import PromotedScript, promote_notebook
    from aexp.sandbox.scaffolding import scaffold

__all__ = [
    "scaffold",
    "setup_sandbox_notebook",
    "slugify",
    "list_sandboxes",
    "check_sandboxes",
    "archive_sandbox",
    "promote_notebook",
    "SandboxScaffoldResult",
    "SandboxView",
    "SandboxCheck",
    "SandboxMove",
    "PromotedScript",
    "SandboxScaffoldError",
    "SandboxError",
]

# No module of this package may be called like one of these names: importing the module would put it
# in the place of the name.
_HOMES = {
    "scaffold": "aexp.sandbox.scaffolding",
    "setup_sandbox_notebook": "aexp.sandbox.notebook",
    "slugify": "aexp.domain.sandbox",
    "list_sandboxes": "aexp.sandbox.looking",
    "check_sandboxes": "aexp.sandbox.checking",
    "archive_sandbox": "aexp.sandbox.archiving",
    "promote_notebook": "aexp.sandbox.promoting",
    "PromotedScript": "aexp.sandbox.promoting",
    "SandboxScaffoldResult": "aexp.domain.sandbox",
    "SandboxView": "aexp.sandbox.looking",
    "SandboxCheck": "aexp.sandbox.checking",
    "SandboxMove": "aexp.sandbox.archiving",
    "SandboxScaffoldError": "aexp.domain.errors",
    "SandboxError": "aexp.domain.errors",
}


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
