"""How the last daemon of a queue was set up, in a file of this node alone: ``setup-<queue>.json``."""

from pathlib import Path

from aexp.adapters.node_book import NodeBook
from aexp.domain.errors import RelayStorageError
from aexp.domain.serving import Setup
from aexp.ports.last_setup import LastSetup


class NodeSetup(LastSetup):
    """See the module.

    Args:
        path: the file, in a private folder of this machine (see :mod:`aexp.adapters.node_local`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book = NodeBook(path)

    def remember(self, setup: Setup) -> None:
        with self._book.changed() as body:
            body.clear()
            body.update(settings=dict(setup.settings), options=[*setup.options])

    def get(self) -> Setup | None:
        found = self._book.read()
        if not found:
            return None
        settings, options = found.get("settings"), found.get("options")
        if not isinstance(settings, dict) or not isinstance(options, list):
            raise self._damaged()
        if not all(isinstance(word, str) for word in [*settings.values(), *options]):
            raise self._damaged()
        return Setup(settings, tuple(options))

    def _damaged(self) -> RelayStorageError:
        return RelayStorageError(
            f"{self._path} is damaged.",
            "Move it away; it only says how the last daemon was set up.",
        )
