"""A Redis server of a test's own: in a folder of its own, on loopback or a Unix socket."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
DOCS = Path(__file__).parent.parent / "docs/redis.md"
STARTS_WITHIN_S = 20.0
QUIET = ("--daemonize", "no", "--logfile", "server.log", "--loglevel", "notice")


def needed() -> str:
    """The program; without it the test is skipped, except where it is expected (CI)."""
    if PROGRAM is None:
        if os.environ.get("AEXP_EXPECT_REDIS"):
            pytest.fail("redis-server is expected here (AEXP_EXPECT_REDIS) and is not there")
        pytest.skip("needs redis-server")
    return PROGRAM


def documented_users(name: str) -> str:
    """The users of docs/redis.md, as the server's file takes them, for the queue of a name or pattern."""
    block = re.search(r"```acl\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return block[1].replace("{lab}", f"{{{name}}}")


def login_of(user: str) -> str:
    """A documented user and their password, as a URL has them."""
    return f"{user}:{user.upper()}-PASSWORD"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class RedisServer:
    """One server, which can be killed, paused and started again at the same place.

    Args:
        folder: where its data, log and socket lie.
        options: as its command line has them, such as ``("--appendonly", "yes")``.
        tls: whether it speaks TLS on its port; the options name the files.
    """

    def __init__(self, folder: Path, options: Sequence[str] = (), *, tls: bool = False) -> None:
        self.folder = folder
        self.options = tuple(options)
        self.port = free_port()
        self.tls = tls
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def url(self, name: str = "lab", *, user: str = "", options: str = "") -> str:
        """What reaches it over loopback."""
        scheme, at = "rediss" if self.tls else "redis", f"{user}@" if user else ""
        return f"{scheme}://{at}127.0.0.1:{self.port}/0?name={name}{options}"

    def start(self) -> "RedisServer":
        """Start it and wait until it listens."""
        port = ("--port", "0", "--tls-port") if self.tls else ("--port",)
        save = () if "--save" in self.options else ("--save", "")
        argv = (needed(), *port, str(self.port), "--bind", "127.0.0.1", *save, *QUIET)
        self.process = subprocess.Popen([*argv, *self.options], cwd=self.folder)
        give_up = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < give_up:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.01)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """Let it stand still."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
