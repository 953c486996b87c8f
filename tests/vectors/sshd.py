"""A git host that is reached over ssh: a real sshd on a port of this machine, with keys of its own."""

import getpass
import os
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.vectors.needs import need_program
from tests.world import executable

_SETTINGS = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
ForceCommand {folder}/shell
LogLevel ERROR
"""
_CLIENT = """Host githost
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {home}/.ssh/id_ed25519
  IdentitiesOnly yes
"""


@dataclass
class GitHost:
    """The host, and the login user's key and settings for it.

    Attributes:
        folder: what the host keeps.
        home: the home whose ``.ssh`` gets a key, the settings for ``githost`` and its host key.
        programs: a folder on the PATH of the login node.
    """

    folder: Path
    home: Path
    programs: Path
    port: int = field(init=False)
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.home / ".ssh").mkdir(mode=0o700)
        key = self.home / ".ssh/id_ed25519"
        for name in (self.folder / "host_key", key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name], check=True)
        public = key.with_suffix(".pub").read_text()
        (self.folder / "authorized_keys").write_text(public)
        (self.folder / "home").mkdir()
        executable(
            self.folder / "shell",
            f"#!/bin/sh\nexport HOME={self.folder}/home GIT_CONFIG_NOSYSTEM=1\n"
            'exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n',
        )
        self._stand_in()
        self._start()
        host_key = (self.folder / "host_key.pub").read_text()
        (self.home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        (self.home / ".ssh/config").write_text(
            _CLIENT.format(port=self.port, user=getpass.getuser(), home=self.home)
        )

    def _stand_in(self) -> None:
        """An ssh that takes $HOME for the home: the real one asks the user database."""
        ssh = need_program("ssh")
        executable(
            self.programs / "ssh",
            '#!/bin/sh\nfor word in "$@"; do\n'
            f'  [ "$word" = -F ] && exec {ssh} "$@"\n'
            "done\n"
            f'exec {ssh} -F "$HOME/.ssh/config" '
            '-oUserKnownHostsFile="$HOME/.ssh/known_hosts" "$@"\n',
        )

    def _start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        settings = self.folder / "sshd_config"
        settings.write_text(_SETTINGS.format(port=self.port, folder=self.folder))
        self.process = start_sshd(settings)

    def url_of(self, origin: Path) -> str:
        """The URL of a repository on the host."""
        return f"githost:{origin}"

    def close(self) -> None:
        """End the host."""
        end_sshd(self.process)


def start_sshd(settings: Path) -> "subprocess.Popen[str]":
    """A running sshd with these settings, which listens by now."""
    if os.geteuid() == 0:
        # Where sshd locks its children in; the service's own script makes it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        [need_program("sshd"), "-D", "-e", "-o", "LogLevel=INFO", "-f", settings],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    assert "listening" in said, said
    return process


def end_sshd(process: "subprocess.Popen[str]") -> None:
    """End it, and wait for that."""
    process.terminate()
    process.wait(timeout=20)
    if process.stderr is not None:
        process.stderr.close()
