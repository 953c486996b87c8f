"""A connection that lasts longer than each single one: made when needed, and again when it has ended."""

import os
import threading
import weakref
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aexp.adapters.storage.ssh.address import Address
from aexp.adapters.storage.ssh.link import Link
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import FINAL, Broken
from aexp.domain.far_errors import raised
from aexp.domain.frames import Frame
from aexp.ports.clock import Clock

ANSWERS_WITHIN_S = 20.0
"""Seconds for what a file server that works does in one."""
OPENS_WITHIN_S = 100.0
"""Seconds for the first answer, before which a daemon may be started over there."""
PATIENT_FOR_S = 30.0
"""Seconds in which a question that must not be lost is asked again over new connections."""
FIRST_PAUSE_S = 0.3
LONGEST_PAUSE_S = 8.0
_NO_USE = FINAL | {Broken.SILENT}


class Connection(Protocol):
    """What a :class:`Link` is to its users.

    Attributes:
        pid: the process that made it.
    """

    pid: int

    @abstractmethod
    def ask(
        self,
        verb: str,
        parts: dict[str, Any],
        body: bytes,
        within_s: float,
        also: Sequence[int] = (),
    ) -> Frame | None:
        """See :meth:`Link.ask`."""

    @abstractmethod
    def close(self) -> None:
        """See :meth:`Link.close`."""


class LastingLink:
    """Asks one gate, over as many connections as it takes; for any number of threads.

    Args:
        opening: what is said first on each connection.
        opened: called with what the gate says of itself.
        connect: makes a connection.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        opening: dict[str, Any],
        opened: Callable[[dict[str, Any]], None],
        connect: "Callable[[Address], Connection]" = Link,
    ) -> None:
        self._address = address
        self._clock = clock
        self._opening = opening
        self._opened = opened
        self._connect = connect
        self._link: Connection | None = None
        self._end: weakref.finalize[Any, Any] | None = None
        self._making = threading.Lock()
        self._failures = 0
        self._due = float("-inf")

    @property
    def pause_s(self) -> float:
        """Seconds until it is worth connecting again; 0 while there is a connection."""
        return 0.0 if self._link is not None else max(self._due - self._clock.monotonic(), 0.0)

    def ask(
        self,
        verb: str,
        parts: dict[str, Any],
        body: bytes = b"",
        *,
        within_s: float = ANSWERS_WITHIN_S,
        also: Sequence[int] = (),
        patient: bool = False,
    ) -> Frame | None:
        """The answer; None when one of the descriptors in ``also`` was readable before.

        A question that met the end of a connection, and not silence, is asked once more over a new one.

        Args:
            patient: whether new connections are tried for some time. From the second time on the question
                then says ``again``: whether the first was heard is not known.

        Raises:
            RelayConnectionError: no answer could be had.
            RelayError: the gate's own.
        """
        deadline = self._clock.monotonic() + PATIENT_FOR_S
        heard = False
        while True:
            link = self._linked_again(deadline) if patient and heard else self._linked()
            more = {"again": heard} if patient else {}
            try:
                answer = link.ask(verb, {**parts, **more}, body, within_s, also)
            except RelayConnectionError as exc:
                self._forget(link)
                self._failed(connected=True)
                late = self._clock.monotonic() >= deadline
                if (late if patient else heard) or exc.kind in _NO_USE:
                    raise
                heard = True
                continue
            self._failures = 0
            return None if answer is None else _told(answer)

    def close(self) -> None:
        """End the connection that there is."""
        self._forget(self._link)

    def _linked_again(self, deadline: float) -> Connection:
        while True:
            try:
                return self._linked()
            except RelayConnectionError as exc:
                if exc.kind in FINAL or self._clock.monotonic() >= deadline:
                    raise

    def _linked(self) -> Connection:
        with self._making:
            if self._link is not None and self._link.pid != os.getpid():
                # A fork's copy: the connection is its parent's.
                self._link = self._end = None
            if self._link is None:
                self._clock.sleep(self.pause_s)
                try:
                    self._link = self._made()
                except RelayConnectionError:
                    self._failed(connected=False)
                    raise
                self._end = weakref.finalize(self, self._link.close)
            return self._link

    def _failed(self, *, connected: bool) -> None:
        """See to a pause, unless the first of all is a connection that was good before."""
        self._failures += 1
        pause = min(FIRST_PAUSE_S * 2 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._due = self._clock.monotonic() + (0 if connected and self._failures == 1 else pause)

    def _made(self) -> Connection:
        link = self._connect(self._address)
        try:
            answer = link.ask("open", self._opening, b"", OPENS_WITHIN_S)
            self._opened({} if answer is None else _told(answer).head)
        except BaseException:
            link.close()
            raise
        return link

    def _forget(self, link: Connection | None) -> None:
        if link is not None and link is self._link:
            self._link = None
            if self._end is not None:
                self._end.detach()
        if link is not None:
            link.close()


def _told(answer: Frame) -> Frame:
    error = answer.head.get("error")
    if isinstance(error, dict):
        raise raised(error)
    return answer
