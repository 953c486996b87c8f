"""One run at a time in each working copy, also where several daemons serve."""

import hashlib
import os
import random
from pathlib import Path

from aexp.airgapped.locks import Locks
from aexp.domain.polling import jittered
from aexp.ports.clock import Clock

AGAIN_S = 0.3
"""Seconds until a working copy is tried again in which another daemon works."""


class Copies:
    """The working copies that this daemon works in."""

    def __init__(self, locks: Locks, clock: Clock) -> None:
        self._locks = locks
        self._clock = clock
        self._due: dict[Path, float] = {}

    def may_try(self, root: Path) -> bool:
        """Whether it is time to ask for it (again)."""
        return self._clock.monotonic() >= self._due.get(root, float("-inf"))

    def enter(self, root: Path) -> bool:
        """Whether nobody else works there from now on; False: try again later.

        Raises:
            RelayStorageError: the storage failed; we may not work there.
        """
        if self._locks.try_for(_lock(root)):
            self._due.pop(root, None)
            return True
        # Two that step back for each other must not come back in step.
        wait, now = jittered(AGAIN_S, random.random()), self._clock.monotonic()  # noqa: S311
        self._due = {one: due for one, due in self._due.items() if due > now}
        self._due[root] = now + wait
        return False

    def leave(self, root: Path) -> None:
        """Others may work there."""
        self._locks.let_go(_lock(root))


def _lock(root: Path) -> str:
    # A folder's name may be anything; the lock's is harmless, and no longer than a name may be.
    return f"copy-{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}"
