"""A memory of grants that ends with the process, for tests and for daemons that shall forget."""

from collections.abc import Sequence

from aexp.domain.grants import Grant
from aexp.ports.grants import GrantMemory


class MemoryGrants(GrantMemory):
    """Grants in a dictionary."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}

    def all(self) -> Sequence[Grant]:
        return tuple(self._grants.values())

    def remember(self, grant: Grant) -> None:
        self._grants[grant.id] = grant

    def forget(self, ids: Sequence[str]) -> None:
        for grant_id in ids:
            self._grants.pop(grant_id, None)
