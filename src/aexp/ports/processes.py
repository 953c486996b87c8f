"""Who we are, and whether a process that a name in the queue speaks of still lives."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.identity import ProcessId


class Processes(Protocol):
    """The processes that this process can see. Never raises."""

    @property
    @abstractmethod
    def me(self) -> ProcessId:
        """The name of this process; the same at every call in one process."""

    @property
    @abstractmethod
    def hostname(self) -> str:
        """What this machine calls itself, for people."""

    @abstractmethod
    def alive(self, process: ProcessId) -> bool | None:
        """Whether that very process runs; None when it is on another machine and cannot be seen."""
