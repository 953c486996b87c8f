"""Offline runs of wandb below a folder, and what would leave with each; only small files are opened.

A run is a folder ``wandb/offline-run-<date>-<id>`` (or below ``.wandb``) that holds ``run-<id>.wandb``. Once
it was uploaded, wandb puts ``run-<id>.wandb.synced`` beside that. Every folder is opened through its parent
and never through a link, so that nothing outside the project is looked at.
"""

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from aexp.adapters.linkless import open_folder
from aexp.adapters.plain_files import FOLDER
from aexp.adapters.remedies import reason
from aexp.adapters.workshop.wandb_tally import NARROWER, Look, Tally, opened_below
from aexp.domain.errors import RelayValidationError
from aexp.domain.parcels import largest
from aexp.domain.text import visible
from aexp.domain.validation import CWD_DO
from aexp.domain.wandb import WandbRun, WandbRuns

MOST_RUNS = 1000
DEEPEST = 8
SYNCED = ".synced"
_HOMES = ("wandb", ".wandb")
_RUN = re.compile(r"offline-run-(?!.*\.wandb\Z)[A-Za-z0-9_.@+=,-]+", re.ASCII)
_FILE = re.compile(r"run-[^/]+\.wandb")
_ALLOWED = "a folder wandb/offline-run-… below the working folder that holds one run-….wandb"


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
        raise RelayValidationError("cwd", "does not lie below the home", do=CWD_DO)
    look = Look(str(cwd))
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


def _named(look: Look, root: int, name: str) -> None:
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


def _search(look: Look, folder: int, path: str, depth: int) -> None:
    """Look for runs in an open folder and below it; folders that are reached by a link do not count."""
    inside = os.path.basename(path or look.cwd) in _HOMES
    below = []
    for entry in look.entries_of(folder):
        if not entry.is_dir(follow_symlinks=False):
            continue
        if _RUN.fullmatch(entry.name):
            if inside:
                with opened_below(entry.name, folder) as handle:
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


def _add(look: Look, folder: int, path: str) -> bool:
    """Take the run in an open folder; False when it holds no run, or more than one."""
    names = [entry.name for entry in look.entries_of(folder) if entry.name.endswith(".wandb")]
    if len(names) != 1 or not _FILE.fullmatch(names[0]):
        return False
    if not stat.S_ISREG(os.stat(names[0], dir_fd=folder, follow_symlinks=False).st_mode):
        return False
    if len(look.runs) == MOST_RUNS:
        raise RelayValidationError("cwd", f"holds more than {MOST_RUNS} offline runs", do=NARROWER)
    tally = Tally(look, path)
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
            largest=largest(tally.parcels),
            seal=tally.seal.digest,
        )
    )
    return True


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
