"""The login user's own ssh settings, read once at the daemon's start (ssh_config(5)).

``ssh -F`` with a copy keeps a later edit of ``~/.ssh/config`` from running a program (``ProxyCommand``,
``Match exec``) or from changing where a name leads. An included file is copied as well, to a file of its
own: pasted in, its ``Host`` lines would change what follows it.
"""

import glob
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from aexp.adapters.plain_files import read_anywhere, write_private

MOST_FILES = 64
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
_HOSTS = ("known_hosts", "known_hosts2")


@dataclass
class SshSettings:
    """What was pinned.

    Attributes:
        config: the copy for ``ssh -F``.
        known_hosts: copies of the lists of known hosts.
        sources: the files that were read, and that are watched for a change.
    """

    config: Path
    known_hosts: list[Path] = field(default_factory=list)
    sources: list[Path] = field(default_factory=list)


def pin_ssh_settings(home: str, folder: Path) -> SshSettings:
    """Copy ``~/.ssh/config``, what it includes, and the known hosts into ``folder``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = Path(home) / ".ssh"
    pinned = SshSettings(folder / "config")
    text = _Copier(user, folder, pinned.sources).copied(user / "config")
    # The system's own file comes last, as it does without -F; the first value of an option counts.
    tail = f"\nMatch all\nInclude {SYSTEM_CONFIG}\n" if Path(SYSTEM_CONFIG).exists() else ""
    write_private(pinned.config, (text + tail).encode("utf-8", "surrogateescape"))
    for name in _HOSTS:
        source, copy = user / name, folder / name
        data = read_anywhere(source)
        if data is not None:
            write_private(copy, data)
            pinned.known_hosts.append(copy)
            pinned.sources.append(source)
    return pinned


class _Copier:
    """Copies a configuration and what it includes, each file once for each place that includes it."""

    def __init__(self, user: Path, folder: Path, sources: list[Path]) -> None:
        self._user = user
        self._folder = folder
        self._sources = sources
        self._count = 0

    def copied(self, source: Path) -> str:
        """The file's text with its includes led to the copies."""
        self._count += 1
        data = read_anywhere(source) if self._count <= MOST_FILES else None
        if data is None:
            return ""
        self._sources.append(source)
        lines = data.decode("utf-8", "surrogateescape").splitlines()
        return "\n".join(self._line(line) for line in lines) + "\n"

    def _line(self, line: str) -> str:
        words = line.strip().replace("=", " ", 1).split(None, 1)
        if len(words) < 2 or words[0].strip('"').lower() != "include":
            return line
        copies = [self._copy(source) for named in _words(words[1]) for source in self._named(named)]
        return f"Include {' '.join(copies)}" if copies else f"# nothing to include: {line.strip()}"

    def _named(self, named: str) -> list[Path]:
        path = Path(named).expanduser()
        return [Path(found) for found in sorted(glob.glob(str(self._user / path)))]

    def _copy(self, source: Path) -> str:
        copy = self._folder / f"included-{self._count}"
        text = self.copied(source)
        write_private(copy, text.encode("utf-8", "surrogateescape"))
        return f'"{copy}"'


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
