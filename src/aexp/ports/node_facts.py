"""What a check-up wants to know of the node that it runs on, whichever that is."""

from abc import abstractmethod
from typing import Protocol

from aexp.domain.checkup.filesystem import Mounted
from aexp.domain.checkup.space import Quota, Space
from aexp.domain.findings import Unknown


class NodeFacts(Protocol):
    """Looks, and changes nothing. Every method may raise
    :class:`OSError` or an :class:`~aexp.domain.errors.AexpError` when it cannot look.
    """

    @abstractmethod
    def mounted(self, path: str) -> Mounted | None:
        """The filesystem that ``path``, which need not exist, lies on; None when nothing tells."""

    @abstractmethod
    def space(self, path: str) -> Space:
        """What is free there, or in the nearest folder above that exists."""

    @abstractmethod
    def quota(self, path: str) -> Quota | Unknown:
        """This user's quota on the filesystem there, or why it is not known. Takes some seconds at most."""

    @abstractmethod
    def changed_at(self, path: str) -> float:
        """The date of change, in seconds since 1970 by the clock of whoever keeps the file, of the file
        that has this name now, also when another node has just replaced it.
        """
