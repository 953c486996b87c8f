"""Files and folders outside the queue: working copies, sandboxes, configuration."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["file", "directory", "other"]


@dataclass(frozen=True)
class Entry:
    """One name in a folder. A symbolic link is of the kind ``other``: nobody walks out of a folder by it.

    Attributes:
        name: without the folder's path.
        kind: what it is itself.
        size: bytes of a file; 0 for everything else.
    """

    name: str
    kind: Kind
    size: int


class Filesystem(Protocol):
    """Paths are absolute POSIX strings. Every method raises
    :class:`~aexp.domain.errors.FilesystemError` when the filesystem fails, and then nothing
    half-made is left behind. All of them may be called from any thread.
    """

    @abstractmethod
    def resolve(self, path: str) -> str:
        """The absolute path with every symbolic link followed. The path need not exist.

        Raises:
            FilesystemError: a loop of links, a NUL byte, a name the filesystem cannot hold.
        """

    @abstractmethod
    def kind(self, path: str) -> Kind | None:
        """What stands at ``path`` (links followed), or None when nothing does."""

    @abstractmethod
    def entries(self, path: str) -> tuple[Entry, ...]:
        """What the folder holds, sorted by name; empty when nothing stands there.

        What goes away meanwhile is left out.
        """

    @abstractmethod
    def read_text(self, path: str) -> str:
        """The file's text, decoded as UTF-8."""

    @abstractmethod
    def create_file(self, path: str, text: str) -> bool:
        """Make a file with this text, and the folders above it that are missing.

        Returns:
            False when the name is taken already: what stands there is left as it is.
        """

    @abstractmethod
    def replace_file(self, path: str, before: str, text: str) -> bool:
        """Put this text in the place of ``before``, which is what the caller has read there.

        Readers on this machine's disks see the one or the other, and the file's permissions stay. Of
        two callers who replace the same text at the same moment, the later one may win.

        Returns:
            False when the file does not hold ``before`` (any more), or there is none: nothing is changed.
        """

    @abstractmethod
    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        """Make a folder that holds these files (name to text), whole or not at all.

        The folders above it are made where they are missing. Readers see the folder only with all
        its files in it, and of several callers at once one wins.

        Returns:
            False when the name is taken already: what stands there is left as it is.
        """

    @abstractmethod
    def remove_file(self, path: str, before: str) -> bool:
        """Take away the file that holds ``before``, which is what the caller has read there.

        Returns:
            False when the file does not hold ``before`` (any more), or there is none: nothing is changed.
        """

    @abstractmethod
    def remove_directory(self, path: str) -> bool:
        """Take away a folder that is empty.

        Returns:
            False when it holds something, is no folder, or is not there: nothing is changed.
        """

    @abstractmethod
    def rename(self, source: str, target: str) -> bool:
        """Give the file or folder ``source``, with all that a folder holds, the free name ``target``.

        The folder above ``target`` is there, on the same disk.

        Returns:
            False when ``target`` is taken, or nothing stands at ``source``: nothing was moved.
        """
