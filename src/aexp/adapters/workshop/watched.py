"""Files that were read once, and whether they have changed since."""

import os
from collections.abc import Iterable
from pathlib import Path


class WatchedFiles:
    """Remembers how the files looked at construction."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._looks = {path: _look(path) for path in dict.fromkeys(paths)}

    def changed(self) -> list[Path]:
        """Those that look different now, or have come or gone."""
        return [path for path, before in self._looks.items() if _look(path) != before]


def _look(path: Path) -> tuple[int, ...] | None:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
