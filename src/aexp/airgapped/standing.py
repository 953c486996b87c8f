"""How a daemon stands: the verdict on its beat, and the words that the command line and a notebook share."""

from typing import TYPE_CHECKING

from aexp.airgapped.beats import Beat
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.visits import last_visit_s, told
from aexp.domain.identity import ProcessId
from aexp.domain.liveness import PATIENCE_S, BeatWatch, Verdict
from aexp.domain.text import age, local_time
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes

if TYPE_CHECKING:
    from aexp.airgapped.each import DaemonLine
    from aexp.airgapped.inspection import DaemonView


def judge(
    queue: RelayQueue, beat: Beat | None, clock: Clock, processes: Processes
) -> tuple[bool, str]:
    """Whether a daemon serves, and why that is thought; takes up to some seconds when the beat looks old."""
    if beat is None:
        since = last_visit_s(queue.storage, clock)
        absent = "there is no beat: none was started, or it ended cleanly"
        return False, absent if since is None else f"no daemon stays; {told(since)}"
    if queue.is_gone(beat):
        return False, "its process is gone from this machine"
    # Where several serve, one of the others may be well when the last one to beat is not.
    if not all(one.looks_old(clock.wall(), PATIENCE_S) for one in (beat, *queue.own_beats())):
        return True, "it beat lately"
    from aexp.domain.polling import CLIENT_MOST_S

    watch = BeatWatch()
    verdict = watch.see(beat.raw, clock.monotonic(), looks_old=True)
    while verdict is Verdict.UNSURE:
        clock.sleep(CLIENT_MOST_S)
        again = queue.beat()
        verdict = watch.see(None if again is None else again.raw, clock.monotonic())
    if verdict is Verdict.ALIVE:
        return True, "its beat changes"
    process = ProcessId.parse(str(beat.facts.get("daemon", "")))
    if process is not None and processes.alive(process):
        return (
            False,
            f"its process {process.pid} is there, but its beat has stopped: is it suspended?",
        )
    return False, "its beat has stopped changing"


def facts_of(view: "DaemonView") -> list[tuple[str, str]]:
    """What each line begins with, spaces included, and what it says; the first is ``up`` or ``down``."""
    counts = f"{view.waiting} waiting, {view.pending} for consent, {view.running} running"
    if not (view.there or view.up):
        counts = "not there yet; the first daemon makes it"
    seen = f" on {view.filesystem}" if view.filesystem else ""
    facts = [
        ("up    ", _serving(view)) if view.up else ("down  ", view.why),
        *(("daemon  ", _told(one)) for one in view.daemons),
        ("trouble  ", view.trouble if view.up else None),
        ("queue ", f"{view.queue}: {counts} (profile {view.profile}{seen})"),
        ("consent ", _consents(view)),
        ("audit   ", view.trail),
        *(("destination ", line) for line in view.destinations),
    ]
    return [(name, said) for name, said in facts if said]


def next_of(view: "DaemonView") -> str:
    """What to do next; empty where there is nothing to do."""
    if view.up:
        return "aexp relay pending" if view.pending else ""
    from aexp.airgapped.hints import client_hint

    return client_hint(view.queue)


def _consents(view: "DaemonView") -> str | None:
    """What counts as an approval: all that does where several serve and differ."""
    ways = {one.consent for one in view.daemons if one.consent and not one.silent}
    return ", ".join(sorted(ways)) if len(ways) > 1 else view.consent


def _told(one: "DaemonLine") -> str:
    if one.silent:
        return f"{one.where}: no beat for {age(one.beat_age_s or 0.0)}; others see to what it had"
    told = f"{one.where}: runs {one.running} of {one.most_at_once}, consent {one.consent or 'not known'}"
    return f"{told}, in trouble: {one.trouble}" if one.trouble else told


def _serving(view: "DaemonView") -> str:
    lively = sum(1 for one in view.daemons if not one.silent)
    if lively > 1:
        return f"{lively} daemons serve"
    beat = "?" if view.beat_age_s is None else age(view.beat_age_s)
    since = "" if view.since is None else f", serving since {local_time(view.since)}"
    return f"daemon on {view.host} (pid {view.pid}){since}, last beat {beat} ago"
