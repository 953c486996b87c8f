"""The files of settings: the user's own, and that of a repository."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Document:
    """A file as it stood when it was read.

    Attributes:
        path: where it lies.
        body: what it holds, parsed; nothing in it is checked.
        loose: why others than the user could have written it; empty when they could not.
    """

    path: str
    body: object
    loose: str = ""


class ConfigurationFiles(Protocol):
    """Reads a file once and whole, at most 64 KiB. No file is no error: looking costs a few calls.

    Both methods raise :class:`~aexp.domain.errors.SettingsError`, which names the file, when it cannot be
    read, is not YAML, gives a name twice, or refers to another part of itself (``*alias``).
    """

    @abstractmethod
    def user_path(self, environ: Mapping[str, str]) -> str:
        """Where the user's file lies, whether it is there or not; empty without a home."""

    @abstractmethod
    def user(self, environ: Mapping[str, str]) -> Document | None:
        """The user's file, links followed."""

    @abstractmethod
    def repository_path(self, start: str) -> str:
        """Where the file of the repository around an absolute path lies; empty when there is none."""

    @abstractmethod
    def repository(self, start: str) -> Document | None:
        """The file of the repository around an absolute path.

        Raises:
            SettingsError: also when a link stands in the way, or the file is another user's.
        """
