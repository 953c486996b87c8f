"""Files that would leave the cluster, and their bytes in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

from aexp.domain.text import amount

LARGEST = 5
"""How many of the largest files a person is shown by name."""


@dataclass(frozen=True)
class Parcel:
    """One file.

    Attributes:
        path: where it lies, in its run or in the tree of a commit.
        size: its bytes, before they are compressed.
        lfs: whether git-lfs sends it, and the size is what its pointer claims.
    """

    path: str
    size: int
    lfs: bool = False

    @property
    def line(self) -> str:
        """The file for a person."""
        return f"{human(self.size)}{' with LFS' if self.lfs else ''} {self.path}"


def largest(parcels: Iterable[Parcel]) -> tuple[Parcel, ...]:
    """The largest of them, the largest first; those of one size by their names."""
    return tuple(nlargest(LARGEST, parcels, key=lambda one: (one.size, one.path)))


def human(size: int) -> str:
    """Bytes as people say them, and to the byte: ``812 B``, ``4.2 KiB (4321 B)``."""
    return amount(size) if size < 1024 else f"{amount(size)} ({size} B)"


def counted(number: int, noun: str, *, more: bool = False) -> str:
    """A number of things: ``1 file``, ``more than 10000 commits``."""
    return f"{'more than ' if more else ''}{number} {noun}{'' if number == 1 and not more else 's'}"
