"""A filesystem that fails on command: what a test says to it, and what it has to tell afterwards."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab.mounts import fuse_mount, need_fuse

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """What is to go wrong, for which operations.

    Attributes:
        ops: the kernel's words: getattr, readdir, open, create, read, write, truncate, flush (a close),
            fsync, unlink, rename, link, mkdir, rmdir; none means all of them.
        path: a shell pattern for the path below the mount; of a move or link either of the two.
        error: the name of the errno that the caller gets, ``""`` for none.
        done: the operation is carried out all the same: only its reply is lost.
        times: how many operations it meets, None for all.
        chance: how likely it meets one, from 0 to 1.
        delay_s: seconds that the operation hangs first.
        hide_s: seconds for which files that were not made through this mount are invisible; such a fault
            has no error.
    """

    ops: tuple[str, ...] = ()
    path: str = "*"
    error: str = ""
    done: bool = False
    times: int | None = None
    chance: float = 1.0
    delay_s: float = 0.0
    hide_s: float = 0.0


class FaultyMount:
    """A mounted :mod:`tests.lab.faultfs`, healthy until told otherwise.

    Attributes:
        back: the folder behind it, which never fails.
        point: the folder that does.
    """

    def __init__(self, root: Path) -> None:
        self.back = root / "back"
        self.point = root / "faulty"
        self.rules = root / "rules.json"

    def say(self, *faults: Fault) -> None:
        """From now on these faults, and no others; each counts from the beginning."""
        draft = self.rules.with_suffix(".draft")
        draft.write_text(json.dumps([asdict(fault) for fault in faults]), encoding="utf-8")
        os.replace(draft, self.rules)

    def heal(self) -> None:
        """No faults any more."""
        self.say()

    @property
    def met(self) -> list[str]:
        """What went wrong so far, a line ``operation path errno`` each; ``(done)`` for a lost reply."""
        try:
            return journal(self.rules).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


@contextmanager
def faulty_mount(root: Path) -> Iterator[FaultyMount]:
    """Mount one below ``root`` for as long as the context lasts.

    Raises:
        LabError: it cannot be mounted here.
    """
    need_fuse(module="mfusepy")
    mount = FaultyMount(root)
    mount.back.mkdir(parents=True)
    mount.heal()
    serve = [sys.executable, "-m", "tests.lab.faultfs"]
    places = [str(mount.back), str(mount.point), str(mount.rules)]
    with fuse_mount([*serve, *places], mount.point, cwd=PROJECT):
        yield mount


def journal(rules: Path) -> Path:
    """Where the faults that were met are noted."""
    return rules.with_suffix(".met")
