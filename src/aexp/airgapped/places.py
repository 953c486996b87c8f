"""Where a person must be to be heard by the daemon, when they cannot be heard here."""

import re
import shlex

from aexp.airgapped.beats import Beat
from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.hints import approve_hint, serve_hint
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayDownError
from aexp.domain.identity import ProcessId
from aexp.domain.text import visible
from aexp.ports.processes import Processes

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)


def out_of_reach(
    queue: RelayQueue,
    processes: Processes,
    what: str,
    command: str,
    down: RelayDownError,
    request_id: str | None = None,
) -> RelayDownError:
    """Why nobody hears a person here, and what to do.

    Args:
        what: what counts only where a daemon runs, such as ``Approvals count``.
        command: what to type where the daemon runs.
        down: what was found when it was asked here.
    """
    beat = beat_to_ask(queue, processes)
    url = queue.storage.url
    if beat is None or queue.is_gone(beat):
        return RelayDownError(
            f"No daemon serves the queue. {what} only with one that runs.",
            f"{serve_hint(url)}; then type there: {command}",
            request_id,
        )
    if on_this_machine(beat, processes):
        pid = str(beat.facts.get("pid", "?"))
        return RelayDownError(
            f"The daemon (pid {visible(pid, limit=12)}) is on this machine and cannot be asked. "
            f"{down.hint}",
            "Is it suspended? Does it, or this shell, have a /tmp of its own? "
            f"See `aexp relay status{queue_flag(url)}`.",
            request_id,
        )
    host = host_of(beat)
    there = f"on {host}: {typed_at(host, command)}" if host else f"on its login node: {command}"
    return RelayDownError(
        f"{what} only on the machine where the daemon runs, and it is not this one "
        f"({visible(processes.hostname, limit=80)}).",
        f"Its beat says where; type there, {there}",
        request_id,
    )


def typed_at(host: str, command: str) -> str:
    """What a person types here to have the command typed on the host, where a second shell reads it."""
    plain = shlex.split(command) == command.split()
    return f"ssh -t {host} {command if plain else shlex.quote(command)}"


def beat_to_ask(queue: RelayQueue, processes: Processes) -> Beat | None:
    """The beat of a daemon on this machine where one of several runs here; else the one that beat last."""
    own = (beat for beat in queue.own_beats() if on_this_machine(beat, processes))
    return next(own, None) or queue.beat()


def asked_elsewhere(queue: RelayQueue, processes: Processes, request_id: str) -> str | None:
    """What to do about a waiting request that a daemon on another node asks people about; None for others."""
    from aexp.airgapped.waiting_notes import noted_daemon

    if not queue.storage.shared:
        return None
    owner = ProcessId.parse(noted_daemon(queue.storage, request_id))
    if owner is None or owner.host == processes.me.host:
        return None
    typed = approve_hint(request_id, queue.storage.url)
    return (
        f"The daemon on {owner.node} asks about it. It is taken up here as well within some seconds, if this "
        f"daemon would ask, too; or type there: {typed}"
    )


def on_this_machine(beat: Beat, processes: Processes) -> bool:
    """Whether the daemon of this beat runs here."""
    process = ProcessId.parse(beat.daemon)
    return process is not None and processes.alive(process) is not None


def host_of(beat: Beat) -> str:
    """The host that a beat names, if a shell can be given it as it is; the queue may hold anything."""
    told = beat.facts.get("host")
    return told if isinstance(told, str) and _HOST.fullmatch(told) else ""
