"""Which filesystem a path lies on, from the kernel's mount table (proc_pid_mountinfo(5))."""

import os
import re
from dataclasses import dataclass

_OCTAL = re.compile(r"\\([0-7]{3})")
TABLE = "/proc/self/mountinfo"


@dataclass(frozen=True)
class Mount:
    """One line of the mount table."""

    point: str
    kind: str
    options: frozenset[str]


def mount_of(path: str, table: str = TABLE) -> Mount | None:
    """The mount that ``path`` (which need not exist) lies on, None when the table cannot tell."""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        # Without a mount table (a container that hides it) the caller takes the careful choice.
        return None
    real = os.path.realpath(path)
    found: Mount | None = None
    for line in lines:
        mount = _parsed(line)
        # Of mounts on one point the last one is on top, so equal lengths win.
        if (
            mount
            and _holds(mount.point, real)
            and (not found or len(mount.point) >= len(found.point))
        ):
            found = mount
    return found


def _parsed(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    left, right = before.split(" "), after.split(" ")
    if not separator or len(left) < 6 or len(right) < 3:
        return None
    options = frozenset(left[5].split(",")) | frozenset(right[2].split(","))
    return Mount(_OCTAL.sub(lambda code: chr(int(code[1], 8)), left[4]), right[0], options)


def _holds(point: str, path: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")
