"""Offline runs of wandb below a folder, and what would leave with each; no file is opened.

A run is a folder ``wandb/offline-run-<date>-<id>`` (or below ``.wandb``) that holds ``run-<id>.wandb``. Once
it was uploaded, wandb puts ``run-<id>.wandb.synced`` beside that. Every folder is opened through its parent
and never through a link, so that nothing outside the project is looked at.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aexp.adapters.plain_files import FOLDER, open_folder
from aexp.adapters.remedies import reason
from aexp.domain.errors import RelayValidationError
from aexp.domain.text import visible
from aexp.domain.wandb import WandbRun, WandbRuns

MOST_RUNS = 1000
MOST_ENTRIES = 50_000
DEEPEST = 8
DEEPEST_IN_RUN = 32
SYNCED = ".synced"
_HOMES = ("wandb", ".wandb")
_RUN = re.compile(r"offline-run-(?!.*\.wandb\Z)[A-Za-z0-9_.@+=,-]+", re.ASCII)
_FILE = re.compile(r"run-[^/]+\.wandb")
_ALLOWED = "a folder wandb/offline-run-… below the working folder that holds one run-….wandb"
_NARROWER = "name the runs to sync, or work in a folder further down"


@dataclass
class _Look:
    """One look: where, and how much of it was seen already."""

    cwd: str
    where: str = "cwd"
    entries: int = 0
    runs: list[WandbRun] = field(default_factory=list)

    def entries_of(self, folder: int) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as found:
            for entry in found:
                self.entries += 1
                if self.entries > MOST_ENTRIES:
                    raise RelayValidationError(
                        "cwd", f"holds more than {MOST_ENTRIES} files to look at", _NARROWER
                    )
                yield entry


def find_runs(cwd: Path, names: Sequence[str], home: Path) -> WandbRuns:
    """The named runs, or (without names) those below ``cwd`` that wandb has not marked as synced.

    Args:
        cwd: the resolved folder, strictly below ``home``.
        names: paths of runs, relative to ``cwd``.

    Raises:
        RelayValidationError: names what cannot be used and why: a path that is no run or is reached
            by a link, a run that holds something other than files and folders, or too much to look at.
    """
    if home not in cwd.parents:
        raise RelayValidationError("cwd", "does not lie below the home", "a folder below the home")
    look = _Look(str(cwd))
    try:
        root = open_folder(cwd)
    except OSError as exc:
        raise RelayValidationError("cwd", f"cannot be opened: {reason(exc)}", _ALLOWED) from exc
    try:
        if names:
            for position, name in enumerate(dict.fromkeys(os.path.normpath(n) for n in names)):
                look.where = f"args[{position}] (run)"
                _named(look, root, name)
        else:
            _search(look, root, "", 0)
    except OSError as exc:
        what = f"cannot be looked at: {visible(str(exc.filename), limit=80)}: {reason(exc)}"
        raise RelayValidationError(look.where, what, _ALLOWED) from exc
    finally:
        os.close(root)
    wanted = [run for run in look.runs if names or not run.synced]
    return WandbRuns(
        tuple(sorted(wanted, key=lambda run: run.path)), synced=len(look.runs) - len(wanted)
    )


@contextmanager
def _opened(name: str, above: int) -> Iterator[int]:
    handle = os.open(name, FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def _named(look: _Look, root: int, name: str) -> None:
    shown = visible(name, limit=80)
    parts = Path(name).parts
    if ".." in parts or name.startswith("/") or not _RUN.fullmatch(parts[-1] if parts else ""):
        raise RelayValidationError(look.where, f"is '{shown}', which is no offline run", _ALLOWED)
    handle = os.dup(root)
    try:
        for part in parts:
            deeper = os.open(part, FOLDER, dir_fd=handle)
            os.close(handle)
            handle = deeper
        if not _add(look, handle, name):
            raise RelayValidationError(
                look.where, f"is '{shown}', which does not hold one plain run-….wandb", _ALLOWED
            )
    finally:
        os.close(handle)


def _search(look: _Look, folder: int, path: str, depth: int) -> None:
    """Look for runs in an open folder and below it; folders that are reached by a link do not count."""
    inside = os.path.basename(path or look.cwd) in _HOMES
    below = []
    for entry in look.entries_of(folder):
        if not entry.is_dir(follow_symlinks=False):
            continue
        if _RUN.fullmatch(entry.name):
            if inside:
                with _opened(entry.name, folder) as handle:
                    _add(look, handle, _joined(path, entry.name))
        elif entry.name in _HOMES or not entry.name.startswith((".", "run-")):
            below.append(entry.name)
    for name in sorted(below) if depth < DEEPEST else ():
        try:
            handle = os.open(name, FOLDER, dir_fd=folder)
        except PermissionError:
            # A folder of the project that is closed to the user holds no run that they could sync.
            continue
        try:
            _search(look, handle, _joined(path, name), depth + 1)
        finally:
            os.close(handle)


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _add(look: _Look, folder: int, path: str) -> bool:
    """Take the run in an open folder; False when it holds no run, or more than one."""
    names = [entry.name for entry in look.entries_of(folder) if entry.name.endswith(".wandb")]
    if len(names) != 1 or not _FILE.fullmatch(names[0]):
        return False
    if not stat.S_ISREG(os.stat(names[0], dir_fd=folder, follow_symlinks=False).st_mode):
        return False
    if len(look.runs) == MOST_RUNS:
        raise RelayValidationError("cwd", f"holds more than {MOST_RUNS} offline runs", _NARROWER)
    tally = _Tally(look, path)
    tally.add(folder, path)
    look.runs.append(
        WandbRun(
            path=path,
            file=names[0],
            files=tally.files,
            size=tally.size,
            changed=tally.changed,
            links=tuple(sorted(tally.links)),
            synced=_is_there(names[0] + SYNCED, folder),
        )
    )
    return True


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@dataclass
class _Tally:
    """What one run holds."""

    look: _Look
    run: str
    files: int = 0
    size: int = 0
    changed: float = 0.0
    links: list[str] = field(default_factory=list)

    def add(self, folder: int, path: str, depth: int = 0) -> None:
        """Count what is in an open folder and below it."""
        if depth > DEEPEST_IN_RUN:
            # Each level holds a descriptor open.
            raise RelayValidationError(
                self.look.where, f"leads to '{visible(path, limit=120)}', which lies too deep"
            )
        below = []
        for entry in self.look.entries_of(folder):
            about = entry.stat(follow_symlinks=False)
            inner = f"{path}/{entry.name}"
            self._note(about)
            if stat.S_ISDIR(about.st_mode):
                below.append(entry.name)
                continue
            self.files += 1
            if stat.S_ISLNK(about.st_mode):
                self._follow(os.readlink(entry.name, dir_fd=folder), inner)
            else:
                self._weigh(about, inner)
        for name in below:
            with _opened(name, folder) as handle:
                self.add(handle, f"{path}/{name}", depth + 1)

    def _note(self, about: os.stat_result) -> None:
        # The time of the last change, which nobody can set, and not that of the content, which anybody can.
        self.changed = max(self.changed, about.st_ctime)

    def _weigh(self, about: os.stat_result, path: str) -> None:
        if not stat.S_ISREG(about.st_mode):
            # wandb would open it, and wait at a FIFO for ever.
            shown = visible(path, limit=120)
            raise RelayValidationError(
                self.look.where, f"leads to '{shown}', which is neither a file nor a folder"
            )
        self.size += about.st_size

    def _follow(self, target: str, path: str) -> None:
        """Count what a link gives within the project; say so where it leads out of it."""
        cwd = self.look.cwd
        real = os.path.realpath(os.path.join(cwd, os.path.dirname(path), target))
        if not real.startswith(f"{cwd}/"):
            self.links.append(f"{path[len(self.run) + 1 :]} -> {real}")
            return
        try:
            about = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            # A link that leads nowhere: wandb has nothing to send for it.
            return
        self._note(about)
        if stat.S_ISDIR(about.st_mode):
            # wandb sends what is in it, which is not looked at here.
            raise RelayValidationError(
                self.look.where,
                f"holds the link '{visible(path, limit=120)}', which leads to a folder",
                "links to files; or copy the folder into the run",
            )
        self._weigh(about, path)
