"""Terminals of tmux(1), from 2.1 on: one session for each name, on the server that is there already."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aexp.adapters.node_local import private_folder
from aexp.adapters.plain_files import write_private
from aexp.adapters.programs_here import answer_of
from aexp.adapters.remedies import reason, remedy
from aexp.adapters.terminals import launch
from aexp.domain.errors import RelayStartError
from aexp.domain.text import visible
from aexp.ports.terminals import Job, Pane, Terminals

ANSWERS_IN_S = 10.0
LINES = 50
LEFT_FOR_S = 600.0
"""Seconds after which the file of a job that has not begun is of no use."""
_LAUNCH = os.path.abspath(launch.__file__)
_MARK = "/adapters/terminals/launch.py"
_FORMAT = " ".join(
    f"#{{pane_{fact}}}"
    for fact in ("id", "pid", "dead", "dead_status", "dead_signal", "start_command")
)
_LOOKS, _LOOK_EVERY_S = 20, 0.025
_COLUMNS, _ROWS = "180", "45"
_EPITAPH = "Pane is dead"
"""What tmux writes under the output of a job that is over."""


class TmuxTerminals(Terminals):
    """See the module.

    A job that fails keeps its window, so that its last words can be read; one that ends well does not, where
    tmux can tell the two apart (3.2).

    Args:
        environ: where tmux and its server are looked for.
        folder: a folder of this machine for the files that hand a job over.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = dict(environ)
        self._folder = folder
        self._program = shutil.which("tmux", path=self._environ.get("PATH"))

    @property
    def available(self) -> bool:
        return self._program is not None

    def start(self, name: str, job: Job) -> Pane:
        before = self.look(name)
        if before is not None and not before.over:
            return before
        order = self._order(job)
        try:
            self._tmux(*self._opening(name, before), *_command(order, job), *self._lasting(name))
        except RelayStartError:
            order.unlink(missing_ok=True)
            found = self.look(name)
            # Somebody else may have been quicker by a moment.
            if found is None or found.over:
                raise
            return found
        found = self.look(name)
        return found or Pane("", 0, over=True)

    def look(self, name: str) -> Pane | None:
        found = None
        for _ in range(_LOOKS):
            found, is_known = self._look(name)
            if is_known:
                break
            # The terminal was closed, and tmux has not looked yet how the job ended. Now and then it misses
            # that a child has gone until another one goes. Of a signal it never tells before 3.3.
            self._asked("run-shell", "-b", "true")
            time.sleep(_LOOK_EVERY_S)
        return found

    def _look(self, name: str) -> tuple[Pane | None, bool]:
        """Our job, and whether all is known of it that can be."""
        # Without the colon it could also be part of a window's name, in whatever session.
        asked = ("list-panes", "-s", "-t", f"={name}:", "-F", _FORMAT)
        for line in self._asked(*asked).splitlines():
            key, pid, dead, status, signal, command = line.split(" ", 5)
            if _MARK in command:
                code = int(status) if status.isdecimal() else None
                pane = Pane(key, int(pid), over=dead == "1", status=code)
                return pane, not pane.over or bool(status or signal)
        return None, True

    def said(self, pane: Pane) -> list[str]:
        text = self._asked("capture-pane", "-p", "-J", "-S", f"-{LINES}", "-t", pane.key)
        lines = [line.rstrip() for line in text.splitlines() if not line.startswith(_EPITAPH)]
        return "\n".join(lines).strip("\n").splitlines()[-LINES:]

    def tidy(self, name: str) -> None:
        found = self.look(name)
        if found is not None and found.over:
            self._asked("kill-pane", "-t", found.key)

    def way_in(self, name: str) -> str:
        return f"tmux {'switch-client' if self._is_inside else 'attach'} -t {name}"

    def way_back(self) -> str:
        # To detach would leave the person's own session as well.
        return "back with Ctrl-b L" if self._is_inside else "leave it with Ctrl-b d"

    @property
    def _is_inside(self) -> bool:
        """Whether this shell is in tmux; its variable outlives the server that it names."""
        return bool(self._environ.get("TMUX")) and bool(self._asked("display-message", "-p", "x"))

    def _opening(self, name: str, before: Pane | None) -> list[str]:
        """The command of tmux that gives a job its terminal."""
        if before is not None:
            return ["clear-history", "-t", before.key, ";", "respawn-pane", "-t", before.key]
        if self._has(name):
            return ["new-window", "-d", "-t", f"={name}:", "-n", "daemon"]
        size = ["-x", _COLUMNS, "-y", _ROWS]
        return ["new-session", "-d", *size, "-s", name, "-n", "daemon"]

    def _lasting(self, name: str) -> list[str]:
        """Against a setting of the owner's that closes what nobody looks at."""
        return [";", "set-option", "-t", f"={name}:", "destroy-unattached", "off"]

    def _has(self, name: str) -> bool:
        return self._run("has-session", "-t", f"={name}:").returncode == 0

    def _order(self, job: Job) -> Path:
        facts = {"argv": job.argv, "cwd": job.cwd, "environ": dict(job.environ)}
        body = {**facts, "tmux": self._program}
        try:
            path = private_folder(self._folder) / f"{secrets.token_hex(8)}.json"
            self._sweep()
            write_private(path, json.dumps(body).encode())
        except OSError as exc:
            raise RelayStartError(
                f"The job could not be written to {self._folder}: {reason(exc)}.", remedy(exc)
            ) from exc
        return path

    def _sweep(self) -> None:
        """Remove the jobs that nothing ever became."""
        for old in self._folder.glob("*.json"):
            with suppress(FileNotFoundError):
                if time.time() - old.stat().st_mtime > LEFT_FOR_S:
                    old.unlink()

    def _tmux(self, *args: str) -> None:
        done = self._run(*args)
        if done.returncode != 0:
            said = visible(done.stderr.strip(), limit=400)
            raise RelayStartError(
                f"tmux could not start it: {said}.", "Try it by hand: tmux new-session"
            )

    def _asked(self, *args: str) -> str:
        done = self._run(*args)
        return done.stdout if done.returncode == 0 else ""

    def _run(self, *args: str) -> subprocess.CompletedProcess[str]:
        if self._program is None:
            raise RelayStartError("tmux is not installed here.", "Install it, or do without.")
        argv = [self._program, "-u", *args]
        return answer_of(argv, self._environ, within_s=ANSWERS_IN_S, hint="Try it by hand: tmux ls")


def _command(order: Path, job: Job) -> list[str]:
    """The command line that becomes the job: with nothing on it that is nobody else's business."""
    libraries = job.environ.get("LD_LIBRARY_PATH")
    # An interpreter of a site's modules may not even start without them.
    before = ["/usr/bin/env", f"LD_LIBRARY_PATH={libraries}"] if libraries else []
    return [*before, sys.executable, "-I", _LAUNCH, str(order)]
