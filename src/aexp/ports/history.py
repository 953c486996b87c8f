"""What git knows of a folder in its user's own working copy, and moving a folder so that git knows."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Commit:
    """A commit: its full hash, and when it was made (seconds since 1970)."""

    id: str
    when: int


@dataclass(frozen=True)
class Standing:
    """What git knows of the files below a folder; every path is absolute.

    Attributes:
        tracked: the files in git's index.
        changed: those of them that differ from the last commit, staged or not; deleted ones too.
        untracked: files that git neither has nor passes over: what ``git add`` would take.
        commits: for each path that a commit of this branch has ever touched, the newest such commit.
    """

    tracked: frozenset[str]
    changed: frozenset[str]
    untracked: frozenset[str]
    commits: Mapping[str, Commit]


class History(Protocol):
    """``root`` is a working copy's root, ``folder`` lies in it; both absolute, links resolved.

    Nothing here waits for a person, speaks to a network or commits.
    """

    @abstractmethod
    def look(self, root: str, folder: str) -> Standing:
        """What git knows of the files below ``folder``. Nothing is changed, no lock is taken.

        Raises:
            HistoryError: git is missing, takes too long, or does not take ``root`` for a working copy.
        """

    @abstractmethod
    def move(self, root: str, source: str, target: str) -> None:
        """Rename the folder ``source`` to ``target``, with all it holds, and stage that.

        The folder above ``target`` is there. Moving it back the same way undoes it.

        Raises:
            HistoryError: as above; or git has nothing of ``source``, or something stands at
                ``target``. Nothing was moved.
        """
