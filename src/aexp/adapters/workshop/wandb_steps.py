"""What is asked of wandb before, and looked at after, the runs of a request are uploaded."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aexp.adapters.workshop.steps import Done, Step
from aexp.adapters.workshop.wandb_runs import SYNCED
from aexp.domain.text import visible
from aexp.domain.wandb import WandbRuns, sync_arguments, version_in

ASK_LIMIT_S = 120.0
"""For the version and for the check of the server: wandb's own patience is up to half a minute."""
NO_SUCH_OPTION = 2
_STALE_LOGIN = (
    b"aexp: nothing was sent. wandb was asked with the server and the key that were configured "
    b"when the daemon was started; after `wandb login` on the login node, start it again.\n"
)
_CUT_SHORT = b"aexp: wandb was ended before anything was sent.\n"


@dataclass
class WandbSteps:
    """Which version is it; does the server know us; upload; has wandb marked every run?

    Attributes:
        surroundings: the folder that wandb is started in.
        cwd: the folder that the runs are found below.
        look_again: what has changed since the runs were looked at; empty for nothing.

    The server is asked first because ``wandb sync`` itself ends with 0 (and, up to 0.28, marks the run
    as synced) when the server cannot be reached, and newer ones try for as long as they are let.
    """

    program: str
    surroundings: str
    environment: Mapping[str, str]
    cwd: Path
    found: WandbRuns
    look_again: Callable[[], str]
    version: tuple[int, int] | None = field(default=None)

    @property
    def first(self) -> Step:
        return self._step(self.program, "--version", visible=False, limit_s=ASK_LIMIT_S)

    def then(self, number: int, status: int, output: bytes) -> Step | Done | None:
        if number == 0:
            if status != 0:
                return Done(status, output)
            self.version = version_in(output.decode("utf-8", "replace"))
            return self._step(self.program, "login", "--verify", visible=False, limit_s=ASK_LIMIT_S)
        if number == 1:
            if status not in (0, NO_SUCH_OPTION):
                return Done(status, output + (_STALE_LOGIN if status > 0 else _CUT_SHORT))
            changed = self.look_again()
            if changed:
                return Done(1, f"aexp: {changed}\n".encode())
            runs = [str(self.cwd / run.path) for run in self.found.runs]
            return self._step(self.program, *sync_arguments(self.version, runs))
        unmarked = [] if status else self._unmarked()
        return Done(1, _told(unmarked)) if unmarked else Done(status)

    def _unmarked(self) -> list[str]:
        return [
            run.path
            for run in self.found.runs
            if not os.path.lexists(self.cwd / run.path / (run.file + SYNCED))
        ]

    def _step(self, *argv: str, visible: bool = True, limit_s: float | None = None) -> Step:
        return Step(argv, self.surroundings, self.environment, visible=visible, limit_s=limit_s)


def _told(unmarked: Sequence[str]) -> bytes:
    listed = "".join(f"  {visible(path)}\n" for path in unmarked)
    return (
        "aexp: wandb ended without an error but has not marked these runs as synced. They may be "
        f"missing on the server, in part or as a whole, or were interrupted (see above):\n{listed}"
    ).encode()
