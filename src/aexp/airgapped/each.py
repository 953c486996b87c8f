"""What one daemon's beat says of it, in words that are safe to show."""

from dataclasses import dataclass

from aexp.airgapped.beats import Beat
from aexp.airgapped.queue import RelayQueue
from aexp.domain.consent import Mode
from aexp.domain.limits import MOST_AT_ONCE
from aexp.domain.liveness import PATIENCE_S
from aexp.domain.requests import MAX_MOMENT_S
from aexp.ports.clock import Clock


@dataclass(frozen=True)
class DaemonLine:
    """One of several daemons, as its own beat says it.

    Attributes:
        where: its node and process.
        running, most_at_once: operations that it runs, and may run.
        beat_age_s: seconds since that beat, by two clocks that may disagree.
        silent: whether that is so long that it may be dead.
    """

    where: str
    running: int
    most_at_once: int
    consent: str | None = None
    trouble: str | None = None
    beat_age_s: float | None = None
    silent: bool = False


def fresh_beat_here(beats: list[Beat], queue: RelayQueue, clock: Clock) -> Beat | None:
    """The beat of a daemon on this node that beat lately, if there is one."""
    here = (beat for beat in beats if queue.is_alive(beat))
    return next((beat for beat in here if not beat.looks_old(clock.wall(), PATIENCE_S)), None)


def line_of(beat: Beat, clock: Clock) -> DaemonLine:
    """What is told of a daemon beside others."""
    running, most = beat.facts.get("running"), beat.facts.get("most_at_once")
    wall = number_in(beat.facts.get("wall"))
    return DaemonLine(
        where=beat.where,
        running=len(running) if isinstance(running, list) else 0,
        most_at_once=most if isinstance(most, int) else MOST_AT_ONCE,
        consent=consent_of(beat.facts.get("consent")),
        trouble=beat.trouble,
        beat_age_s=None if wall is None else round(clock.wall() - wall, 3),
        silent=beat.looks_old(clock.wall(), PATIENCE_S),
    )


def consent_of(value: object) -> str | None:
    """What counts as an approval, with its weakness, by what a beat says of it."""
    known = {mode.value: mode.described for mode in Mode}
    return known.get(value) if isinstance(value, str) else None


def number_in(value: object) -> float | None:
    """A sensible number, or None: what lies in the queue may be anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_MOMENT_S else None
