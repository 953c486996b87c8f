"""A login node's decisions over a socket, and people at it, in one process."""

import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.login import SocketDecisions
from aexp.adapters.consent.socket_client import SocketLine
from aexp.adapters.consent.socket_files import connect
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.errors import RelayNotFoundError, RelayRejectedError
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.petition import Petition
from aexp.ports.consent import Granting

ONE, TWO = "1" * 32, "1" * 31 + "2"
NAME = "q.sock"
PATIENCE_S = 20.0


def petition(request_id: str = ONE, **more: Any) -> Petition:
    """A request that waits."""
    return Petition(request_id, "wandb_sync", ("run-1",), "/home/ada/x", "/home/ada/x", **more)


class Counter(Granting):
    """Grants of a daemon that offers anything to anybody."""

    def __init__(self) -> None:
        self.offers: dict[str, GrantOffer] = {}
        self.given: dict[str, GrantLine] = {}

    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        if op != "wandb_sync":
            raise RelayRejectedError("The grant's op is unknown: \x1b[2K", "Allowed: wandb_sync.")
        made = GrantOffer(op, cwd, ("wandb (sync): u",), seconds, 5.0, nonce=str(len(self.offers)))
        self.offers[made.digest] = made
        return made

    def give(self, digest: str, *, keep: bool, by: str) -> GrantLine:
        offer = self.offers.pop(digest, None)
        if offer is None:
            raise RelayRejectedError("What was to be granted is not on offer.", "Look again.")
        name = f"{len(self.given):016x}"
        self.given[name] = GrantLine(
            name, offer.op, offer.root, offer.destinations, offer.seconds, 5.0, 0, keep, by
        )
        return self.given[name]

    def live(self) -> list[GrantLine]:
        return [*self.given.values()]

    def revoke(self, prefix: str, by: str) -> GrantLine:
        if prefix not in self.given:
            raise RelayNotFoundError("No grant begins so.", "Look at the list.")
        return self.given.pop(prefix)


class Login:
    """A daemon's decisions on a login node, and people at its socket."""

    def __init__(self, *folders: Path) -> None:
        self.folders = [*folders]
        self.clock = ManualClock()
        self.storage = MemoryStorage(self.clock)
        self.decisions = SocketDecisions(self.storage, folders, NAME, self.clock, "login1")
        self.line = SocketLine(folders, NAME, PATIENCE_S)
        self._clients = ExitStack()

    def __enter__(self) -> "Login":
        return self

    def __exit__(self, *_: object) -> None:
        self._clients.close()
        self.decisions.close()

    def client(self, say: bytes = b"") -> socket.socket:
        """A connection that has said this much and is closed at the end."""
        made = self._clients.enter_context(connect(self.folders[0], NAME, PATIENCE_S))
        made.sendall(say)
        return made

    def asking(self, ask: Callable[[], Any]) -> Any:
        """What a person's shell gets, while the daemon takes its turns as it does in its loop."""
        told: list[Any] = []

        def run() -> None:
            try:
                told.append(ask())
            except Exception as exc:  # noqa: BLE001 - handed over to the test's own thread
                told.append(exc)
            finally:
                os.write(done_write, b"x")

        self.decisions.collect(())
        done_read, done_write = os.pipe()
        person = threading.Thread(target=run)
        person.start()
        while person.is_alive():
            self.decisions.collect((ONE, TWO))
            select.select([*self.decisions.descriptors(), done_read], [], [], 0.2)
        person.join()
        os.close(done_read)
        os.close(done_write)
        if isinstance(told[0], Exception):
            raise told[0]
        return told[0]

    def approved(self) -> list[str]:
        """What counts as approved now."""
        return sorted(self.decisions.collect((ONE, TWO)).approved)


def is_hung_up(client: socket.socket) -> bool:
    """Whether the daemon has closed this connection without a word."""
    try:
        return client.recv(1 << 16) == b""
    except ConnectionResetError:
        return True
