"""Two nodes that share a home, on one machine: one folder, mounted twice, each mount with its own caches.

The kernel remembers for each mount which names there are, which there are not, and what they look like. So
what one "node" has once asked for may be as old as the caches allow, as with ``$HOME`` over NFS. It is
stricter than NFS for names that were asked for too early, and laxer for folders that are kept open and for
files that are not synced: a green run here is needed, and no proof for NFS (``docs/filesystems.md``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.mounts import fuse_mount, need_fuse

CACHE_S = 30
"""Seconds for which names, absent names and attributes are believed: what NFS does for folders."""


@dataclass(frozen=True)
class StaleLab:
    """The same folder three times.

    Attributes:
        back: the folder itself, without a cache of its own.
        compute: as the compute node sees it.
        login: as the login node sees it.
    """

    back: Path
    compute: Path
    login: Path


@contextmanager
def stale_lab(root: Path, cache_s: int = CACHE_S) -> Iterator[StaleLab]:
    """Bring the lab up below ``root``, and take it down at the end.

    Raises:
        LabError: it cannot be brought up here.
    """
    need_fuse("bindfs")
    lab = StaleLab(root / "back", root / "compute", root / "login")
    lab.back.mkdir(parents=True)
    with _node(lab.back, lab.compute, cache_s), _node(lab.back, lab.login, cache_s):
        yield lab


@contextmanager
def _node(back: Path, point: Path, cache_s: int) -> Iterator[None]:
    caches = ",".join(f"{kind}_timeout={cache_s}" for kind in ("entry", "negative", "attr"))
    command = ["bindfs", "-f", "-o", caches, str(back), str(point)]
    with fuse_mount(command, point):
        yield
