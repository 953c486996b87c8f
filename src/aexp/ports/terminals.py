"""Terminals that outlive the one that they were opened from, and the programs in them."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Job:
    """What is to run.

    Attributes:
        argv: the program, by its absolute path, and its arguments.
        cwd: the folder that it starts in.
        environ: its whole environment, but for what tells it about its terminal.
    """

    argv: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Pane:
    """A job of ours in its terminal.

    Attributes:
        key: what the terminal is called by its keeper.
        pid: the job's process, the same from start to end.
        over: whether it has ended.
        status: its exit status, once it is over; None where a signal ended it.
    """

    key: str
    pid: int
    over: bool = False
    status: int | None = None


class Terminals(Protocol):
    """Opens and finds terminals by their name. What somebody else opened is never touched."""

    @property
    @abstractmethod
    def available(self) -> bool:
        """Whether there is a program on this node that can do this."""

    @abstractmethod
    def start(self, name: str, job: Job) -> Pane:
        """Start a job in the terminal of this name; if one of ours is over, in place of it.

        When a job of ours runs there already, also one that was started a moment ago by another process,
        nothing is started and that one is returned. What the job prints before it ends can be read later.

        Raises:
            RelayStartError: it could not be started.
        """

    @abstractmethod
    def look(self, name: str) -> Pane | None:
        """Our job of this name, None when there is none."""

    @abstractmethod
    def said(self, pane: Pane) -> list[str]:
        """The last lines that it printed, at most fifty, in whatever words; empty when it is gone."""

    @abstractmethod
    def tidy(self, name: str) -> None:
        """Close the terminal of this name if our job in it is over; else do nothing."""

    @abstractmethod
    def way_in(self, name: str) -> str:
        """What a person types to look at it."""

    @abstractmethod
    def way_back(self) -> str:
        """How a person who looks at it gets back to where they were, in a few words."""
