"""A login node that is reached over ssh: a real sshd on a port of this machine, a site's home behind it.

The laptop has a home of its own, with keys and settings for ``ssh``. Both run on this machine.
"""

import getpass
import os
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.site import PATIENCE_S, Site
from tests.vectors.needs import need_program
from tests.vectors.sshd import end_sshd, start_sshd
from tests.world import executable

_SERVER = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel ERROR
"""
_CLIENT = """Host {name}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {laptop}/.ssh/{key}
  IdentitiesOnly yes
  UserKnownHostsFile {laptop}/.ssh/known_hosts
"""


@dataclass
class LoginHost:
    """The login node of a site, and a laptop that may reach it.

    Attributes:
        site: the home on the login node, and what runs there.
        folder: where sshd and the laptop keep what is theirs.
    """

    site: Site
    folder: Path
    port: int = field(init=False)
    process: "subprocess.Popen[str]" = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.laptop / ".ssh").mkdir(parents=True, mode=0o700)
        (self.laptop / "bin").mkdir()
        keys = [self.laptop / ".ssh" / name for name in ("restricted", "plain", "stranger")]
        for key in (self.folder / "host_key", *keys):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.write_program()
        self.restrict(f"{self.aexp} relay exec")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.start_again()
        known = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {known}")
        facts = {"port": self.port, "user": getpass.getuser(), "laptop": self.laptop}
        restricted = _CLIENT.format(name="login", key="restricted", **facts)
        others = [_CLIENT.format(name=name, key=name, **facts) for name in ("plain", "stranger")]
        self.config.write_text(f"{restricted}  ServerAliveInterval 0\n{''.join(others)}")
        # The real one asks the user database for the home, and not the environment.
        ssh = need_program("ssh")
        executable(self.laptop / "bin/ssh", f'#!/bin/sh\nexec {ssh} -F {self.config} "$@"\n')

    @property
    def laptop(self) -> Path:
        """The home on the laptop."""
        return self.folder / "laptop"

    @property
    def known_hosts(self) -> Path:
        """Which host keys the laptop knows."""
        return self.laptop / ".ssh/known_hosts"

    @property
    def config(self) -> Path:
        """The laptop's settings for ssh."""
        return self.laptop / ".ssh/config"

    @property
    def url(self) -> str:
        """The queue, with the working copy of the site."""
        return "ssh://login/~/repo"

    @property
    def env(self) -> dict[str, str]:
        """The environment on the laptop."""
        return {
            "PATH": f"{self.laptop}/bin:{os.environ['PATH']}",
            "HOME": str(self.laptop),
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "error",
            "AEXP_RELAY_QUEUE": self.url,
        }

    def restrict(self, command: str, options: str = "restrict") -> None:
        """Let one key run this command alone; the plain key may run any."""
        lines = [f'command="{command}",{options} {self._public("restricted")}']
        # What sshd sets up for a log-in is this site's home.
        lines += [f'environment="HOME={self.site.home}" {self._public("plain")}']
        (self.folder / "authorized_keys").write_text("".join(lines))

    @property
    def aexp(self) -> Path:
        """The program on the login node, with the environment of a log-in there."""
        return self.site.home / "bin/aexp"

    def write_program(self) -> None:
        """Make it anew, with the site's environment as it is now."""
        exports = (f"export {name}={shlex.quote(value)}" for name, value in self.site.env.items())
        line = f'exec {sys.executable} -P -m aexp "$@"'
        executable(self.aexp, "\n".join(["#!/bin/sh", *exports, line, ""]))

    def relay(
        self, *args: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``aexp relay …`` on the laptop to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "aexp", "relay", *args],
            cwd=cwd or self.laptop,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def start(self, *args: str, **kwargs: Any) -> "subprocess.Popen[str]":
        """Start ``aexp relay …`` on the laptop."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "aexp", "relay", *args],
            cwd=self.laptop,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    def ssh(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Run the laptop's ssh to its end."""
        return subprocess.run(
            [self.laptop / "bin/ssh", *args],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def sessions(self) -> list[int]:
        """The processes of sshd that serve a connection each."""
        return [pid for pid in _children(self.process.pid) if pid != self.process.pid]

    def close(self) -> None:
        """End the host."""
        end_sshd(self.process)

    def _public(self, name: str) -> str:
        return (self.laptop / f".ssh/{name}.pub").read_text()

    def start_again(self) -> None:
        """Start sshd, on the port that it had."""
        if hasattr(self, "process") and self.process.stderr is not None:
            self.process.stderr.close()
        settings = self.folder / "sshd_config"
        more = "PermitUserEnvironment yes\n"
        settings.write_text(_SERVER.format(port=self.port, folder=self.folder) + more)
        self.process = start_sshd(settings)


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]
