"""What counts as an approval under one daemon, by its settings."""

from collections.abc import Mapping
from pathlib import Path

from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.node_local import socket_folders
from aexp.adapters.plain_files import read_anywhere
from aexp.adapters.remedies import reason, remedy
from aexp.domain.consent import Mode
from aexp.domain.errors import SettingsError
from aexp.ports.clock import Clock
from aexp.ports.consent import Decisions
from aexp.ports.storage import QueueStorage


def choose_decisions(
    storage: QueueStorage,
    mode: Mode,
    allowed_signers: str,
    environ: Mapping[str, str],
    hostname: str,
    clock: Clock,
    flag: str = "",
) -> Decisions:
    """The decisions of one mode; nothing listens and nothing is read before they are made.

    Args:
        allowed_signers: the file of keys, for :attr:`Mode.SIGNED`.
        environ: the daemon's environment.
        hostname: this machine, as people call it.
        flag: what ``aexp relay approve`` needs to reach this queue, such as ``" --queue /x"``.

    Raises:
        SettingsError: the mode cannot work here.
    """
    if mode is Mode.FILE:
        return MarkerDecisions(storage)
    if mode is Mode.ACL:
        from aexp.adapters.consent.guarded import GuardedDecisions

        return GuardedDecisions(storage, flag)
    if mode is Mode.SIGNED:
        from aexp.adapters.consent.signed import SignedDecisions
        from aexp.adapters.consent.ssh_signatures import system_keygen

        return SignedDecisions(storage, _signers(allowed_signers), system_keygen(), flag)
    from aexp.adapters.consent.login import SocketDecisions
    from aexp.adapters.consent.socket_files import socket_name

    name = socket_name(storage.identity)
    return SocketDecisions(storage, socket_folders(environ), name, clock, hostname, flag)


def _signers(named: str) -> bytes:
    path = Path(named).expanduser()
    try:
        data = read_anywhere(path)
    except OSError as exc:
        raise SettingsError(
            f"The allowed signers {path} cannot be read: {reason(exc)}.", remedy(exc)
        ) from exc
    if data is None:
        raise SettingsError(
            f"There is no file of allowed signers at {path}.",
            "Write one (ssh-keygen(1), ALLOWED SIGNERS) and name it with --allowed-signers.",
        )
    return data
