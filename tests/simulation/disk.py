"""The queue's storage in a run: one truth, seen by each process through its node's caches and faults."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain import layout
from tests.simulation.faults import RESERVED_BYTES

if TYPE_CHECKING:
    from tests.simulation.nodes import SimProcess

GHOST_S = 3.0
"""Seconds for which another node may still list what was removed: the port promises what *is* listed."""

SOLID = (layout.APPROVED, layout.REJECTED)
"""Folders without ghosts: consent relies on a removed approval being seen to be gone (seed 477 did not)."""


class Disk(MemoryStorage):
    """What is really there. Tells ``on_write`` of everything that appears under a name.

    Args:
        clock: any; the disk itself never sleeps.
    """

    def __init__(self, clock: "SimProcess | None" = None) -> None:
        super().__init__(clock)  # type: ignore[arg-type]
        self.on_write: Callable[[str, bytes], None] = lambda name, data: None
        self.on_remove: Callable[[str], None] = lambda name: None

    def has(self, name: str) -> bool:
        """Whether there is such a name."""
        folder, _, entry = name.rpartition("/")
        return entry in self._folders.get(folder, {})

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        super().put(name, data)
        self.on_write(name, data)

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        was_there = self.has(name)
        won = super().put_new(name, data)
        if not was_there:
            self.on_write(name, data)
        return won

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        # The shared home's adapter says that a repeat of its own move was made (`_arrived`); so do we.
        return super().take(src, dst) or self.has(dst)

    def remove(self, name: str) -> None:
        if self.has(name):
            self.on_remove(name)
        super().remove(name)


class NodeStorage(MemoryStorage):
    """One process's view of a disk. It is a memory storage for what the port may gain some day.

    Args:
        ghosts: what was removed lately, of all nodes: folder to (when, entry, node).
    """

    def __init__(self, disk: Disk, process: "SimProcess") -> None:
        super().__init__(process, shared=process.stage.crowd)
        self._disk = disk
        self._process = process

    @property
    def url(self) -> str:
        return "sim://"

    def list(self, folder: str) -> list[str]:
        return self._process.call("list", folder, lambda: self._listed(folder))

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        return self._process.call("read", name, lambda: self._disk.read(name, offset, limit))

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._process.call(
            "put", name, lambda: self._disk.put(name, data), changes=True, size=len(data)
        )

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        return self._process.call(
            "put_new",
            name,
            lambda: self._disk.put_new(name, data),
            changes=True,
            size=len(data),
        )

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        def move() -> bool:
            was_there = self._disk.has(src)
            moved = self._disk.take(src, dst)
            if was_there:
                self._gone(src)
            return moved

        return self._process.call("take", f"{src} {dst}", move, changes=True)

    def remove(self, name: str) -> None:
        def remove() -> None:
            if self._disk.has(name):
                self._gone(name)
            self._disk.remove(name)

        self._process.call("remove", name, remove, changes=True)

    def append(self, name: str, data: bytes) -> None:
        self._process.call(
            "append", name, lambda: self._disk.append(name, data), changes=True, size=len(data)
        )

    def reserve(self, count: int) -> None:
        # What is set aside already is there on a full disk as well.
        needed = None if count <= self._process.spare else RESERVED_BYTES + 1
        self._process.call("reserve", str(count), lambda: self._keep(count), size=needed)

    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        # The port lets it return early and sleep through a change; a queue on disk knows no more.
        dice = self._process.stage.engine.random
        early = dice.random() < 0.1
        self._process.sleep(timeout_s * dice.random() if early else timeout_s)
        return False

    def _listed(self, folder: str) -> "list[str]":
        entries = self._disk.list(folder)
        stage = self._process.stage
        if not stage.faults.ghosts or folder in SOLID:
            return entries
        oldest, node = stage.engine.now - GHOST_S, self._process.host.name
        kept = [gone for gone in stage.ghosts[folder] if gone[0] > oldest]
        stage.ghosts[folder] = kept
        dice = stage.engine.random
        seen = {name for _, name, where in kept if where != node and dice.random() < 0.5}
        return entries + sorted(seen.difference(entries))

    def _keep(self, count: int) -> None:
        self._process.spare = count

    def _gone(self, name: str) -> None:
        stage = self._process.stage
        if stage.faults.ghosts:
            folder, _, entry = name.rpartition("/")
            stage.ghosts[folder].append((stage.engine.now, entry, self._process.host.name))


Ghosts = defaultdict[str, list[tuple[float, str, str]]]
