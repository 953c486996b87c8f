"""What one offline run of wandb holds: names, bytes, links, and whether it is still the same."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aexp.adapters.plain_files import FOLDER
from aexp.adapters.workshop.wandb_seal import RunSeal
from aexp.domain.errors import RelayValidationError
from aexp.domain.parcels import Parcel
from aexp.domain.text import visible
from aexp.domain.wandb import WandbRun

MOST_ENTRIES = 50_000
MOST_READ = 4 << 20
"""Bytes of small files that one look reads, so that no change of them is missed."""
DEEPEST_IN_RUN = 32
NARROWER = "Name the runs to sync (aexp relay wandb-sync RUN...), or work in a folder further down."
_TAKE_OUT = "Take it out of the run; then aexp relay wandb-sync again."


@dataclass
class Look:
    """One look: where, and how much of it was seen already."""

    cwd: str
    where: str = "cwd"
    entries: int = 0
    readable: int = MOST_READ
    runs: list[WandbRun] = field(default_factory=list)

    def entries_of(self, folder: int) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as found:
            for entry in found:
                self.entries += 1
                if self.entries > MOST_ENTRIES:
                    raise RelayValidationError(
                        "cwd", f"holds more than {MOST_ENTRIES} files to look at", do=NARROWER
                    )
                yield entry


@contextmanager
def opened_below(name: str, above: int) -> Iterator[int]:
    """A folder in an open folder, reached without a link."""
    handle = os.open(name, FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


@dataclass
class Tally:
    """What one run holds."""

    look: Look
    run: str
    files: int = 0
    size: int = 0
    changed: float = 0.0
    links: list[str] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    seal: RunSeal = field(default_factory=RunSeal)

    def add(self, folder: int, path: str, depth: int = 0) -> None:
        """Count what is in an open folder and below it."""
        if depth > DEEPEST_IN_RUN:
            # Each level holds a descriptor open.
            problem = f"leads to '{visible(path, limit=120)}', which lies too deep"
            raise RelayValidationError(self.look.where, problem, do=_TAKE_OUT)
        below = []
        for entry in sorted(self.look.entries_of(folder), key=lambda one: one.name):
            about = entry.stat(follow_symlinks=False)
            inner = f"{path}/{entry.name}"
            self._note(about, inner)
            if stat.S_ISDIR(about.st_mode):
                below.append(entry.name)
                continue
            self.files += 1
            if stat.S_ISLNK(about.st_mode):
                self._follow(os.readlink(entry.name, dir_fd=folder), inner)
            else:
                self._weigh(about, inner)
                self.look.readable -= self.seal.read(
                    folder, entry.name, inner, about, self.look.readable
                )
        for name in below:
            with opened_below(name, folder) as handle:
                self.add(handle, f"{path}/{name}", depth + 1)

    def _note(self, about: os.stat_result, path: str) -> None:
        # The time of the last change, which nobody can set, and not that of the content, which anybody can.
        self.changed = max(self.changed, about.st_ctime)
        self.seal.note(path, about)

    def _weigh(self, about: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(about.st_mode):
            # wandb would open it, and wait at a FIFO for ever.
            shown = visible(path, limit=120)
            problem = f"leads to '{shown}', which is neither a file nor a folder"
            raise RelayValidationError(self.look.where, problem, do=_TAKE_OUT)
        self.size += about.st_size
        self.parcels.append(Parcel(path[len(self.run) + 1 :], about.st_size))

    def _follow(self, target: str, path: str) -> None:
        """Count what a link gives within the project; say so where it leads out of it."""
        cwd = self.look.cwd
        real = os.path.realpath(os.path.join(cwd, os.path.dirname(path), target))
        self.seal.link(path, target, real)
        if not real.startswith(f"{cwd}/"):
            self.links.append(f"{path[len(self.run) + 1 :]} -> {real}")
            return
        try:
            about = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            # A link that leads nowhere: wandb has nothing to send for it.
            return
        self._note(about, f"{path} -> {real}")
        if stat.S_ISDIR(about.st_mode):
            # wandb sends what is in it, which is not looked at here.
            raise RelayValidationError(
                self.look.where,
                f"holds the link '{visible(path, limit=120)}', which leads to a folder",
                do="Copy the folder into the run in place of the link; then aexp relay wandb-sync again.",
            )
        self._weigh(about, path)
