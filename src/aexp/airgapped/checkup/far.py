"""The checks of a queue on another machine, from here: whether it is reached, and what is found there."""

from collections.abc import Iterator

from aexp.airgapped.hints import serve_hint
from aexp.airgapped.inspection import daemon_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayError
from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.far import FarSide
from aexp.ports.processes import Processes

_FIX = "See docs/ssh.md on how it is set up."
_OP = "git_status"


def examine_far(
    queue: RelayQueue,
    far: FarSide,
    cwd: str | None,
    clock: Clock,
    processes: Processes,
    version: str,
) -> Iterator[Finding]:
    """Every check's finding, each as soon as it is there; without a gate there is only the first.

    Args:
        cwd: the working copy, as a person names it; None for the one in the queue's URL.
        version: of this aexp.
    """
    url = queue.storage.url
    try:
        facts = far.facts()
    except RelayError as exc:
        yield fail("ssh", exc.what, exc.hint or _FIX)
        return
    took = age(facts.round_trip_s)
    yield ok("ssh", f"the gate on {facts.host} answers for {url}; a question takes {took}")
    told = f"aexp {facts.version} over there, {version} here"
    same = facts.version == version
    yield ok("version", told) if same else warn("version", told, "Install the same on both.")
    yield _folder(far, cwd)
    yield _daemon(queue, clock, processes)


def _folder(far: FarSide, cwd: str | None) -> Finding:
    try:
        found = far.checked({"op": _OP, "args": [], "cwd": far.folder(cwd)}).cwd
    except RelayError as exc:
        return fail("folder", exc.what, exc.hint or _FIX)
    return ok("folder", f"requests may work in {found}")


def _daemon(queue: RelayQueue, clock: Clock, processes: Processes) -> Finding:
    try:
        view = daemon_view(queue, clock, processes)
    except RelayError as exc:
        return fail("daemon", exc.what, exc.hint or _FIX)
    if not view.up:
        return fail("daemon", f"none serves: {view.why}", serve_hint(view.queue))
    told = f"serves on {view.host} (pid {view.pid}), consent {view.consent or 'not known'}"
    if view.trouble:
        return fail("daemon", f"{told}; in trouble: {view.trouble}", "Mend that on the login node.")
    return ok("daemon", f"{told}. Log in and run aexp relay doctor there for the rest")
