"""A connection without ssh: questions go straight to a gate in this process."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.storage.ssh.address import Address
from aexp.adapters.storage.ssh.storage import SshStorage
from aexp.airgapped.asked import GateClosedError
from aexp.airgapped.defaults import cwd_policy
from aexp.airgapped.gate import Gate
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import Broken
from aexp.domain.frames import MAX_ANSWER, MAX_QUESTION, Frame, FrameReader
from aexp.domain.identity import ProcessId
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

LAPTOP = str(ProcessId("laptop", 7, 7, "00000007"))


def gate_of(
    storage: QueueStorage,
    clock: Clock,
    processes: Processes | None = None,
    **more: Any,
) -> Gate:
    """A gate before a queue of this home."""
    processes = processes or FakeProcesses("login1")
    queue = RelayQueue(storage, processes, clock)
    policy = cwd_policy(LocalFilesystem(), storage.folder, frozenset())
    return Gate(queue, policy, clock, processes, version="1", address="192.0.2.7", **more)


class StraightLink:
    """Asks a gate as if through ssh; each question and answer is made into bytes and read again.

    Args:
        gate: makes the gate of each connection.
        before, after: called with the verb, before the gate hears it and after it has answered; the client
            meets what they raise.
    """

    def __init__(
        self,
        gate: Callable[[], Gate],
        before: Callable[[str], None] = lambda verb: None,
        after: Callable[[str], None] = lambda verb: None,
    ) -> None:
        self.pid = os.getpid()
        self._gate = gate()
        self._before = before
        self._after = after
        self._number = 0

    def ask(
        self,
        verb: str,
        parts: dict[str, Any],
        body: bytes,
        within_s: float,
        also: Sequence[int] = (),
    ) -> Frame | None:
        self._number += 1
        self._before(verb)
        question = Frame({"n": self._number, "verb": verb, **parts}, body)
        try:
            answer = self._gate.answer(through(question, MAX_QUESTION))
        except GateClosedError as exc:
            raise dropped() from exc
        self._after(verb)
        return through(answer, MAX_ANSWER)

    def close(self) -> None:
        """Nothing is held."""


def through(frame: Frame, most: int) -> Frame:
    """The frame as it arrives."""
    reader = FrameReader(most)
    reader.feed(frame.to_bytes())
    arrived = reader.take()
    assert arrived is not None
    assert not len(reader)
    return arrived


def dropped() -> RelayConnectionError:
    """What a client meets when the connection ends."""
    return RelayConnectionError("The connection has ended.", "Look again.", kind=Broken.DROPPED)


def storage_through(
    gate: Callable[[], Gate], clock: Clock, folder: Path | str = "~/repo", **hooks: Any
) -> SshStorage:
    """What a client has of the queue behind the gate."""
    address = Address("login", folder=str(folder))
    return SshStorage(address, clock, lambda _: StraightLink(gate, **hooks))


class GateWorld:
    """A queue in memory, a gate before it, and time that stands still.

    Attributes:
        told: the refusals that were told, each an event and its facts.
    """

    def __init__(self, storage: QueueStorage | None = None) -> None:
        self.clock = ManualClock()
        self.storage = storage or MemoryStorage(self.clock)
        self.login = FakeProcesses("login1")
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.queue = RelayQueue(self.storage, self.login, self.clock)
        self.gate = self.new_gate()
        self._number = 0

    def new_gate(self, **more: Any) -> Gate:
        """The gate of one more connection."""
        return gate_of(
            self.storage,
            self.clock,
            self.login,
            tell=lambda event, **facts: self.told.append((event, facts)),
            **more,
        )

    def serve(self) -> None:
        """A daemon beats."""
        facts = f'{{"proto": 1, "daemon": "{self.login.me}", "wall": {self.clock.wall()}}}'
        self.storage.put("heartbeat", facts.encode())

    def ask(self, verb: Any, body: bytes = b"", **parts: Any) -> Frame:
        """The gate's answer."""
        self._number += 1
        return self.gate.answer(Frame({"n": self._number, "verb": verb, **parts}, body))

    def open(self) -> Frame:
        """Begin the connection."""
        return self.ask("open")
