"""The place on a node where the daemon of a queue stands, so that its owner can find it and end it."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aexp.domain.identity import ProcessId


@dataclass(frozen=True)
class Posted:
    """The daemon that serves a queue on this machine, as the machine knows it: nothing of the queue's word.

    Attributes:
        process: that very process.
        words: the command line that it was started with.
        cwd: the folder that it works in.
        environ: the environment that it was started with; empty where it cannot be read.
        unit: the systemd unit that it runs in, if its name is one of ours.
        suspended: whether it was stopped by a signal, and does nothing until another one lets it go on.
    """

    process: ProcessId
    words: tuple[str, ...] = ()
    cwd: str = "/"
    environ: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    suspended: bool = False


class Post(Protocol):
    """One queue's place on this node. Nothing in the shared home says who stands there.

    What a process does not give up is free when it ends, however it ends.
    """

    @abstractmethod
    def take(self) -> bool:
        """Stand there from now on. A repeat mends what was removed meanwhile, and costs little.

        Never raises.

        Returns:
            False when another process stands there, or the place cannot be used. Ask again later.
        """

    @abstractmethod
    def leave(self) -> None:
        """Give it up. A repeat does nothing; never raises."""

    @abstractmethod
    def who(self) -> Posted | None:
        """Who stands there now, None when nobody does.

        Raises:
            RelayStorageError: it cannot be looked at.
            RelayBusyError: somebody does who cannot be seen from here.
        """

    @abstractmethod
    def end(self, posted: Posted, *, force: bool = False) -> bool:
        """Ask that process to end in good order, or (``force``) end it at once. Does not wait.

        No other process is ever signalled, also when that one ends in this very moment.

        Returns:
            False when it does not stand there any more; nothing was done.

        Raises:
            RelayStorageError, RelayBusyError: as for :meth:`who`; nothing was done.
        """
