"""Running one command on the login node, without ever waiting for it."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aexp.ports.workshop import Survey


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        argv: the command line of the closed list, as people would write it.
        cwd: the folder that it works in.
        request_id: the request behind it.
        op: the operation's name.
        survey: what was found, judged and (where a person was asked) approved; nothing else is used.
    """

    argv: tuple[str, ...]
    cwd: Path
    request_id: str = ""
    op: str = ""
    survey: Survey | None = None


class Execution(Protocol):
    """A command that was started. No method blocks."""

    @abstractmethod
    def poll(self) -> int | None:
        """The exit status once the command has ended (negative: the signal), None before that."""

    @abstractmethod
    def read(self, limit: int) -> bytes:
        """Output that has come and was not read yet, at most ``limit`` bytes; empty when there is none.

        Standard output and standard error are one stream. After the end of the command this gives what it
        had written; what a surviving grandchild writes later is not waited for.
        """

    @abstractmethod
    def terminate(self) -> None:
        """Ask the command and everything it started to end (SIGTERM to its group). Repeatable."""

    @abstractmethod
    def kill(self) -> None:
        """End the command and everything it started (SIGKILL to its group). Repeatable."""

    @abstractmethod
    def close(self) -> None:
        """Give up what is held for the command, which must have ended. Repeatable."""


class Executor(Protocol):
    """Starts commands."""

    @abstractmethod
    def start(self, command: Command) -> Execution:
        """Start the command in a session of its own, with nothing to read and nobody to prompt.

        Raises:
            RelayStartError: the program or the folder is not there, or may not be used; nothing runs.
        """

    @abstractmethod
    def end_strays(self, request_id: str, *, force: bool) -> int:
        """Ask (or force) what a dead daemon on this machine left running of a request to end.

        Never waits. May be called again to see what became of it.

        Returns:
            How many processes were there.
        """

    @abstractmethod
    def descriptors(self) -> Sequence[int]:
        """File descriptors that become readable when an execution has output or ends; may be empty."""
