"""The measures by name, in the order in which they begin.

Each is one module with a ``measure`` function. Where that is a generator (see :data:`benchmarks.bench.Rest`),
those after it are taken while it rests.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import cast

from benchmarks.bench import Measure

NAMES = (
    "idle",
    "round_trip",
    "many_clients",
    "drain",
    "queue_only",
    "long_command",
    "operations",
    "start",
    "after_quiet",
    "memory",
)


def chosen(only: str | None) -> Sequence[str]:
    """The measures that a comma-separated list names, in their order; all for None.

    Raises:
        ValueError: the list names one that does not exist.
    """
    if not only:
        return NAMES
    wanted = {name.strip() for name in only.split(",") if name.strip()}
    unknown = sorted(wanted - set(NAMES))
    if unknown:
        raise ValueError(f"There is no measure {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    return [name for name in NAMES if name in wanted]


def load(name: str) -> Measure:
    """The function that takes the measure."""
    return cast(Measure, import_module(f"{__name__}.{name}").measure)
