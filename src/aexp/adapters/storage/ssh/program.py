"""The system's ssh: where it is, and the command line that goes with the user's own settings."""

import os
import shutil
import subprocess

from aexp.adapters.storage.ssh.address import Address
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import Broken

ALIVE_EVERY_S = 10
"""Seconds without a sign of the host after which ssh asks for one; three of them unheard end it."""
CONNECT_S = 15
SETTINGS_WITHIN_S = 5.0

# No terminal, no question, nothing forwarded, and no command of the user's settings in place of ours.
_ALWAYS = (
    *("-T", "-a", "-x"),
    *("-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"),
)
_UNLESS_SET = (
    # As `ssh -G` says that something is not set, and what then holds.
    ("serveraliveinterval 0", (f"ServerAliveInterval={ALIVE_EVERY_S}", "ServerAliveCountMax=3")),
    ("connecttimeout none", (f"ConnectTimeout={CONNECT_S}",)),
)


def command_line(address: Address) -> list[str]:
    """What is run here to speak to the gate over there.

    Raises:
        RelayConnectionError: there is no ssh here.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        raise RelayConnectionError(
            "There is no ssh on this machine's PATH.",
            "Install OpenSSH's client.",
            kind=Broken.NO_SSH,
        )
    told = _settings(ssh, address)
    extra = [f"-o{one}" for unset, ours in _UNLESS_SET if unset in told for one in ours]
    return [ssh, *_ALWAYS, *extra, *address.destination, address.command]


def _settings(ssh: str, address: Address) -> frozenset[str]:
    """What the user's settings make of the host, one line each; nothing where ssh cannot say."""
    try:
        done = subprocess.run(
            [ssh, "-G", *address.destination],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SETTINGS_WITHIN_S,
            check=False,
            env=os.environ,
        )
    except (OSError, subprocess.TimeoutExpired):
        # The connection itself will say what is wrong.
        return frozenset()
    return frozenset(done.stdout.decode("utf-8", "replace").lower().splitlines())
