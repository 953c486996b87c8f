"""A transport: what makes the storage of a queue that a URL names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aexp.ports.clock import Clock
    from aexp.ports.storage import QueueStorage


@dataclass(frozen=True)
class TransportOptions:
    """What is known beside the location, for transports that have a use for it.

    Attributes:
        clock: whose time passes while the storage waits.
        url: the whole URL as it was given. It may hold a password, so it is for connecting; what
            :attr:`~aexp.ports.storage.QueueStorage.url` says is shown to people.
        profile: how the filesystem is treated, a name of :data:`~aexp.domain.profiles.PROFILES`; None leaves
            it to the transport.
        events: whether the storage may end a wait early when it is told that something has changed.
        durable: whether what is said to be durable has to survive a power cut.
    """

    clock: "Clock"
    url: str = field(repr=False)
    profile: str | None = None
    events: bool = True
    durable: bool = True


Transport = Callable[[str, TransportOptions], "QueueStorage"]
"""Opens a queue: ``open(location, options)``. The location is what follows ``scheme://``, as it was written.

It connects late, if it can: clients are made before it is known whether anything is asked. Two storages that
are opened for one location, in any processes, are one queue.

Raises:
    SettingsError: the location cannot be one; says what one looks like.
    RelayStorageError: the place cannot be reached.
"""
