"""The daemon's end of the socket for decisions. Nothing here waits for a client.

A connection is for one question and its answer. It is dropped when it takes longer than
``DEADLINE_S``, and the oldest one goes when there are too many: silent clients cost the daemon little and
cannot keep a person out.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

from aexp.adapters.consent.socket_files import Listener, Peer, peer_of, refuse_second
from aexp.domain.decisions import MAX_QUESTION_BYTES
from aexp.domain.errors import AexpError, RelayBusyError, SettingsError
from aexp.ports.clock import Clock

logger = logging.getLogger("aexp.relay")

DEADLINE_S = 5.0
LOOK_EVERY_S = 5.0
"""Seconds between two looks whether the socket is still where people find it."""
IDLE_S = 1.0
MAX_CONNECTIONS = 32
_CHUNK = 1 << 16

Handler = Callable[[bytes, Peer], bytes]


@dataclass
class _Connection:
    socket: socket
    peer: Peer
    deadline: float
    heard: bytearray = field(default_factory=bytearray)
    answer: memoryview | None = None


class DecisionServer:
    """Listens in the first of some folders that can be used, and moves on when it vanishes.

    Args:
        folders: where the socket may lie, the best first.
        name: the socket's name.
        handler: gives the answer to a line; called only for processes of this user.
    """

    def __init__(self, folders: Sequence[Path], name: str, clock: Clock, handler: Handler) -> None:
        self._folders = folders
        self._name = name
        self._clock = clock
        self._handler = handler
        self._listener: Listener | None = None
        self._connections: list[_Connection] = []
        self._look_due = float("-inf")
        self._last_turn = float("-inf")
        self._accept_due = float("-inf")
        self.trouble: str | None = None

    @property
    def where(self) -> Path | None:
        """The socket's path, None while there is none."""
        return None if self._listener is None else self._listener.path

    def descriptors(self) -> list[int]:
        """What becomes readable when a client comes or says something."""
        if self._clock.monotonic() - self._last_turn > IDLE_S:
            # Nobody takes turns, so whoever waits for these would be woken again and again.
            return []
        found = [one.socket.fileno() for one in self._connections if one.answer is None]
        if self._listener is not None and self._clock.monotonic() >= self._accept_due:
            found.append(self._listener.socket.fileno())
        return found

    def open(self) -> None:
        """Listen, if that is not so already; beside another daemon's socket in any of the folders, refuse.

        Raises:
            RelayBusyError: another process of this user listens under this name already.
            SettingsError: no folder can be used; the text says why for each.
        """
        if self._listener is None:
            for folder in self._folders:
                refuse_second(folder, self._name)
            self._listen(alone=True)

    def _listen(self, *, alone: bool = False) -> None:
        """Listen in the first folder that can be used.

        A daemon that serves and has lost its place takes the next one: whoever sits there now must not keep
        people from it. With ``alone`` it gives way, to a second daemon that began at the same moment.

        Raises:
            SettingsError, RelayBusyError: no folder can be used; the text says why for each.
        """
        problems: list[AexpError] = []
        for folder in self._folders:
            try:
                self._listener = Listener(folder, self._name)
            except AexpError as exc:
                if alone and isinstance(exc, RelayBusyError):
                    raise
                problems.append(exc)
            except OSError as exc:
                problems.append(AexpError(f"{folder}: {exc.strerror or exc}."))
            else:
                self.trouble = None
                logger.info("- socket-open where=%s", self._listener.path)
                return
        raise _no_place(problems)

    def turn(self) -> None:
        """Do everything that can be done now."""
        self._last_turn = self._clock.monotonic()
        self._keep_in_place()
        self._serve()
        self._accept()
        self._serve()

    def close(self) -> None:
        """Give the socket and every connection up."""
        for connection in [*self._connections]:
            self._drop(connection)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _keep_in_place(self) -> None:
        now = self._clock.monotonic()
        if now < self._look_due:
            return
        self._look_due = now + LOOK_EVERY_S
        if self._listener is not None and not self._listener.in_place():
            logger.warning("- socket-lost where=%s", self._listener.path)
            self._listener.close()
            self._listener = None
        try:
            if self._listener is None:
                self._listen()
        except AexpError as exc:
            if self.trouble != exc.what:
                logger.warning("- no-socket error=%r", str(exc))
            self.trouble = exc.what

    def _serve(self) -> None:
        now = self._clock.monotonic()
        for connection in [*self._connections]:
            if now >= connection.deadline or not self._go_on(connection):
                self._drop(connection)

    def _accept(self) -> None:
        now = self._clock.monotonic()
        if self._listener is None or now < self._accept_due:
            return
        # When all places are taken, the oldest client makes room for one more at each turn.
        for _ in range(max(MAX_CONNECTIONS - len(self._connections), 1)):
            try:
                made, _address = self._listener.socket.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                # Too many open files, for example. The client stays in the queue of the kernel.
                logger.warning("- accept-failed error=%r", exc.strerror)
                self._accept_due = now + 1.0
                return
            self._admit(made, now)

    def _admit(self, made: socket, now: float) -> None:
        try:
            peer = peer_of(made)
        except OSError:
            made.close()
            return
        if not peer.is_ours:
            logger.warning("- stranger-refused uid=%d pid=%d", peer.uid, peer.pid)
            made.close()
            return
        made.setblocking(False)
        if len(self._connections) >= MAX_CONNECTIONS:
            self._drop(self._connections[0])
        self._connections.append(_Connection(made, peer, now + DEADLINE_S))

    def _go_on(self, connection: _Connection) -> bool:
        """Hear and answer as far as it goes; False when the connection is over."""
        try:
            if connection.answer is None:
                line = _line(connection)
                if line is None:
                    return True
                if not line:
                    return False
                connection.answer = memoryview(self._handler(line, connection.peer))
            while connection.answer:
                sent = connection.socket.send(connection.answer)
                connection.answer = connection.answer[sent:]
        except BlockingIOError:
            return True
        except OSError:
            # The client has gone, which is its own affair.
            return False
        return False

    def _drop(self, connection: _Connection) -> None:
        self._connections.remove(connection)
        with contextlib.suppress(OSError):
            connection.socket.close()


def _line(connection: _Connection) -> bytes | None:
    """The line so far if it is whole or too long; None when more may come, nothing when none will."""
    while b"\n" not in connection.heard and len(connection.heard) <= MAX_QUESTION_BYTES:
        try:
            chunk = connection.socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not chunk:
            return b""
        connection.heard += chunk
    return bytes(connection.heard.partition(b"\n")[0]) or b" "


def _no_place(problems: Sequence[AexpError]) -> AexpError:
    told = " ".join(problem.what for problem in problems) or "No folder is known for it."
    hint = next((problem.hint for problem in problems if problem.hint), "")
    what = f"There is no place for the socket through which people approve: {told}"
    busy = [problem for problem in problems if isinstance(problem, RelayBusyError)]
    return RelayBusyError(what, busy[0].hint) if busy else SettingsError(what, hint)
