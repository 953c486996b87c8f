"""The grants of a queue, in a file of this node alone: ``grants-<queue>.json``, ``{id: {...}}``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aexp.adapters.node_book import NodeBook
from aexp.adapters.node_local import queue_digest
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStorageError
from aexp.domain.grants import Grant, Scope
from aexp.ports.grants import GrantMemory


class NodeGrants(GrantMemory):
    """See the module.

    Args:
        folder: the node-local folder (see :mod:`aexp.adapters.node_local`).
        queue: the queue's folder, or its URL where it has none.
    """

    def __init__(self, folder: Path, queue: str) -> None:
        self._path = folder / f"grants-{queue_digest(queue)[:12]}.json"
        self._book = NodeBook(self._path)

    def all(self) -> Sequence[Grant]:
        try:
            return [_grant(found) for found in self._book.read().values()]
        except (KeyError, TypeError, ValueError) as exc:
            raise RelayStorageError(
                f"{self._path} is damaged: {exc!r}.",
                "Move it away; what it held is granted no more.",
            ) from exc

    def remember(self, grant: Grant) -> None:
        with self._book.changed() as body:
            body[grant.id] = asdict(grant)

    def forget(self, ids: Sequence[str]) -> None:
        with self._book.changed() as body:
            for grant_id in ids:
                body.pop(grant_id, None)


def _grant(found: Mapping[str, Any]) -> Grant:
    scope = found["scope"]
    places = tuple(Destination(**one) for one in scope["destinations"])
    return Grant(**{**found, "scope": Scope(**{**scope, "destinations": places})})
