"""Terminals and programs that are told of waiting requests, for the tests of the notifiers."""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
import tty
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from aexp.domain.notices import Notice
from aexp.domain.petition import Petition
from aexp.ports.notifier import Notifier

ONE, TWO = "1" * 32, "2" * 32
EVIL = "\x1b]0;evil\x07\x1b[2Jevil\u202e\r\n;#(touch evil)%H$(evil)`evil`"
PATIENCE_S = 30.0

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)


def petition(request_id: str = ONE, op: str = "wandb_sync", cwd: str = "/home/ada/x") -> Petition:
    """A request that waits."""
    return Petition(request_id, op, (), cwd, cwd, reason="it sends data out of the cluster")


def notice(request_id: str = ONE, op: str = "wandb_sync", cwd: str = "/home/ada/x") -> Notice:
    """What people are told of it."""
    return Notice.of(petition(request_id, op, cwd), "/home/ada/.relay")


def until(what: str, holds: Callable[[], object]) -> None:
    """Wait until ``holds()``; fails after half a minute, naming ``what``."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"never came true: {what}"
        select.select([], [], [], 0.01)


def let_go_on(notifier: Notifier, waiting: Collection[str]) -> None:
    """Turns as the daemon's loop takes them, until nothing is under way."""
    notifier.turn(waiting)
    while ends := notifier.descriptors():
        assert select.select(ends, [], [], PATIENCE_S)[0], "what was started never ended"
        notifier.turn(waiting)


class Screen:
    """A terminal: what is written to ``slave`` can be read here. No line end is changed on the way."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 250, 0, 0))
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self._seen = b""

    def seen(self) -> bytes:
        """All that has come so far."""
        try:
            while data := os.read(self.master, 1 << 16):
                self._seen += data
        except (BlockingIOError, OSError):
            # Nothing more for now; or nobody has the other end open any longer.
            pass
        return self._seen

    def press(self, keys: bytes) -> None:
        """As a person does; a message of tmux goes with the first key."""
        os.write(self.master, keys)

    def stop(self) -> None:
        """As Ctrl-S does."""
        termios.tcflow(self.slave, termios.TCOOFF)

    def go_on(self) -> None:
        """As Ctrl-Q does."""
        termios.tcflow(self.slave, termios.TCOON)

    def close(self) -> None:
        for end in (self.master, self.slave):
            os.close(end)


class Tmux:
    """A tmux server of the test's own, and somebody who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "t.sock")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color"}
        self.program = shutil.which("tmux") or ""
        self.screen = Screen()
        self.run("new-session", "-d", "-x", "250", "-y", "40", "sh")
        self.client = subprocess.Popen(
            [self.program, "-S", self.socket, "attach"],
            env={**self.env, "LC_ALL": "C.UTF-8"},
            stdin=self.screen.slave, stdout=self.screen.slave, stderr=self.screen.slave,
            start_new_session=True,
        )  # fmt: skip
        until("the client is there", lambda: self.run("list-clients"))

    @property
    def environ(self) -> dict[str, str]:
        """What a program in one of its panes finds."""
        return {**self.env, "TMUX": f"{self.socket},1,0"}

    def run(self, *args: str) -> str:
        """Run a tmux command; its output."""
        return subprocess.run(
            [self.program, "-S", self.socket, "-f", "/dev/null", *args],
            env=self.env, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    @property
    def pending(self) -> str:
        """The option for the status line."""
        return self.run("display-message", "-p", "#{@aexp_pending}").strip()

    def close(self) -> None:
        self.run("kill-server")
        self.client.wait(timeout=PATIENCE_S)
        self.screen.close()
