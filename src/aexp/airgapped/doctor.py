"""A check-up of a queue from the node that it runs on: each check looks at one thing and says what to do.

The checks stand in one table, in the order of their telling. One that fails does not keep the others from
being made. What they write lies in the queue's ``tmp/`` for a moment and is removed again.
"""

import os
import re
from collections.abc import Callable

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.probing import PROBES, Check, Ground, scratch
from aexp.airgapped.waiting import serve_hint
from aexp.domain import checkup, layout
from aexp.domain.checkup import Finding, fail, ok, warn
from aexp.domain.errors import AexpError

LIMIT_S = 10.0
"""Seconds that a check may take. Judging a beat that looks old takes most of them."""
STUCK_S = 1.0
"""The same once a check has run out of time: then most that follow hang on the same file server."""
_GIT_FIX = "Load the module of a newer git, or name one with AEXP_RELAY_GIT."
_REMEDY = re.compile(r"(?<=\.) (?=(?:Type:|Move|Name|Start) )")

Guard = Callable[[float, Callable[[], Finding | None]], Finding | None]


def examine(ground: Ground, guard: Guard | None = None) -> list[Finding]:
    """Every check's finding, in the order of the table.

    Args:
        guard: makes a look with a limit in seconds and raises TimeoutError beyond it; by default there
            is no limit.
    """
    limit, findings = LIMIT_S, []
    for check in CHECKS:
        try:
            found = _looked(check, ground, guard, limit)
        except AexpError as exc:
            found = fail(check.name, exc.what, exc.hint or check.fix)
        except OSError as exc:
            if isinstance(exc, TimeoutError):
                limit = STUCK_S
            found = fail(check.name, f"it could not be looked at: {exc.strerror or exc}", check.fix)
        if found is not None:
            findings.append(found)
    return findings


def _looked(check: Check, ground: Ground, guard: Guard | None, limit: float) -> Finding | None:
    def look() -> Finding | None:
        return check.look(ground, check.name)

    return look() if guard is None else guard(limit, look)


def _queue(ground: Ground, name: str) -> Finding:
    url = ground.storage.url
    if not ground.there:
        return warn(name, f"{url} is not there yet", serve_hint(url))
    distrust = ground.storage.untrusted(layout.EVERY_FOLDER)
    if distrust is not None:
        why, *remedy = _REMEDY.split(distrust, maxsplit=1)
        return fail(name, why.rstrip("."), remedy[0] if remedy else f"Look at it: ls -la {url}")
    ground.storage.list(layout.INBOX)
    return ok(name, f"{url} can be reached, is yours, and nobody else can write into it")


def _filesystem(ground: Ground, name: str) -> Finding:
    folder = ground.storage.folder
    mounted = None if folder is None else ground.node.mounted(folder)
    return checkup.judge_filesystem(name, mounted, ground.storage.profile)


def _space(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    return None if folder is None else checkup.judge_space(name, ground.node.space(folder))


def _server_clock(ground: Ground, name: str) -> Finding | None:
    folder = ground.storage.folder
    if folder is None or not ground.there:
        return None
    with scratch(ground) as made:
        ground.storage.put_new(made, b"doctor")
        changed_at = ground.node.changed_at(os.path.join(folder, made))
        return checkup.judge_server_clock(name, ground.clock.wall() - changed_at)


def _daemon(ground: Ground, name: str) -> Finding | None:
    if not ground.there:
        return None
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


def _daemon_clock(ground: Ground, name: str) -> Finding | None:
    if ground.serves_here is not False or ground.daemon.beat_age_s is None:
        return None
    return checkup.judge_daemon_clock(name, ground.daemon.beat_age_s)


def _git(ground: Ground, name: str) -> Finding | None:
    if not ground.may_serve:
        return None
    try:
        return ok(name, ground.node.git())
    except AexpError as exc:
        if ground.serves_here:
            raise
        # Perhaps no daemon is ever to run on this node.
        return warn(name, f"not fit for a daemon on this node: {exc.what}", exc.hint or _GIT_FIX)


def _lfs(ground: Ground, name: str) -> Finding | None:
    if not ground.may_serve:
        return None
    found = ground.node.lfs()
    return ok(name, found or "not there; only repositories that keep files with it need it")


def _agent(ground: Ground, name: str) -> Finding | None:
    if not ground.may_serve:
        return None
    found = ground.node.agent()
    fix = 'Before `aexp relay serve`: eval "$(ssh-agent)" and ssh-add'
    if found is None:
        return warn(name, "none is named here: keys with a passphrase cannot be used", fix)
    path, is_socket = found
    if not is_socket:
        return warn(name, f"SSH_AUTH_SOCK names {path}, which is no socket (any more)", fix)
    return ok(name, f"{path} (in this shell; the daemon has that of its own start)")


def _log_out(ground: Ground, name: str) -> Finding | None:
    return checkup.judge_log_out(name, ground.node.log_out()) if ground.may_serve else None


CHECKS = (
    Check("queue", _queue),
    Check("filesystem", _filesystem),
    *PROBES,
    Check("space", _space),
    Check("server-clock", _server_clock),
    Check("daemon", _daemon),
    Check("daemon-clock", _daemon_clock),
    Check("git", _git),
    Check("git-lfs", _lfs),
    Check("ssh-agent", _agent),
    Check("log-out", _log_out),
)
