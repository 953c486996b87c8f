"""The queue's storage on one server."""

from collections.abc import Sequence
from os import fsdecode, fsencode

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.storage.readable import until_readable
from aexp.adapters.storage.redis import rights, scripts
from aexp.adapters.storage.redis.listener import Listener
from aexp.adapters.storage.redis.server import Server
from aexp.domain.errors import StorageFullError, StorageMissingError
from aexp.domain.profiles import ONE_SERVER, Profile
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage
from aexp.ports.transport import TransportOptions

RESERVED_BYTES = 4000
"""What a text may hold for which space was set aside."""
MAX_GROWN_BYTES = 256 << 20
"""What may be appended to one name: half of what the server allows."""


class RedisStorage(QueueStorage):
    """See the package. All threads of the process may share one.

    Args:
        clock: whose time passes in :meth:`wait`. Changes are heard of in real time: with any other clock
            than the machine's none are.
    """

    def __init__(self, server: Server, clock: Clock, options: TransportOptions) -> None:
        self._server = server
        self._clock = clock
        self._durable = options.durable
        hears = options.events and isinstance(clock, SystemClock)
        self._listener = Listener(server.connected) if hears else None
        self._heard = False
        self._set_aside = 0

    @property
    def url(self) -> str:
        return self._server.location.shown

    @property
    def folder(self) -> str | None:
        return None

    @property
    def identity(self) -> str:
        return self._server.location.identity

    @property
    def profile(self) -> Profile:
        return ONE_SERVER

    @property
    def shared(self) -> bool:
        return True

    @property
    def hears(self) -> bool:
        return self._heard

    def list(self, folder: str) -> list[str]:
        done = f"{self._named(folder)} could not be listed"
        held = {*self._server.look(done, scripts.LIST, (self._entries(folder),))}
        if not folder:
            held.update(self._server.look(done, scripts.LIST, (self._folders,)))
        return [fsdecode(entry) for entry in held]

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        done = f"{self._named(name)} could not be read"
        last = -1 if limit is None else offset + limit - 1
        if limit == 0:
            offset, last = 1, 0
        data = self._server.look(done, scripts.READ, (self._content(name),), offset, last)
        if data is None:
            raise StorageMissingError(
                f"{self._named(name)} does not exist.", "It may have moved on: look again."
            )
        return bytes(data)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._write(name, data, scripts.PUT, "written", durable=durable)

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        if follow and self._listener is not None:
            self._listener.follow([self._told(name)])
        return self._write(name, data, scripts.PUT_NEW, "created", durable=durable)

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        told = {self._told(src), self._told(dst)} if tell else set()
        return self._server.change(
            f"{self._named(src)} could not be moved",
            scripts.TAKE,
            (self._content(src), self._entries_of(src), self._content(dst), self._entries_of(dst)),
            *(_entry(src), _entry(dst), _folder(dst), self._folders, self._entries_of(dst), *told),
            durable=durable and self._durable,
        )

    def remove(self, name: str) -> None:
        keys = (self._content(name), self._entries_of(name))
        done = f"{self._named(name)} could not be removed"
        self._server.change(done, scripts.REMOVE, keys, _entry(name))

    def append(self, name: str, data: bytes) -> None:
        keys = (self._content(name), self._entries_of(name))
        where = (_folder(name), self._folders, self._entries_of(name), self._told(name))
        done = f"{self._named(name)} could not be appended to"
        values = (_entry(name), data, *where, MAX_GROWN_BYTES)
        if not self._server.change(done, scripts.APPEND, keys, *values):
            raise StorageFullError(
                f"{done}: it would have more than {MAX_GROWN_BYTES >> 20} MiB.",
                "Remove it when nobody needs it any more.",
            )

    def reserve(self, count: int) -> None:
        """Nothing is set aside: the server lets a small text in that asks for it, also when it is full."""
        self._set_aside = count

    def untrusted(self, folders: Sequence[str]) -> str | None:
        # A server's keys have no owner, and no folder is more open than the one in which requests are left.
        return rights.untrusted(self._server)

    def unguarded(self, folder: str) -> str | None:
        return rights.unguarded(self._server, folder)

    def cautions(self) -> Sequence[tuple[str, str]]:
        return [*rights.cautions(self._server)]

    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        if self._listener is None:
            if also:
                until_readable(also, timeout_s)
            else:
                self._clock.sleep(timeout_s)
            return False
        own = None if file is None else self._told(file)
        channels = [own] if own is not None else [self._entries(folder) for folder in folders]
        # What changed before we listened is not told: whoever asks for something new looks once more.
        if self._listener.follow(channels):
            return False
        heard = self._listener.wait(channels, timeout_s, also)
        self._heard |= heard is not None
        return heard is not None and heard == own

    def _write(
        self, name: str, data: bytes, script: scripts.Script, done: str, *, durable: bool
    ) -> bool:
        keys = (self._content(name), self._entries_of(name))
        values = (_entry(name), data, _folder(name), self._folders, self._entries_of(name))
        failed = f"{self._named(name)} could not be {done}"
        synced = durable and self._durable
        try:
            return self._server.change(failed, script, keys, *values, durable=synced)
        except StorageFullError:
            if not self._set_aside or len(data) > RESERVED_BYTES:
                raise
            self._set_aside -= 1
            return self._server.change(failed, script.forced, keys, *values, durable=synced)

    def _named(self, name: str) -> str:
        return f"{name or 'the queue'} in {self.url}"

    @property
    def _folders(self) -> bytes:
        return self._server.prefix + b".folders"

    def _entries(self, folder: str) -> bytes:
        return self._server.prefix + fsencode(folder)

    def _entries_of(self, name: str) -> bytes:
        return self._server.prefix + _folder(name)

    def _content(self, name: str) -> bytes:
        return b"%s%s/%s" % (self._server.prefix, _folder(name), _entry(name))

    def _told(self, name: str) -> bytes:
        return b"%stold:%s" % (self._server.prefix, _entry(name).partition(b".")[0])


def _folder(name: str) -> bytes:
    return fsencode(name.rpartition("/")[0])


def _entry(name: str) -> bytes:
    return fsencode(name.rpartition("/")[2])
