"""A memory of destinations that ends with the process, for tests and for daemons that shall forget."""

from collections.abc import Sequence
from pathlib import Path

from aexp.domain.destinations import Destination
from aexp.ports.pins import Pins


class MemoryPins(Pins):
    """Destinations in a dictionary."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[tuple[str, str], Destination]] = {}

    def known(self, root: Path) -> Sequence[Destination]:
        return tuple(self._known.get(root, {}).values())

    def remember(self, root: Path, destinations: Sequence[Destination]) -> None:
        self._known.setdefault(root, {}).update({one.key: one for one in destinations})

    def forget(self, root: Path) -> int:
        return len(self._known.pop(root, {}))

    def all(self) -> dict[str, Sequence[Destination]]:
        return {str(root): tuple(found.values()) for root, found in self._known.items()}
