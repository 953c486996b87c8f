"""A queue on a login node, as a client elsewhere sees it through the gate there: ``ssh://login/~/repository``.

The verbs of the port travel as questions. Those that are no client's moves do not travel at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from aexp.adapters.storage.ssh.address import Address, read_address
from aexp.adapters.storage.ssh.far import SshFarSide
from aexp.adapters.storage.ssh.lasting import ANSWERS_WITHIN_S, Connection, LastingLink
from aexp.adapters.storage.ssh.link import Link
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.domain.far import MAX_WAIT_S
from aexp.domain.frames import MAX_ANSWER, Frame
from aexp.domain.layout import request_of
from aexp.domain.profiles import Profile
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.far import FarSide
from aexp.ports.storage import QueueStorage
from aexp.ports.transport import TransportOptions

MOST_READ = 64 << 20
"""Bytes that one look at a name takes at most, whatever the far side goes on to send."""
ROUND_TRIPS = 2.0
"""How much longer than on a local disk the waits between two looks are: each look crosses the network."""


class SshStorage(QueueStorage):
    """The client's part of the verbs, asked of a gate.

    Args:
        clock: for the pauses between two tries to connect.
        connect: makes a connection.
    """

    def __init__(
        self, address: Address, clock: Clock, connect: Callable[[Address], Connection] = Link
    ) -> None:
        self._address = address
        self._clock = clock
        opening = {"queue": address.queue} if address.queue else {}
        self._link = LastingLink(address, clock, opening, self._opened, connect)
        self._far = SshFarSide(address, self._link)
        self._profile = Profile("ssh", poll_scale=ROUND_TRIPS)
        self._hears = self._shared = False

    @property
    def url(self) -> str:
        return self._address.url

    @property
    def folder(self) -> str | None:
        return None

    @property
    def profile(self) -> Profile:
        return self._profile

    @property
    def hears(self) -> bool:
        return self._hears

    @property
    def shared(self) -> bool:
        """As the gate says of the queue there; False before anything was asked."""
        return self._shared

    @property
    def far(self) -> FarSide:
        return self._far

    def list(self, folder: str) -> list[str]:
        entries = self._ask("list", {"folder": folder}).body.decode("utf-8", "replace")
        return entries.split("\n") if entries else []

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        data = bytearray()
        while limit is None or len(data) < limit:
            piece = MAX_ANSWER if limit is None else min(limit - len(data), MAX_ANSWER)
            parts = {"name": name, "offset": offset + len(data), "limit": piece}
            found = self._ask("read", parts, name).body
            data += found
            if len(found) < piece:
                break
            if len(data) > MOST_READ:
                raise RelayStorageError(
                    f"{visible(name)} has more than {MOST_READ >> 20} MiB.",
                    f"Look at it on the login node: ssh {self._address.named}",
                )
        return bytes(data[:limit])

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        folder, _, entry = name.rpartition("/")
        if folder != layout.CANCEL:
            self._refuse(name)
        self._ask("stop", {"id": entry}, name)

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        folder, _, entry = name.rpartition("/")
        request_id = request_of(entry)
        if folder != layout.INBOX or request_id is None:
            self._refuse(name)
        found = self._link.ask("submit", {"id": request_id}, data, patient=True)
        return found is not None and found.head.get("known") is False

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        self._refuse(src)

    def remove(self, name: str) -> None:
        self._refuse(name)

    def append(self, name: str, data: bytes) -> None:
        self._refuse(name)

    def reserve(self, count: int) -> None:
        """Space is set aside by whoever serves the queue."""

    def untrusted(self, folders: Sequence[str]) -> str | None:
        """Whether it can be trusted is looked at over there, by whoever serves it."""
        return None

    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        if self._link.pause_s:
            # It has failed a moment ago, and time passes here until it is worth trying again.
            self._clock.sleep(min(timeout_s, self._link.pause_s))
            return False
        seconds = min(max(timeout_s, 0.0), MAX_WAIT_S)
        parts = {"folders": [*folders], "seconds": seconds, "file": file}
        try:
            within = seconds + ANSWERS_WITHIN_S
            found = self._link.ask("wait", parts, within_s=within, also=also)
        except RelayStorageError:
            # A hint that could not be had. The look that follows says what is wrong, if it goes on.
            return False
        if found is None:
            return False
        self._hears = found.head.get("hears") is True
        return found.head.get("moved") is True

    def close(self) -> None:
        """End the connection; the next verb makes a new one."""
        self._link.close()

    def _ask(self, verb: str, parts: dict[str, Any], name: str = "") -> Frame:
        found = self._link.ask(verb, parts)
        if found is None:
            raise RelayStorageError(f"{visible(name) or verb} was not answered.", "Try again.")
        return found

    def _opened(self, head: dict[str, Any]) -> None:
        """Take in what the gate says of itself."""
        queue, name, seen = (head.get(key) for key in ("queue", "profile", "seen"))
        if isinstance(queue, str) and queue.isprintable() and not queue.startswith("-"):
            self._address = self._address.serving(queue)
        self._shared = head.get("shared") is True
        host = head.get("host")
        where = f" on {visible(host, limit=80)}" if isinstance(host, str) else ""
        told = visible(seen, limit=40) if isinstance(seen, str) and seen else "its filesystem"
        named = visible(name, limit=20) if isinstance(name, str) else ""
        self._profile = replace(
            self._profile, name=f"ssh, {named}" if named else "ssh", seen=f"{told}{where}"
        )

    def _refuse(self, name: str) -> NoReturn:
        raise RelayStorageError(
            f"{visible(name)} is not changed through {self.url}: a client's moves alone go that way.",
            f"Log in and do it there: ssh {self._address.named}",
        )


def open_ssh_queue(location: str, options: TransportOptions) -> SshStorage:
    """The queue of a login node, through its gate. Nothing connects before something is asked.

    Raises:
        SettingsError: the location names no host, or something that ssh must not be given.
    """
    return SshStorage(read_address(location), options.clock)
