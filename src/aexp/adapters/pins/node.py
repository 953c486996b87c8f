"""Where each working copy was allowed to connect, in a file of this node alone."""

from collections.abc import Sequence
from pathlib import Path

from aexp.adapters.node_book import NodeBook
from aexp.domain.destinations import Destination
from aexp.ports.pins import Pins


class NodePins(Pins):
    """Destinations in ``pins.json``: ``{root: {"remote verb": [url, lfs_url]}}``."""

    def __init__(self, folder: Path) -> None:
        self._book = NodeBook(folder / "pins.json")

    def known(self, root: Path) -> list[Destination]:
        return _destinations(self._book.read().get(str(root)))

    def remember(self, root: Path, destinations: Sequence[Destination]) -> None:
        with self._book.changed() as body:
            known = body.setdefault(str(root), {})
            for one in destinations:
                known[f"{one.remote} {one.verb}"] = [one.url, one.lfs_url]

    def forget(self, root: Path) -> int:
        with self._book.changed() as body:
            return len(body.pop(str(root), {}))

    def all(self) -> dict[str, Sequence[Destination]]:
        return {root: _destinations(found) for root, found in self._book.read().items()}


def _destinations(found: object) -> list[Destination]:
    if not isinstance(found, dict):
        return []
    pins = []
    for key, value in found.items():
        remote, _, verb = key.partition(" ")
        pins.append(Destination(remote, verb, str(value[0]), str(value[1])))
    return pins
