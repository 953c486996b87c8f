"""Where else a daemon serves, as the queue says it: told to people, and never acted upon."""

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.inspection import daemon_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayBusyError
from aexp.domain.liveness import GRACE_S, PATIENCE_S
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes


def refuse_elsewhere(queue: RelayQueue, clock: Clock, processes: Processes) -> None:
    """Make sure that no daemon on another node serves the queue.

    Raises:
        RelayBusyError: one does.
    """
    if queue.storage.shared:
        _refuse_crowd(queue, clock)
        return
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


def serving_elsewhere(queue: RelayQueue, clock: Clock) -> tuple[str, ...]:
    """The daemons on other nodes that beat lately, as a person is told of them, where several may serve."""
    away = [beat for beat in queue.own_beats() if queue.is_alive(beat) is None]
    lately = (beat for beat in away if not beat.looks_old(clock.wall(), PATIENCE_S))
    return tuple(sorted(beat.where for beat in lately))


def _still_beating(queue: RelayQueue, clock: Clock) -> tuple[str, ...]:
    """The same where the nodes' clocks are far apart: those whose beat changes within some seconds."""
    before = {beat.daemon: beat.raw for beat in queue.own_beats() if queue.is_alive(beat) is None}
    if not before:
        return ()
    clock.sleep(GRACE_S)
    changed = (beat for beat in queue.own_beats() if before.get(beat.daemon, beat.raw) != beat.raw)
    return tuple(sorted(beat.where for beat in changed))


def _refuse_crowd(queue: RelayQueue, clock: Clock) -> None:
    there = serving_elsewhere(queue, clock) or _still_beating(queue, clock)
    if there:
        url = queue.storage.url
        raise RelayBusyError(
            f"No daemon of {url} runs on this node; it is served by the one on {', and on '.join(there)}.",
            f"To end one: `aexp relay down{queue_flag(url)}` on its node.",
        )


def refuse_unknown(queue: RelayQueue) -> None:
    """Make sure that the queue names no daemon of this machine.

    Raises:
        RelayBusyError: it does, and perhaps wrongly.
    """
    beats = queue.own_beats() if queue.storage.shared else [*filter(None, [queue.beat()])]
    if not any(queue.is_alive(beat) for beat in beats):
        return
    raise RelayBusyError(
        "The queue names a daemon on this machine that cannot be found here; nothing was ended.",
        "Was it started a moment ago, or with another AEXP_RELAY_STATE? Try again, with the same one. "
        f"See `aexp relay status{queue_flag(queue.storage.url)}`.",
    )
