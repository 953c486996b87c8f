"""An ssh agent, asked over its socket (draft-ietf-sshm-ssh-agent), and whose it is."""

import os
import re
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path

from aexp.domain.checkup.agent import Agent

VARIABLE = "SSH_AUTH_SOCK"
LIMIT_S = 2.0
_REQUEST_IDENTITIES = b"\0\0\0\x01\x0b"
_IDENTITIES_ANSWER = 12
_ANSWER = struct.Struct(">IBI")  # length, type, number of keys
_PEER = struct.Struct("iII")
_NAMED_BY_SSHD = re.compile(r"/tmp/ssh-[^/]+/agent\.([0-9]+)")  # noqa: S108
_FORWARDED_NAME = re.compile(r"s\.[^/]*\.sshd\.[^/]*")
"""What OpenSSH 10.1 and newer call a forwarded one, in ``~/.ssh/agent``."""


def agent_of(environ: Mapping[str, str]) -> Agent | None:
    """The agent that an environment names; None when it names none."""
    path = environ.get(VARIABLE)
    if not path:
        return None
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        is_socket = False
    if not is_socket:
        return Agent(path, trouble="is no socket (any more)")
    try:
        return _asked(path)
    except TimeoutError:
        return Agent(path, trouble=f"does not answer within {LIMIT_S:.0f} s")
    except OSError as exc:
        return Agent(path, trouble=f"cannot be used: {exc.strerror or exc}")


def _asked(path: str) -> Agent:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LIMIT_S)
        line.connect(path)
        listener, _, _ = _PEER.unpack(
            line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        )
        line.sendall(_REQUEST_IDENTITIES)
        head = b""
        while len(head) < _ANSWER.size and (more := line.recv(_ANSWER.size - len(head))):
            head += more
    if len(head) < _ANSWER.size or head[4] != _IDENTITIES_ANSWER:
        return Agent(path, trouble="does not answer as an ssh agent does")
    return Agent(path, keys=_ANSWER.unpack(head)[2], forwarded=_is_forwarded(path, listener))


def _is_forwarded(path: str, listener: int) -> bool:
    """Whether an sshd listens: the agent itself is on the machine that the log-in came from.

    Args:
        listener: the process that made the socket, which an agent in the background has left.
    """
    real = os.path.realpath(path)
    if _FORWARDED_NAME.fullmatch(os.path.basename(real)):
        return True
    named = _NAMED_BY_SSHD.fullmatch(real)
    makers = {listener, int(named[1]) if named else listener}
    return any(_command(pid).startswith("sshd") for pid in makers)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
