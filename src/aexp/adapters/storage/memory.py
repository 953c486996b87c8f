"""A queue in this process's memory: for tests, simulations and trying things out."""

import threading
from collections.abc import Sequence

from aexp.adapters.storage.readable import until_readable
from aexp.domain.errors import SettingsError, StorageMissingError
from aexp.domain.profiles import POSIX, Profile
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage
from aexp.ports.transport import TransportOptions


class Memory:
    """What a queue holds, for as many storages as are made for it: its entries by folder, and their lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.folders: dict[str, dict[str, bytes]] = {}


class MemoryStorage(QueueStorage):
    """Every instance is a queue of its own, unless it is given one; all threads of the process may share it.

    Args:
        clock: whose ``sleep`` lets the time of :meth:`wait` pass; a manual clock makes it virtual.
        memory: the queue, where others have it as well.
        name: what the queue is called.
        shared: whether several daemons may serve it at once.
    """

    def __init__(
        self,
        clock: Clock,
        memory: Memory | None = None,
        name: str = "",
        *,
        shared: bool = False,
    ) -> None:
        memory = memory or Memory()
        self._clock = clock
        self._name = name
        self._shared = shared
        self._lock = memory.lock
        self._folders = memory.folders

    @property
    def url(self) -> str:
        return f"memory://{self._name}"

    @property
    def folder(self) -> str | None:
        return None

    @property
    def profile(self) -> Profile:
        return POSIX

    @property
    def shared(self) -> bool:
        return self._shared

    @property
    def hears(self) -> bool:
        return False

    def list(self, folder: str) -> list[str]:
        with self._lock:
            entries = [*self._folders.get(folder, ())]
            if not folder:
                entries += [name for name, held in self._folders.items() if name and held]
            return entries

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        folder, entry = _split(name)
        with self._lock:
            try:
                data = self._folders[folder][entry]
            except KeyError:
                raise StorageMissingError(
                    f"{name} is not in the queue {self.url}.", "It may have moved on: look again."
                ) from None
        return data[offset:] if limit is None else data[offset : offset + limit]

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        folder, entry = _split(name)
        with self._lock:
            self._folders.setdefault(folder, {})[entry] = data

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        folder, entry = _split(name)
        with self._lock:
            return self._folders.setdefault(folder, {}).setdefault(entry, data) == data

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        folder, entry = _split(src)
        with self._lock:
            data = self._folders.get(folder, {}).pop(entry, None)
            if data is not None:
                self.put(dst, data)
            return data is not None

    def remove(self, name: str) -> None:
        folder, entry = _split(name)
        with self._lock:
            self._folders.get(folder, {}).pop(entry, None)

    def append(self, name: str, data: bytes) -> None:
        folder, entry = _split(name)
        with self._lock:
            held = self._folders.setdefault(folder, {})
            held[entry] = held.get(entry, b"") + data

    def reserve(self, count: int) -> None:
        """Memory does not fill up before the process does."""

    def untrusted(self, folders: Sequence[str]) -> str | None:
        """Memory belongs to its process alone."""
        return None

    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        if also:
            until_readable(also, timeout_s)
        else:
            self._clock.sleep(timeout_s)
        return False


def _split(name: str) -> tuple[str, str]:
    folder, _, entry = name.rpartition("/")
    return folder, entry


_NAMED: dict[str, Memory] = {}


def open_memory_queue(location: str, options: TransportOptions) -> MemoryStorage:
    """The queue of this name in this process; it comes into being when it is first asked for.

    Raises:
        SettingsError: the name is not printable.
    """
    if not location.isprintable():
        raise SettingsError(
            f"The queue's name is not printable: {visible(location)}.", "Write memory://name."
        )
    return MemoryStorage(options.clock, _NAMED.setdefault(location, Memory()), location)
