"""What one daemon at a time may do in a queue that several serve: work in a working copy, sweep.

A lock is a name that carries its holder's: ``lease/<what>.<D>``. Whoever wants it adds its own and then lists
them. Alone it has the lock; otherwise it takes its own away again and tries later. Two that come at the same
moment may both step back, and never both go on. A dead holder's name is removed by whoever meets it, and
removing it twice harms nobody, because nobody else's name is the same.
"""

from contextlib import suppress

from aexp.airgapped.owners import Owners
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.ports.storage import QueueStorage


class Locks:
    """One daemon's locks in a queue that several may serve; where only one may, it has them all.

    They keep daemons out of each other's way, and that is all: the tokens see to it that nothing runs twice.
    """

    def __init__(self, storage: QueueStorage, me: str, owners: Owners) -> None:
        self._storage = storage
        self._me = me
        self._owners = owners
        self._held: set[str] = set()
        self._left: set[str] = set()

    def try_for(self, what: str) -> bool:
        """Take the lock if nobody has it; True also when we have it already. Never waits.

        Args:
            what: names the lock; no dots and slashes.

        Raises:
            RelayStorageError: the storage failed; we do not have it.
        """
        if not self._storage.shared or what in self._held:
            return True
        if self._is_others(what):
            return False
        self._left.add(what)  # Until we know that it is ours, it is to be removed.
        self._storage.put(self._name(what), b"", durable=False)
        if self._is_others(what):
            self._remove(what)
            return False
        self._left.discard(what)
        self._held.add(what)
        return True

    def let_go(self, what: str) -> None:
        """Give the lock back. One that cannot be removed now is removed by :meth:`tidy`."""
        if what in self._held:
            self._held.discard(what)
            self._left.add(what)
            self._remove(what)

    def tidy(self) -> None:
        """Remove what could not be removed before; to be called now and then."""
        for what in sorted(self._left):
            self._remove(what)

    def let_all_go(self) -> None:
        """Give all of them back: this daemon ends."""
        for what in sorted(self._held):
            self.let_go(what)

    def _is_others(self, what: str) -> bool:
        for entry in self._storage.list(layout.LEASE):
            name, _, owner = entry.partition(".")
            if name != what or owner == self._me:
                continue
            if not self._owners.is_dead(owner):
                return True
            self._storage.remove(f"{layout.LEASE}/{entry}")
        return False

    def _remove(self, what: str) -> None:
        with suppress(RelayStorageError):
            self._storage.remove(self._name(what))
            self._left.discard(what)

    def _name(self, what: str) -> str:
        return f"{layout.LEASE}/{what}.{self._me}"
