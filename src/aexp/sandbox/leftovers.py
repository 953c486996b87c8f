"""What stays where a sandbox was when git alone moves it, as in a revert: the files that git ignores."""

from collections.abc import Iterator

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem


def bring_together(left: str, whole: str, files: Filesystem) -> None:
    """Move all that lies in the folder ``left`` into the folder ``whole``, and take ``left`` away.

    Raises:
        SandboxError: both hold a file of one name. Nothing was moved.
        FilesystemError: something cannot be moved; what was moved before stays where it went.
    """
    both = [*_in_both(left, whole, files)]
    if both:
        raise _clash(left, whole, both)
    _move(left, whole, files)


def _in_both(left: str, whole: str, files: Filesystem, below: str = "") -> Iterator[str]:
    for entry in files.entries(f"{left}{below}"):
        path = f"{below}/{entry.name}"
        there = files.kind(f"{whole}{path}")
        if there == entry.kind == "directory":
            yield from _in_both(left, whole, files, path)
        elif there is not None:
            yield path[1:]


def _move(left: str, whole: str, files: Filesystem) -> None:
    for entry in files.entries(left):
        source, target = f"{left}/{entry.name}", f"{whole}/{entry.name}"
        if files.rename(source, target):
            continue
        if entry.kind != "directory":
            raise _clash(left, whole, [entry.name])
        _move(source, target, files)
    files.remove_directory(left)


def _clash(left: str, whole: str, both: list[str]) -> SandboxError:
    more = f" and {len(both) - 3} more" if len(both) > 3 else ""
    return SandboxError(
        f"{visible(left, limit=500)} and {visible(whole, limit=500)} both hold "
        f"{visible(', '.join(both[:3]), limit=500)}{more}.",
        "Move one of each away, then try again.",
    )
