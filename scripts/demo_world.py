"""The demo's throwaway world: a home with a repository in it, a daemon, and the commands of two nodes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from demo_screen import DemoError

PATIENCE_S = 20.0
_WANDB = """\
#!/bin/sh
case "$1" in
--version) echo "wandb, version 0.31.0"; exit 0 ;;
login) exit 0 ;;
esac
for run; do
    for log in "$run"/run-*.wandb; do [ ! -e "$log" ] || : > "$log.synced"; done
done
echo "stand-in for wandb, called as: wandb $*"
echo "1 offline run would have been uploaded; nothing was."
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    def must(self, status: int, *words: str) -> "Done":
        """This command, which must have ended so and said these words.

        Raises:
            DemoError: it did not.
        """
        missing = [word for word in words if word not in self.out + self.err]
        if self.status != status or missing:
            wanted = f"wanted exit {status}" + "".join(f" and {word!r}" for word in missing)
            raise DemoError(f"{wanted}; got exit {self.status} and\n{self.out}{self.err}")
        return self


class World:
    """A temporary home, and a folder of the login node alone. Leaving ends the daemon and deletes both."""

    def __enter__(self) -> "World":
        self.base = Path(tempfile.mkdtemp(prefix="aexp-demo-")).resolve()
        self.home = self.base / "home"
        self.home.mkdir()
        self.queue = self.home / ".relay"
        self.project = self.home / "project"
        self.daemon: subprocess.Popen[str] | None = None
        self.environment = _environment(self.home, self.base / "node")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C must not leave half of it behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.wait(PATIENCE_S)
        for pid in self.processes(wait_s=2.0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.base, ignore_errors=True)

    def build(self) -> None:
        """A bare origin, our clone of it, a colleague's clone, and a stand-in for wandb."""
        self.git(self.home, "init", "--quiet", "--bare", "-b", "main", "origin.git")
        self.git(self.home, "clone", "--quiet", "origin.git", "project")
        self.git(self.project, "checkout", "--quiet", "-B", "main")
        self.commit(self.project, "train.py", "print('hello')\n", "Begin")
        self.git(self.project, "push", "--quiet", "--set-upstream", "origin", "main")
        self.git(self.home, "clone", "--quiet", "origin.git", "colleague")
        wandb = self.home / "bin" / "wandb"
        wandb.parent.mkdir()
        wandb.write_text(_WANDB, encoding="utf-8")
        wandb.chmod(0o755)
        run = self.project / "wandb/offline-run-20260102_030405-ab12cd34"
        run.mkdir(parents=True)
        (run / "run-ab12cd34.wandb").write_bytes(b"points")
        with (self.project / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
            exclude.write("wandb/\n")

    def colleague_pushes(self, name: str, text: str, message: str) -> None:
        """A new commit arrives on origin, from the second clone."""
        other = self.home / "colleague"
        self.git(other, "pull", "--quiet", "--ff-only")
        self.commit(other, name, text, message)
        self.git(other, "push", "--quiet")

    def commit(self, folder: Path, name: str, text: str, message: str) -> None:
        """Write a file and commit it."""
        (folder / name).write_text(text, encoding="utf-8")
        self.git(folder, "add", name)
        self.git(folder, "commit", "--quiet", "-m", message)

    def git(self, folder: Path, *arguments: str) -> str:
        """What plain git says; it must succeed."""
        return self.run(["git", *arguments], folder).must(0).out.strip()

    def relay(self, *arguments: str) -> Done:
        """``aexp relay …`` in the working copy, as a process of its own."""
        return self.run(relay_command(*arguments), self.project)

    def relay_in_background(self, told: Path, *arguments: str) -> "subprocess.Popen[str]":
        """The same, without waiting for it; what it says goes to the file ``told``."""
        with told.open("w", encoding="utf-8") as file:
            return subprocess.Popen(
                relay_command(*arguments),
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                text=True,
            )

    def run(self, argv: list[str], folder: Path) -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            argv,
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start_daemon(self) -> str:
        """Start ``aexp relay serve`` and wait until it says that it serves."""
        told = self.home / "serve.txt"
        with told.open("w", encoding="utf-8") as file:
            self.daemon = subprocess.Popen(
                relay_command("serve"),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                text=True,
                start_new_session=True,  # Ctrl-C is ours to pass on, in good order.
            )
        until = time.monotonic() + PATIENCE_S
        while "serves" not in told.read_text(encoding="utf-8"):
            if self.daemon.poll() is not None or time.monotonic() > until:
                raise DemoError(f"the daemon did not start:\n{told.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        return told.read_text(encoding="utf-8")

    def stop_daemon(self) -> int:
        """SIGTERM; the daemon's exit status."""
        if self.daemon is None:
            raise DemoError("there is no daemon")
        self.daemon.terminate()
        return self.daemon.wait(PATIENCE_S)

    def processes(self, wait_s: float = 0.0) -> list[int]:
        """The processes that still have this home in their environment, after a moment's grace."""
        until = time.monotonic() + wait_s
        while (found := _processes_of(f"HOME={self.home}")) and time.monotonic() < until:
            time.sleep(0.05)
        return found


def relay_command(*arguments: str) -> list[str]:
    """The command line of ``aexp relay …`` with this interpreter."""
    return [sys.executable, "-P", "-m", "aexp", "relay", *arguments]


def _environment(home: Path, node: Path) -> dict[str, str]:
    """Built from nothing, so that nothing of the real home or session leaks in."""
    return {
        "HOME": str(home),
        "PATH": f"{home}/bin:{os.environ.get('PATH', os.defpath)}",
        "TMPDIR": tempfile.gettempdir(),
        "LC_ALL": "C.UTF-8",
        # What is the login node's alone, the one path remote that its owner trusts, and the stand-in.
        "AEXP_RELAY_STATE": str(node),
        "AEXP_RELAY_TRUST_REMOTES": str(home / "origin.git"),
        "AEXP_RELAY_WANDB": str(home / "bin/wandb"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Demo",
        "GIT_AUTHOR_EMAIL": "demo@example.invalid",
        "GIT_COMMITTER_NAME": "Demo",
        "GIT_COMMITTER_EMAIL": "demo@example.invalid",
    }


def _processes_of(marker: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            # Somebody else's process, or one that has ended since it was listed.
            continue
        if marker.encode() in variables:
            found.append(int(folder.name))
    return found
