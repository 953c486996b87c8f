"""An interpreter that has imported what another one had, and does nothing with it.

The order ``{"modules": [names]}`` gives its resident kilobytes.
"""

import contextlib
from importlib import import_module
from typing import Any

from benchmarks.procfs import rss_kb
from benchmarks.programs.orders import obey


def act(order: dict[str, Any]) -> float:
    """Import the modules; those that cannot be imported by name are left out."""
    for name in order["modules"]:
        with contextlib.suppress(ImportError):
            import_module(name)
    return rss_kb("self")


if __name__ == "__main__":
    obey(act)
