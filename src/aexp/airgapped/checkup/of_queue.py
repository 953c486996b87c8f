"""The checks of the queue, its filesystem, and the daemon behind it; for either node."""

import os
import re
from collections.abc import Sequence

from aexp.airgapped.checkup.ground import Check, Ground
from aexp.airgapped.checkup.probes import PROBES
from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.hints import resume_hint, serve_hint
from aexp.domain import layout
from aexp.domain.checkup import clocks, filesystem, space
from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.ports.post import Posted

LOOK_EVERY_S = 0.1
NEXT_BEAT_S = BEAT_INTERVAL_S + 2.0
_REMEDY = re.compile(r"(?<=\.) (?=(?:Type:|Move|Name|Start|Have) )")


def _queue(ground: Ground, name: str) -> Finding:
    url = ground.storage.url
    if not ground.there:
        return warn(name, f"{url} is not there yet", serve_hint(url))
    distrust = ground.storage.untrusted(layout.EVERY_FOLDER)
    if distrust is not None:
        why, *remedy = _REMEDY.split(distrust, maxsplit=1)
        return fail(name, why.rstrip("."), remedy[0] if remedy else _look(ground))
    ground.storage.list(layout.INBOX)
    if ground.storage.folder is None:
        return ok(name, f"{url} can be reached")
    return ok(name, f"{url} can be reached, is yours, and nobody else can write into it")


def _look(ground: Ground) -> str:
    """What to do about a queue that says no more than what is wrong with it."""
    if ground.storage.folder is None:
        return "Mend that where the queue is kept, or name another queue with --queue."
    return f"Look at it: ls -la {ground.storage.folder}"


def _cautions(ground: Ground, name: str) -> Sequence[Finding]:
    """What the storage itself says of its state, where it is no filesystem."""
    return [warn(name, told, fix) for told, fix in ground.storage.cautions()]


def _filesystem(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    if folder is None:
        return None
    return filesystem.judge_filesystem(name, ground.node.mounted(folder), ground.storage.profile)


def _caching(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    return None if folder is None else filesystem.judge_caching(name, ground.node.mounted(folder))


def _space(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    return None if folder is None else space.judge_space(name, ground.node.space(folder))


def _quota(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    return None if folder is None else space.judge_quota(name, ground.node.quota(folder))


def _server_clock(ground: Ground, name: str) -> Finding | None:
    ahead_s = ground.server_ahead_s
    return None if ahead_s is None else clocks.judge_server_clock(name, ahead_s)


def _daemon(ground: Ground, name: str) -> Finding | None:
    if not ground.there:
        return None
    posted = ground.at_post
    if isinstance(posted, Posted) and posted.suspended:
        told = f"the one on this node (pid {posted.process.pid}) is suspended and serves nobody"
        return fail(name, told, resume_hint(posted, ground.storage.url))
    view = ground.daemon
    if not view.up:
        said = fail if ground.queue.beat() is not None else warn
        return said(name, f"none serves: {view.why}", serve_hint(view.queue))
    where = "on this node" if ground.serves_here else f"on {view.host or 'another node'}"
    told = f"serves {where} (pid {view.pid}), consent {view.consent or 'not known'}"
    if view.trouble:
        fix = f"Mend that; it goes on by itself. See: aexp relay status{queue_flag(view.queue)}"
        return fail(name, f"{told}; in trouble: {view.trouble}", fix)
    return ok(name, told)


def _daemons(ground: Ground, name: str) -> Finding | None:
    """Whether those that serve together are of one mind."""
    lines = ground.daemon.daemons if ground.there else ()
    if len(lines) < 2:
        return None
    flag = queue_flag(ground.storage.url)
    silent = [one.where for one in lines if one.silent]
    if silent:
        fix = "Start it again there, or leave it: others have taken over what it had."
        return warn(name, f"no beat lately from {', '.join(silent)}", fix)
    ways = {one.consent for one in lines}
    if len(ways) > 1:
        told = "; ".join(f"{one.where}: {one.consent or 'not known'}" for one in lines)
        fix = f"Start them with the same --consent: aexp relay restart{flag} -- --consent MODE"
        return warn(
            name, f"approvals count in different ways, and the weakest decides: {told}", fix
        )
    told = ", ".join(one.where for one in lines)
    return ok(name, f"{len(lines)} serve, on {told}; all of them must see the same home")


def _daemon_clock(ground: Ground, name: str) -> Finding | None:
    if ground.serves_here is not False or ground.daemon.beat_age_s is None:
        return None
    return clocks.judge_daemon_clock(name, ground.daemon.beat_age_s)


def _visibility(ground: Ground, name: str) -> Finding | None:
    """How long the next beat of the other node takes to come in sight.

    When it was written is told by the file server, whose clock has just been compared with ours: so the
    clock of the other node does not matter.
    """
    folder = ground.storage.folder
    ahead_s = None if ground.serves_here is not False else ground.server_ahead_s
    if folder is None or ahead_s is None:
        return None
    host = ground.daemon.host or "the daemon's node"
    first, started = ground.queue.beat(), ground.clock.monotonic()
    while ground.clock.monotonic() - started < NEXT_BEAT_S:
        ground.clock.sleep(LOOK_EVERY_S)
        beat = ground.queue.beat()
        if beat is not None and first is not None and beat.raw != first.raw:
            now = ground.clock.wall()
            written = ground.node.changed_at(os.path.join(folder, layout.HEARTBEAT))
            return clocks.judge_delay(name, max(now - ahead_s - written, 0.0), host, NEXT_BEAT_S)
    return clocks.judge_delay(name, None, host, NEXT_BEAT_S)


ON_EITHER_NODE = (
    Check("queue", _queue),
    Check("server", _cautions, fix="See docs/redis.md."),
    Check("filesystem", _filesystem),
    Check("mount-options", _caching),
    *PROBES,
    Check("space", _space),
    Check("quota", _quota),
    Check("server-clock", _server_clock),
    Check("daemon", _daemon),
    Check("daemons", _daemons),
    Check("daemon-clock", _daemon_clock),
    Check("visibility", _visibility, limit_s=NEXT_BEAT_S + 3.0),
)
