"""What would leave the cluster, for whoever decides on it: for people in lines, for programs in fields."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aexp.domain.parcels import Parcel, counted, human
from aexp.domain.text import amount
from aexp.domain.wandb import MOST_IN_FULL, WandbRun, WandbRuns

NEWEST = 20
"""How many commits a person is shown, the newest ones."""
SHORT = 12
"""Hexadecimal digits of a commit's id, where a person reads it."""
MOST_NAMED = 4
"""How many of the refs that tell what is there already a person is shown."""
_ONLY_IDS = (
    "no commit and no file: only the request itself, and the ids of commits that are here, "
    "by which the remote tells what is missing"
)


@dataclass(frozen=True)
class CommitLine:
    """One commit.

    Attributes:
        id: its object id, whole.
        date: when its author made it, as it says itself; empty when it says nothing sensible.
        subject: the first line of its message; empty when the commit is too long to be shown.
    """

    id: str
    date: str = ""
    subject: str = ""

    @property
    def line(self) -> str:
        """The commit for a person."""
        return " ".join(filter(None, (self.id[:SHORT], self.date, self.subject)))


@dataclass(frozen=True)
class Preview:
    """What a person decides on.

    Of a push the commits, of ``wandb_sync`` the runs; of what only asks a remote, neither.

    Attributes:
        summary: all of it in a few words, such as ``3 commits, 12.1 MiB``.
        commit: the object id that is pushed, whatever the branch is by then; empty for no push.
        branch: the branch that it is pushed to.
        known: the refs whose commits were taken as being there already, as ``<ref> <id>``; at most 20.
        known_count: how many there are in all.
        commits: the newest ones, at most :data:`NEWEST`.
        commit_count: how many there are in all.
        runs: the runs of wandb, at most 50 of them.
        run_count: how many there are in all.
        file_count: files in all; for a push different contents of files.
        size: bytes of these files, before they are compressed.
        largest: the largest files of a push, the largest first.
        lfs_count: files that git-lfs sends besides.
        lfs_size: their bytes, as their pointers claim.
        missing: objects that are not here or cannot be read, and are not counted above.
        shallow: whether the history was cut short when it was cloned, and ends where it was cut.
        more_commits: whether there are more commits than were counted.
        more_files: whether there are more files than were counted.
        seal: a SHA-256 over all that this was made from, also over what is only counted.
    """

    summary: str = "ids of commits"
    commit: str = ""
    branch: str = ""
    known: tuple[str, ...] = ()
    known_count: int = 0
    commits: tuple[CommitLine, ...] = ()
    commit_count: int = 0
    runs: tuple[WandbRun, ...] = ()
    run_count: int = 0
    file_count: int = 0
    size: int = 0
    largest: tuple[Parcel, ...] = ()
    lfs_count: int = 0
    lfs_size: int = 0
    missing: int = 0
    shallow: bool = False
    more_commits: bool = False
    more_files: bool = False
    seal: str = ""

    @property
    def inventory(self) -> tuple[str, ...]:
        """What a push or a question to a remote would send, a line each."""
        if not self.commit:
            return (_ONLY_IDS,)
        return (self._head, self._taken, *self._doubts(), *self._commits(), *self._files())

    @property
    def _head(self) -> str:
        commits = counted(self.commit_count, "commit", more=self.more_commits)
        files = counted(self.file_count, "file", more=self.more_files)
        sizes = f"{files} of {human(self.size)} before compression"
        return f"{commits} and {sizes}, up to commit {self.commit} as {self.branch}"

    @property
    def _taken(self) -> str:
        if not self.known:
            return "all of its history: nothing is taken as being there already"
        parts = [one.rpartition(" ") for one in self.known[:MOST_NAMED]]
        shown = ", ".join(f"{ref} {found[:SHORT]}" for ref, _, found in parts)
        more = (
            f", and {self.known_count - len(parts)} more" if self.known_count > len(parts) else ""
        )
        return f"without what these refs of the working copy say is there already: {shown}{more}"

    def _doubts(self) -> list[str]:
        told = []
        if self.shallow:
            told.append("the history was cut short by a shallow clone, and ends where it was cut")
        if self.missing:
            told.append(f"not counted, as they are not here: {counted(self.missing, 'object')}")
        return told

    def _commits(self) -> list[str]:
        left = self.commit_count - len(self.commits)
        more = [f"and {counted(left, 'more commit', more=self.more_commits)}"] if left else []
        return [*(f"commit {one.line}" for one in self.commits), *more]

    def _files(self) -> list[str]:
        told = [f"largest file: {one.line}" for one in self.largest]
        if self.lfs_count:
            files = counted(self.lfs_count, "file", more=self.more_files)
            told.append(f"with git-lfs: {files} of {human(self.lfs_size)}, as their pointers claim")
        return told

    def summed_up(self) -> "Preview":
        """The same with the summary of a push."""
        more = self.more_commits or self.more_files
        commits = counted(self.commit_count, "commit", more=self.more_commits)
        size = amount(self.size + self.lfs_size)
        return replace(self, summary=f"{commits}, {'more than ' if more else ''}{size}")

    def told(self, text: Callable[[str], str]) -> "Preview":
        """The same with every text that a stranger wrote put through a function."""

        def parcels(found: tuple[Parcel, ...]) -> tuple[Parcel, ...]:
            return tuple(replace(one, path=text(one.path)) for one in found)

        return replace(
            self,
            known=tuple(map(text, self.known)),
            commits=tuple(replace(one, subject=text(one.subject)) for one in self.commits),
            runs=tuple(
                replace(
                    one,
                    path=text(one.path),
                    file=text(one.file),
                    links=tuple(link_told(link, text) for link in one.links),
                    largest=parcels(one.largest),
                )
                for one in self.runs
            ),
            largest=parcels(self.largest),
        )


def link_told(line: str, text: Callable[[str], str]) -> str:
    """A line with each end of a link put through a function by itself."""
    return " -> ".join(map(text, line.split(" -> ")))


def preview_of_runs(found: WandbRuns) -> Preview:
    """What ``wandb_sync`` would send."""
    files, size = sum(run.files for run in found.runs), sum(run.size for run in found.runs)
    runs = counted(len(found.runs), "run")
    return Preview(
        summary=f"{runs}, {counted(files, 'file')}, {amount(size)}",
        runs=found.runs[:MOST_IN_FULL],
        run_count=len(found.runs),
        file_count=files,
        size=size,
        seal=found.seal,
    )
