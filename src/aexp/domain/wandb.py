"""Offline runs of wandb: what would leave with them, and the command that sends them."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aexp.domain.parcels import Parcel, counted, human

_VERSION = re.compile(r"\bversion (\d{1,4})\.(\d{1,4})\b")
MOST_IN_FULL = 50
"""Runs of which the largest files are shown as well."""
ASKS_SINCE = (0, 29)
"""From this version on ``wandb sync`` knows ``--yes``; 0.30 has lost ``--sync-all``."""


@dataclass(frozen=True)
class WandbRun:
    """One offline run.

    Attributes:
        path: its folder, relative to the folder that was searched.
        file: the name of its log, ``run-<id>.wandb``.
        files: how many files and links it holds.
        size: bytes in its files, and in those of the project that its links lead to.
        changed: when the newest of them was last changed, in seconds since 1970, by the file server's clock.
        links: its links that lead out of the searched folder, as ``files/x -> target``.
        synced: whether wandb has marked it as uploaded.
        largest: its largest files, the largest first.
        seal: a SHA-256 over all that was seen of it; another one means that something has changed.
    """

    path: str
    file: str
    files: int
    size: int
    changed: float
    links: tuple[str, ...] = ()
    synced: bool = False
    largest: tuple[Parcel, ...] = ()
    seal: str = ""

    def lines(self) -> list[str]:
        """The run for a person: one line, and one for each link that leads out of the project."""
        when = datetime.fromtimestamp(self.changed, UTC).isoformat(" ", "milliseconds")
        what = f"{counted(self.files, 'file')}, {human(self.size)}"
        told = f"{self.path}: {what}, last change {when[:-6]} UTC"
        head = f"{told} (already synced)" if self.synced else told
        return [head, *(f"outside the folder: {link}" for link in self.links)]


@dataclass(frozen=True)
class WandbRuns:
    """What was found.

    Attributes:
        runs: in the order of their paths.
        synced: how many more there are that need no upload.
    """

    runs: tuple[WandbRun, ...]
    synced: int = 0

    @property
    def inventory(self) -> tuple[str, ...]:
        """What would leave the cluster, a line each; a total first where there is more than one run."""
        files, size = sum(run.files for run in self.runs), sum(run.size for run in self.runs)
        total = f"{len(self.runs)} runs, {counted(files, 'file')}, {human(size)} in all"
        lines = [line for run in self.runs for line in (*run.lines(), *self._largest(run))]
        return (total, *lines) if len(self.runs) > 1 else tuple(lines)

    @property
    def seal(self) -> str:
        """A SHA-256 over all that was seen of all runs."""
        return hashlib.sha256("".join(run.seal for run in self.runs).encode("ascii")).hexdigest()

    def _largest(self, run: WandbRun) -> list[str]:
        # Of a thousand runs nobody reads more than where they are and how large.
        shown = run.largest if len(self.runs) <= MOST_IN_FULL else ()
        return [f"largest file: {one.line}" for one in shown]


def version_in(said: str) -> tuple[int, int] | None:
    """The version in the answer to ``wandb --version``; None when there is none in it."""
    found = _VERSION.search(said)
    return None if found is None else (int(found[1]), int(found[2]))


def sync_arguments(version: tuple[int, int] | None, runs: Sequence[str]) -> list[str]:
    """The arguments with which this version of wandb uploads the runs and asks nothing.

    Args:
        version: None for one that is not known, which is taken for a new one.
        runs: absolute paths of run folders.
    """
    plain = version is not None and version < ASKS_SINCE
    return ["sync", *([] if plain else ["--yes"]), *runs]
