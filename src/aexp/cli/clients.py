"""The wiring of a command that only asks a daemon: it needs nothing of the container, which is slow."""

from typing import TYPE_CHECKING

from aexp.airgapped import defaults
from aexp.airgapped.queue import RelayQueue
from aexp.settings import configured

if TYPE_CHECKING:
    from aexp.airgapped.client import RelayClient
    from aexp.airgapped.inspection import DaemonView


def client_of(
    queue: str | None, *, cwd: str | None = None, timeout: float | None = None
) -> "RelayClient":
    """The client that the options, the environment and the files of settings ask for.

    Raises:
        SettingsError: a setting cannot be used.
    """
    from aexp.airgapped.client import RelayClient

    return RelayClient(queue=queue, cwd=cwd, default_timeout=timeout)


def queue_of(queue: str | None) -> RelayQueue:
    """The queue that the option, the environment or a file of settings names, for looking at it.

    Raises:
        SettingsError: a setting cannot be used.
    """
    clock = defaults.system_clock()
    settings = configured(queue=queue)
    storage = defaults.open_queue(settings.queue, clock, settings.profile)
    return RelayQueue(storage, defaults.system_processes(), clock)


def daemon_of(queue: str | None) -> "DaemonView":
    """How the daemon of that queue stands.

    Raises:
        SettingsError: a setting cannot be used.
    """
    from aexp.airgapped.inspection import daemon_view

    return daemon_view(queue_of(queue), defaults.system_clock(), defaults.system_processes())
