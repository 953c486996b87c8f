"""A systemd user unit for the daemon of a queue, quoted as systemd.syntax(7) and systemd.service(5) say.

The home with ``~/.config/systemd/user`` is shared by all login nodes, so the unit names the one host on
which it starts. On the others systemd passes over it in silence.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aexp.domain.serving import settings_in

_DIGEST = re.compile(r"# digest ([0-9a-f]{64})\n", re.ASCII)
_HOST = re.compile(r"^ConditionHost=(\S+)$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9_@=:,./+-]+", re.ASCII)
_KEPT = (
    *("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "no_proxy", "NO_PROXY"),
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "XDG_CONFIG_HOME",  # The file of settings lies there.
)
STOP_S = 30
"""Seconds until systemd kills a daemon that was asked to end; it gives itself 15."""


@dataclass(frozen=True)
class Unit:
    """What a unit is made of.

    Attributes:
        host: the name of the one host, as gethostname(2) has it.
        queue: the queue's folder or URL.
        command: the command line of the daemon, the program by its absolute path.
        environ: what it finds in its environment; see :func:`environment`.
        systemd: the version of systemd on that host; 0 when it is not known.
    """

    host: str
    queue: str
    command: Sequence[str]
    environ: Mapping[str, str]
    systemd: int = 0

    def text(self) -> str:
        """The file, with a digest of itself that tells whether somebody has edited it."""
        body = "\n".join([*self._unit(), "", *self._service(), "", *_INSTALL]) + "\n"
        return f"{_HEAD}# digest {_digest(body)}\n{body}"

    def _unit(self) -> list[str]:
        return [
            "[Unit]",
            f"Description=aexp relay for {_line(self.queue)}",
            "# The home is shared: on every other node this unit is passed over.",
            f"ConditionHost={self.host}",
            "# It is tried again for as long as it takes.",
            "StartLimitIntervalSec=0",
        ]

    def _service(self) -> list[str]:
        variables = [f"{name}={value}" for name, value in sorted(self.environ.items())]
        return [
            "[Service]",
            f"ExecStart={_command(self.command)}",
            *(f"Environment={quoted(one)}" for one in variables),
            "WorkingDirectory=~",
            "Restart=on-failure",
            *self._pauses(),
            "# Wrong usage, another daemon that serves, an unfit setting: these do not heal by themselves.",
            "RestartPreventExitStatus=2 73 78",
            "# The daemon ends what it runs itself, in order, and answers for it.",
            "KillMode=mixed",
            f"TimeoutStopSec={STOP_S}",
            *(["OOMPolicy=continue"] if self.systemd >= _OOM_POLICY else []),
            "NoNewPrivileges=yes",
            "# No memory image with credentials in the home.",
            "LimitCORE=0",
        ]

    def _pauses(self) -> list[str]:
        if self.systemd < _BACKOFF:
            return ["RestartSec=20"]
        return ["RestartSec=5", "RestartSteps=6", "RestartMaxDelaySec=300"]


_HEAD = "# Written by `aexp relay service install`; after you have edited it, it is left alone.\n"
_INSTALL = ("[Install]", "WantedBy=default.target")
_OOM_POLICY, _BACKOFF = 243, 254
"""The versions of systemd that know these settings."""


def environment(environ: Mapping[str, str], runtime: str) -> dict[str, str]:
    """What of a shell's environment goes into the unit, a file in the shared home: no credentials.

    Args:
        runtime: the folder ``/run/user/<uid>``; an ssh agent's socket is named only if it lies there, since
            any other ends with the log-in that started it.
    """
    kept = {name: value for name, value in environ.items() if value and name in _KEPT}
    kept.update(settings_in(environ))
    agent = environ.get("SSH_AUTH_SOCK", "")
    if agent.startswith(f"{runtime}/"):
        kept["SSH_AUTH_SOCK"] = agent
    # A proxy's password, if it has one, stands before an @.
    return {
        name: value
        for name, value in kept.items()
        if "proxy" not in name.lower() or "@" not in value
    }


def is_edited(text: str) -> bool:
    """Whether a unit's file is not as we wrote it."""
    match = _DIGEST.search(text)
    return match is None or not text.startswith(_HEAD) or _digest(text[match.end() :]) != match[1]


def host_of(text: str) -> str | None:
    """The host that a unit's file is for."""
    match = _HOST.search(text)
    return match[1] if match else None


def quoted(word: str, *, dollar: bool = False) -> str:
    r"""One word as systemd reads it back.

    Args:
        dollar: whether variables would be put in, as in ``ExecStart=``.

    >>> quoted('100% "sure"')
    '"100%% \\"sure\\""'
    """
    spelt = "".join(_spelt(char) for char in word).replace("%", "%%")
    if dollar:
        spelt = spelt.replace("$", "$$")
    return spelt if _PLAIN.fullmatch(spelt) else f'"{spelt}"'


def _spelt(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))


def _command(words: Sequence[str]) -> str:
    first, *rest = words
    # Variables are not put into the program's path but into its name, by which Python finds its packages.
    before = "/usr/bin/env " if "$" in first else ""
    return before + " ".join(
        [quoted(first, dollar=bool(before)), *(quoted(word, dollar=True) for word in rest)]
    )


def _line(text: str) -> str:
    """Text in a line that is read as it stands."""
    shown = "".join(char if char.isprintable() else "?" for char in text).replace("%", "%%")
    # A backslash at the end would go on with the next line.
    return f"{shown}/" if shown.endswith("\\") else shown


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()
