"""What both suites share."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

import pytest

from aexp.ports.storage import QueueStorage

T = TypeVar("T")
Opener = Callable[[], QueueStorage]
"""Opens a storage of the queue under test, each time another one, as another process would have it."""


class Contract:
    """A suite of promises.

    Attributes:
        suite: what the promises are about, for people.
        transport: the name of the column in the matrix; by default that of the class, or what the fixture
            is parametrised with.
    """

    suite: ClassVar[str] = ""
    transport: ClassVar[str] = ""


class QueuePromises(Contract):
    """A part of the suite of the storage's promises."""

    suite: ClassVar[str] = "storage"

    @pytest.fixture
    def storages(self) -> Opener:
        """Opens a storage of one new queue, each time another one."""
        raise NotImplementedError("give the fixture `storages`: a function that opens a storage")

    @pytest.fixture
    def storage(self, storages: Opener) -> QueueStorage:
        """The first storage of the queue."""
        return storages()


@dataclass(frozen=True)
class Place:
    """Where a served queue is.

    Attributes:
        client: opens the queue as a client has it.
        daemon: opens it as the daemon and the people on the login node have it, where that is another way.
    """

    client: Opener
    daemon: Opener | None = None

    @property
    def served(self) -> Opener:
        """What the daemon opens."""
        return self.daemon or self.client


def in_threads(actions: Sequence[Callable[[], T]]) -> list[T]:
    """What each action returned, all of them let go at the same moment.

    Raises:
        Exception: what one of them raised.
    """
    gate = threading.Barrier(len(actions))

    def act(action: Callable[[], T]) -> T:
        gate.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [*pool.map(act, actions)]


def meanwhile(act: Callable[[], object], *looks: Callable[[], object]) -> None:
    """Act in one thread, and repeat each look in a thread of its own until that is over, and once more.

    Raises:
        Exception: what one of them raised.
    """
    over = threading.Event()

    def acting() -> None:
        try:
            act()
        finally:
            over.set()

    def looking(look: Callable[[], object]) -> None:
        while not over.is_set():
            look()
        look()

    actions: list[Callable[[], None]] = [acting, *(partial(looking, look) for look in looks)]
    in_threads(actions)
