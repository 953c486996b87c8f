"""One server, asked by the threads of one process: connections, repeats, errors."""

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from aexp.adapters.storage.redis.failures import is_passing, translated
from aexp.adapters.storage.redis.location import Location
from aexp.adapters.storage.redis.scripts import Script
from aexp.domain.errors import RelayStorageError
from aexp.ports.clock import Clock

T = TypeVar("T")

ATTEMPTS = 12
"""Tries while the server is away: 5 s together, long enough for a restart, where it refuses at once."""
PATIENT_FOR_S = 10.0
"""Seconds after which nothing is tried again; one that does not answer costs its timeout each time."""
FIRST_WAIT_S = 0.02
MOST_WAIT_S = 1.0
SYNCED_WITHIN_MS = 5000
NO_SYNC = ("unknown command", "appendonly is disabled", "no permissions", "NOPERM")


class Writer(threading.local):
    """What one thread of this process has: a connection, a name, and the number of its last change.

    After a fork the child gets its own: two that wrote under one name would take each other's
    outcomes for theirs.
    """

    def __init__(self, connect: "Callable[[], redis.Redis]") -> None:
        self._connect = connect
        self._begin()

    def _begin(self) -> None:
        self.pid = os.getpid()
        self.name = os.urandom(16).hex()
        self.number = 0
        self.client = self._connect()

    def fresh(self) -> "Writer":
        """The same, if this is still the process that it was made in."""
        if self.pid != os.getpid():
            self._begin()
        return self


class Server:
    """See the module. Connects at the first use.

    Args:
        clock: for the waits between two tries.
    """

    def __init__(self, location: Location, clock: Clock) -> None:
        self.location = location
        self._clock = clock
        self._writer = Writer(self.connected)
        self._away = False
        self._syncs = True
        # By user, so that rights can keep one from writing what another would take for its own outcome.
        self._user = quote(location.user or "default", safe="").encode()

    def connected(self, *, as_nobody: bool = False) -> redis.Redis:
        """A client for one thread. It neither repeats anything by itself nor decodes what it is given.

        Args:
            as_nobody: without the user and the password.
        """
        where = self.location
        if as_nobody:
            where = replace(where, user="", password="")
        how: dict[str, Any] = {
            "db": where.db,
            "username": where.user or None,
            "password": where.password or None,
            "socket_timeout": where.timeout_s,
            "socket_connect_timeout": where.timeout_s,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,
        }
        if where.tls:
            files = {"ca_certs": where.ca, "certfile": where.cert, "keyfile": where.key}
            how |= {"ssl": True} | {f"ssl_{name}": path for name, path in files.items() if path}
        place: dict[str, Any] = {"host": where.host, "port": where.port}
        if where.socket:
            place = {"unix_socket_path": where.socket}
        client = redis.Redis(**place, **how)
        # Also at the end of the process: redis-py would leave its sockets to the collector.
        weakref.finalize(client, client.connection_pool.disconnect)
        return client

    def ask(self, done: str, *command: Any) -> Any:
        """The server's answer to a command that changes nothing.

        Args:
            done: what it is for, such as ``inbox could not be listed``.

        Raises:
            RelayStorageError: there is none.
        """
        return self._patiently(done, lambda: self._writer.fresh().client.execute_command(*command))

    def look(self, done: str, script: Script, keys: Sequence[bytes], *values: Any) -> Any:
        """The outcome of a script that changes nothing."""
        return self._patiently(
            done, lambda: run(self._writer.fresh().client, script, keys, *values)
        )

    def change(
        self, done: str, script: Script, keys: Sequence[bytes], *values: Any, durable: bool = False
    ) -> bool:
        """The outcome of a script that changes something; done once, also where it is sent twice.

        Args:
            keys: without the writer's own.
            values: without the change's number.
            durable: whether the server has it on its disk on return, as far as it can tell.

        Raises:
            RelayStorageError: it was refused, or it is not known whether it was made.
        """
        writer = self._writer.fresh()
        writer.number += 1
        own = b"%s.last/%s/%s" % (self.prefix, self._user, writer.name.encode())

        def send() -> bool:
            return bool(run(writer.client, script, (own, *keys), writer.number, *values))

        outcome = self._patiently(done, send)
        if durable and outcome and self._syncs:
            self._sync(done, writer.client)
        return outcome

    def facts(self) -> dict[str, str]:
        """What the server tells of itself."""
        told = self.ask("the server could not be asked how it is set up", "INFO")
        return {name: str(value) for name, value in told.items()}

    @property
    def prefix(self) -> bytes:
        """How all keys of this queue begin."""
        return b"aexp:{%s}:" % self.location.name.encode()

    def _sync(self, done: str, client: redis.Redis) -> None:
        """Wait until what this connection has written is on the server's disk, if the server tells that."""
        try:
            local, _ = client.execute_command("WAITAOF", 1, 0, SYNCED_WITHIN_MS)
        except RedisError as exc:
            if any(text in str(exc) for text in NO_SYNC):
                # Told at the start of a daemon, see `cautions`. What the server is set to do counts.
                self._syncs = False
                return
            raise translated(exc, self.location.server, f"{done} durably") from exc
        if local < 1:
            raise RelayStorageError(
                f"{done} durably: the disk of {self.location.server} did not take it within "
                f"{SYNCED_WITHIN_MS // 1000} s.",
                "Look at the server's disk; what was written is in its memory.",
            )

    def _patiently(self, done: str, send: Callable[[], T]) -> T:
        try:
            answer = self._tried(send)
        except RedisError as exc:
            self._away = is_passing(exc)
            raise translated(exc, self.location.server, done) from exc
        self._away = False
        return answer

    def _tried(self, send: Callable[[], T]) -> T:
        give_up = self._clock.monotonic() + PATIENT_FOR_S
        try:
            return send()
        except RedisError as exc:
            # One that was away for all of the last call is asked once: a daemon has other things to do.
            if not is_passing(exc) or self._away:
                raise
        import tenacity

        again = tenacity.Retrying(
            stop=lambda state: (
                state.attempt_number >= ATTEMPTS - 1 or self._clock.monotonic() >= give_up
            ),
            wait=tenacity.wait_exponential(multiplier=FIRST_WAIT_S, max=MOST_WAIT_S),
            retry=tenacity.retry_if_exception(is_passing),
            sleep=self._clock.sleep,
            reraise=True,
        )
        self._clock.sleep(FIRST_WAIT_S)
        return again(send)


def run(client: redis.Redis, script: Script, keys: Sequence[bytes], *values: Any) -> Any:
    """The outcome of a script; the server is told the text only if it does not know it yet."""
    ending = "" if script.writes else "_RO"
    rest = (len(keys), *keys, *values)
    try:
        return client.execute_command(f"EVALSHA{ending}", script.digest, *rest)
    except NoScriptError:
        return client.execute_command(f"EVAL{ending}", script.text, *rest)
