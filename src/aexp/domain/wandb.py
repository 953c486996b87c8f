"""Offline runs of wandb: what would leave with them, and the command that sends them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_VERSION = re.compile(r"\bversion (\d{1,4})\.(\d{1,4})\b")
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
    """

    path: str
    file: str
    files: int
    size: int
    changed: float
    links: tuple[str, ...] = ()
    synced: bool = False

    def lines(self) -> list[str]:
        """The run for a person: one line, and one for each link that leads out of the project."""
        when = datetime.fromtimestamp(self.changed, UTC).isoformat(" ", "milliseconds")
        noun = "file" if self.files == 1 else "files"
        told = f"{self.path}: {self.files} {noun}, {human(self.size)}, last change {when[:-6]} UTC"
        head = f"{told} (already synced)" if self.synced else told
        return [head, *(f"  outside the folder: {link}" for link in self.links)]


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
        total = f"{len(self.runs)} runs, {human(sum(run.size for run in self.runs))} in all"
        lines = [line for run in self.runs for line in run.lines()]
        return (total, *lines) if len(self.runs) > 1 else tuple(lines)


def binary(size: int) -> str:
    """Bytes as people say them: ``812 B``, ``4.2 KiB``."""
    value, unit = float(size), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def human(size: int) -> str:
    """Bytes as people say them, and to the byte: ``812 B``, ``4.2 KiB (4321 B)``."""
    said = binary(size)
    return said if size < 1024 else f"{said} ({size} B)"


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
