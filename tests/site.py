"""A small cluster site on one machine: a throwaway home, a bare origin, a clone, real processes."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.world import executable

GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "A Researcher",
    "GIT_AUTHOR_EMAIL": "researcher@example.org",
    "GIT_COMMITTER_NAME": "A Researcher",
    "GIT_COMMITTER_EMAIL": "researcher@example.org",
}
PATIENCE_S = 60.0
_WANDB = """#!/bin/sh
case "$1" in
--version) echo "wandb, version 0.31.0"; exit 0 ;;
login) exit 0 ;;
esac
for run; do
    for log in "$run"/run-*.wandb; do [ ! -e "$log" ] || : > "$log.synced"; done
done
"""


@dataclass
class Site:
    """The home that both nodes share, and what runs in it.

    Attributes:
        home: the throwaway home.
        env: the environment of everything that is started here.
        said: what the latest daemon said until it served.
    """

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    daemons: list[subprocess.Popen[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.env = {
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "error",
            "GIT_CONFIG_NOSYSTEM": "1",
            # What is this node's alone, and the one path remote that its owner trusts.
            "AEXP_RELAY_STATE": str(self.state),
            "AEXP_RELAY_TRUST_REMOTES": str(self.origin),
            **GIT_IDENTITY,
        }
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / ".gitconfig").write_text(
            "[init]\n\tdefaultBranch = main\n[pull]\n\trebase = false\n"
        )
        self.git("init", "-q", "--bare", str(self.origin), cwd=self.home)
        self.git("clone", "-q", str(self.origin), str(self.repo), cwd=self.home)
        self.commit("first", cwd=self.repo)
        self.git("push", "-q", "-u", "origin", "main")

    @property
    def state(self) -> Path:
        """The node-local folder of the login node, outside the home."""
        return self.home.parent / f"{self.home.name}-node"

    @property
    def origin(self) -> Path:
        """The bare repository that is pushed to."""
        return self.home / "origin.git"

    @property
    def repo(self) -> Path:
        """The working copy."""
        return self.home / "repo"

    @property
    def queue(self) -> Path:
        """The default queue."""
        return self.home / ".relay"

    def git(self, *args: str, cwd: Path | None = None) -> str:
        """Run git as the researcher would; its output."""
        done = subprocess.run(
            ["git", *args],
            cwd=cwd or self.repo,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, name: str, *, cwd: Path | None = None, text: str | None = None) -> str:
        """Commit a file; the commit's hash."""
        folder = cwd or self.repo
        (folder / name).write_text(text or f"{name}\n", encoding="utf-8")
        self.git("add", "-A", cwd=folder)
        self.git("commit", "-q", "-m", name, cwd=folder)
        return self.git("rev-parse", "HEAD", cwd=folder)

    def colleague(self, name: str, text: str | None = None) -> str:
        """Somebody else pushes a commit to the origin; its hash."""
        other = self.home / "colleague"
        if not other.exists():
            self.git("clone", "-q", str(self.origin), str(other), cwd=self.home)
        self.git("pull", "-q", "--rebase", cwd=other)
        made = self.commit(name, cwd=other, text=text)
        self.git("push", "-q", cwd=other)
        return made

    def aexp(
        self,
        *args: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        module: str = "aexp",
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", module, *args],
            cwd=cwd or self.repo,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def relay(self, *args: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run ``aexp relay …`` to its end."""
        return self.aexp("relay", *args, **kwargs)

    def json(self, *args: str, **kwargs: Any) -> dict[str, Any]:
        """What ``aexp relay … --json`` prints."""
        done = self.relay(*args, "--json", **kwargs)
        assert done.stdout, done.stderr
        parsed: dict[str, Any] = json.loads(done.stdout)
        return parsed

    def serve(
        self,
        *args: str,
        env: dict[str, str] | None = None,
        command: tuple[str, ...] = ("aexp", "relay", "serve"),
        prefix: tuple[str, ...] = (),
    ) -> subprocess.Popen[str]:
        """Start a daemon and wait until it serves."""
        daemon = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", *command, *args],
            cwd=self.home,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.daemons.append(daemon)
        assert daemon.stderr is not None
        first = daemon.stderr.readline()
        self.said = [first]
        while first.startswith(("from ", "note: ")):
            first = daemon.stderr.readline()
            self.said.append(first)
        assert " serves " in first, first + (
            daemon.stderr.read() if daemon.poll() is not None else ""
        )
        return daemon

    def end(self, daemon: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
        """Send the daemon a signal and wait for its end; its exit status."""
        daemon.send_signal(number)
        return daemon.wait(timeout=PATIENCE_S)

    def wandb(self, script: str = 'echo "wandb $*"') -> None:
        """Let every daemon of this site run a stand-in named wandb, and leave it a run to upload."""
        program = executable(self.home / "bin/wandb", f"{_WANDB}{script}\n")
        self.env["AEXP_RELAY_WANDB"] = str(program)
        self.offline_run()

    def offline_run(self, name: str = "ab12cd34") -> Path:
        """An offline run as wandb leaves it in the working copy, out of git's sight; its folder."""
        folder = self.repo / f"wandb/offline-run-20260102_030405-{name}"
        folder.mkdir(parents=True)
        (folder / f"run-{name}.wandb").write_bytes(b"points")
        (self.repo / ".git/info/exclude").write_text("wandb/\n")
        return folder

    def put_request(self, request_id: str, data: bytes) -> None:
        """Leave a request's file as the original client does: whole from the moment that it has its name."""
        draft = self.queue / f"inbox/{request_id}.json.tmp"
        draft.write_bytes(data)
        draft.rename(self.queue / f"inbox/{request_id}.json")

    def until(self, what: str, holds: Any) -> None:
        """Wait until ``holds()``; fails after a minute, naming ``what``."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"never came true: {what}"
            select.select([], [], [], 0.01)

    def trail(self) -> str:
        """The audit trail so far."""
        return (self.queue / "daemon.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """End every daemon that still runs."""
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait(timeout=PATIENCE_S)
            if daemon.stderr is not None:
                daemon.stderr.close()


def stand_in(site: Site, script: str) -> Path:
    """Let every daemon of the site that starts from now on run this script in place of git."""
    program = executable(site.home / "bin/stand-in-git", script)
    site.env["AEXP_RELAY_GIT"] = str(program)
    return program


def slow_git(site: Site) -> Path:
    """A git for the daemon whose fetch says that it runs and then takes very long."""
    note = site.repo / ".git/slow"
    real_git = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\nif [ "$1" = fetch ]; then echo fetching; echo $$ >> {note}; exec sleep 300; fi\n'
        f'exec {real_git} "$@"\n',
    )
    return note
