"""What this kernel knows: where its notebook lies, and whose modules it has imported."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from aexp.domain.sandbox import slug_in

HELPERS = "helpers"

# The folders that were put on ``sys.path`` here: only these are taken off again.
_entered: set[str] = set()


def kernel_folder() -> Path | None:
    """The folder in which this kernel works; None when it is gone, as after a switch of branches."""
    try:
        return Path.cwd().resolve()
    except FileNotFoundError:
        return None


def notebook_folders() -> Iterator[Path]:
    """The folders in which this kernel's notebook lies by what Jupyter and its kin say, the surest first.

    VS Code puts the path into the notebook's own variables. Jupyter puts it into the environment, where
    a program that the kernel starts, and so another kernel, can inherit it.
    """
    told = getattr(sys.modules.get("__main__"), "__vsc_ipynb_file__", None)
    for path in (told, os.environ.get("JPY_SESSION_NAME")):
        folder = _folder(path) if isinstance(path, str) and path else None
        if folder is not None:
            yield folder.resolve()


def _folder(path: str) -> Path | None:
    """The folder of a notebook at this path; a relative one counts from a folder around the kernel's."""
    if not os.path.isabs(path):
        here = kernel_folder()
        found = (base / path for base in (here, *here.parents)) if here else ()
        return next((file.parent for file in found if os.path.isfile(file)), None)
    # Jupyter joins the notebook's folder and its name, which may be a path itself, and the notebook
    # may have been moved since: what is left of the path is looked for.
    return next((folder for folder in Path(path).parents if os.path.isdir(folder)), None)


def enter(sandbox: Path) -> list[str]:
    """Put the sandbox first on ``sys.path``, and forget what was imported from other ones.

    Returns:
        The modules that were forgotten: ``helpers`` of anywhere else, and those of other sandboxes that
        were entered before.
    """
    entry = str(sandbox)
    others = _entered - {entry}
    sys.path[:] = [
        entry,
        *(path for path in sys.path if path != entry and not _of_another(path, sandbox, others)),
    ]
    stale = [
        name for name, module in [*sys.modules.items()] if _stale(name, module, sandbox, others)
    ]
    for name in stale:
        del sys.modules[name]
    _entered.clear()
    _entered.add(entry)
    # A helpers.py may be younger than what the import system remembers of its folder.
    importlib.invalidate_caches()
    return stale


def _of_another(path: str, sandbox: Path, others: set[str]) -> bool:
    """Whether this entry of ``sys.path`` is another sandbox: one entered before, or one beside this one.

    The kernel's own folder is among the entries, and may be the sandbox of another notebook.
    """
    if not os.path.isabs(path) and kernel_folder() is None:
        return False
    folder = Path(path).resolve()
    beside = folder.parent == sandbox.parent and folder != sandbox
    return path in others or (beside and slug_in(folder.name) is not None)


def _stale(name: str, module: ModuleType, sandbox: Path, others: set[str]) -> bool:
    home = _home(module)
    if name == HELPERS or name.startswith(f"{HELPERS}."):
        return home is None or not home.is_relative_to(sandbox)
    return home is not None and any(home.is_relative_to(other) for other in others)


def _home(module: ModuleType) -> Path | None:
    """The file of a module, or the folder of a package without one."""
    place = getattr(module, "__file__", None)
    if not isinstance(place, str):
        folders = [*(getattr(module, "__path__", None) or ())]
        place = folders[0] if folders and isinstance(folders[0], str) else None
    return Path(place).resolve() if place and os.path.isabs(place) else None
