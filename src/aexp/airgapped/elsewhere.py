"""Where else a daemon serves, as the queue says it: told to people, and never acted upon."""

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.inspection import daemon_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayBusyError
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes


def refuse_elsewhere(queue: RelayQueue, clock: Clock, processes: Processes) -> None:
    """Make sure that no daemon on another node serves the queue.

    Raises:
        RelayBusyError: one does.
    """
    beat = queue.beat()
    if beat is None or queue.is_alive(beat) is not None:
        return
    view = daemon_view(queue, clock, processes)
    if not view.up:
        return
    flag = queue_flag(view.queue)
    where = f"{view.host or 'another node'} (pid {'?' if view.pid is None else view.pid})"
    raise RelayBusyError(
        f"{view.queue} is served by the daemon on {where}.",
        f"To move it: `aexp relay down{flag}` on that node, then `aexp relay up{flag}` on this one.",
    )


def refuse_unknown(queue: RelayQueue) -> None:
    """Make sure that the queue names no daemon of this machine.

    Raises:
        RelayBusyError: it does, and perhaps wrongly.
    """
    beat = queue.beat()
    if beat is None or queue.is_alive(beat) is not True:
        return
    raise RelayBusyError(
        "The queue names a daemon on this machine that cannot be found here; nothing was ended.",
        "Was it started a moment ago, or with another AEXP_RELAY_STATE? Try again, with the same one. "
        f"See `aexp relay status{queue_flag(queue.storage.url)}`.",
    )
