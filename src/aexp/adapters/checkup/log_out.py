"""What systemd does at a log-out, and what it counts a process to (logind.conf(5), systemd-run(1))."""

import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path

from aexp.adapters.checkup.asking import answer
from aexp.domain.checkup.log_out import LogOut, Place

ASKED_FOR_S = 3.0
"""Seconds that logind may take to answer."""
_SERVICE = re.compile(r"/user@[0-9]+\.service/")
_SESSION = re.compile(r"/session-[^/]+\.scope(?:/|$)")
_LINGERING = Path("/var/lib/systemd/linger")


def log_out_of(
    environ: Mapping[str, str], pid: int | None, loginctl: str | None, base: Mapping[str, str]
) -> LogOut:
    """What a log-out does to a process.

    Args:
        environ: of the process.
        pid: of the daemon; None for a daemon that this process would start.
        loginctl: the program's path, None when there is none.
        base: the environment that it is run with.
    """
    uid = str(os.getuid())
    screens = {"tmux": environ.get("TMUX"), "screen": environ.get("STY")}
    lingers = None if loginctl is None else _logind(loginctl, base, "Linger", uid)
    return LogOut(
        kills=None if loginctl is None else _logind(loginctl, base, "KillUserProcesses"),
        lingers=_is_noted() if lingers is None else lingers,
        place=place_in(_text(f"/proc/{pid or 'self'}/cgroup")),
        screen=next((name for name, named in screens.items() if named), ""),
        is_daemon=pid is not None,
    )


def place_in(cgroups: str) -> Place:
    """What systemd counts a process to, by its control groups (cgroups(7))."""
    paths = [line.split(":", 2)[2] for line in cgroups.splitlines() if line.count(":") >= 2]
    if any(_SERVICE.search(path) for path in paths):
        return Place.SERVICE
    return Place.SESSION if any(_SESSION.search(path) for path in paths) else Place.ELSEWHERE


def _logind(program: str, base: Mapping[str, str], key: str, *user: str) -> bool | None:
    """A property of a user, or of logind itself; None when it does not tell."""
    said = answer([program, "show-user", *user, f"--property={key}"], base, ASKED_FOR_S)
    text = "" if said is None else said[1].strip()
    return {f"{key}=yes": True, f"{key}=no": False}.get(text)


def _is_noted() -> bool | None:
    """Whether systemd has noted that this user lingers; None when it notes nothing on this machine."""
    try:
        noted = os.listdir(_LINGERING)
        return pwd.getpwuid(os.getuid()).pw_name in noted
    except (OSError, KeyError):
        return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
