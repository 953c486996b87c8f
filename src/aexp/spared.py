"""Importing a library without what it would load beside it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def spared(*modules: str) -> Iterator[None]:
    """While this lasts, modules that are not loaded yet cannot be: as if they were not installed.

    For libraries that hook into others where those are there. Only where no other thread imports anything.
    """
    kept_out = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept_out))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in kept_out:
            del sys.modules[name]
