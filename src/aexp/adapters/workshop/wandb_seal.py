"""What tells that a run is still the one that was shown."""

import hashlib
import os

from aexp.adapters.plain_files import read_at

SMALL = 64 * 1024
"""Bytes of a file whose contents are looked at as well."""


class RunSeal:
    """A hash over every name, size and date of a run, and over the contents of its small files.

    The date of the last change (ctime) is kept by the file server, and no program can set it back. Two
    changes within one tick of its clock look like one: that is what the contents are for.
    """

    def __init__(self) -> None:
        self._seen: list[str] = []

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal digits."""
        text = "\0\0".join(sorted(self._seen))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    def note(self, path: str, about: os.stat_result) -> None:
        """What stands at a name, by its inode."""
        times = (about.st_mtime_ns, about.st_ctime_ns)
        facts = (about.st_dev, about.st_ino, about.st_mode, about.st_size, *times)
        self._seen.append("\0".join([path, *map(str, facts)]))

    def link(self, path: str, target: str, real: str) -> None:
        """Where a link leads."""
        self._seen.append("\0".join([path, target, real]))

    def read(self, folder: int, name: str, path: str, about: os.stat_result, room: int) -> int:
        """Take the contents of a file in as well, if it is small and there is room; how much was read."""
        if about.st_size > min(SMALL, room):
            return 0
        try:
            data = read_at(folder, name, SMALL) or b""
        except OSError as exc:
            # wandb will not be able to read it either, or it grows just now: the next look differs.
            self._seen.append("\0".join([path, f"unreadable: {exc.errno}"]))
            return 0
        self._seen.append("\0".join([path, hashlib.sha256(data).hexdigest()]))
        return len(data)
