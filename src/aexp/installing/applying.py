"""Doing what was planned: file by file, each whole or not at all, and none that was changed meanwhile."""

from collections.abc import Iterator
from dataclasses import replace

from aexp.domain.errors import InstallError
from aexp.domain.installation import Known, Step
from aexp.domain.installed_record import Record, encode
from aexp.installing.ground import place_of
from aexp.installing.planning import Plan
from aexp.ports.filesystem import Filesystem


def carry_out(plan: Plan, files: Filesystem) -> Iterator[Step]:
    """Each step of the plan, once it is done.

    Whoever is stopped in between can run the same again: the record names both what was there and
    what is to be before the first file is touched, so that nothing of ours is ever taken for an edit.

    Raises:
        InstallError: a file was changed since the plan was made; it is left as it is.
        FilesystemError: the filesystem failed; what was done before is whole.
    """
    *steps, last = plan.steps if plan.steps else (None,)
    if last is None:
        return
    record = last.before
    if plan.after is not None and plan.changes:
        record = _note_ahead(plan, plan.after, last, files)
    for step in steps:
        if step is not None:
            _do(step, plan.root, files)
            yield step
    _do(replace(last, before=record), plan.root, files)
    if plan.after is None:
        _tidy(plan, files)
    yield last


def _note_ahead(plan: Plan, after: Record, last: Step, files: Filesystem) -> str:
    both = {}
    for path in {*plan.before.files, *after.files}:
        old, new = plan.before.files.get(path), after.files.get(path)
        known = new or old or Known(())
        hashes = dict.fromkeys([*(new.hashes if new else ()), *(old.hashes if old else ())])
        both[path] = replace(known, hashes=tuple(hashes))
    text = encode(replace(after, files=both))
    _do(replace(last, after=text), plan.root, files)
    return text


def _do(step: Step, root: str, files: Filesystem) -> None:
    if not step.changes:
        return
    # Looked up once more: a folder may have become a link since the plan was made.
    place = place_of(step.path, root, files)
    if step.before is None:
        done = files.create_file(place, step.after or "")
    elif step.after is None:
        done = files.remove_file(place, step.before)
    else:
        done = files.replace_file(place, step.before, step.after)
    if not done:
        raise InstallError(
            f"{step.path} was changed while this ran; it is left as it is.",
            "Run the same command again.",
        )


def _tidy(plan: Plan, files: Filesystem) -> None:
    """Take away the folders that we made, the deepest first; one in which something lies stays."""
    for folder in sorted(plan.before.folders, key=len, reverse=True):
        files.remove_directory(place_of(folder, plan.root, files))
