"""Clocks of other machines, and how long what happens there takes to be seen here."""

from aexp.domain.findings import Finding, ok, warn
from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.domain.text import age

MOST_SKEW_S = 60.0
MOST_DELAY_S = 2.0
"""From here on a person notices that the other node is late."""
_CLOCK_FIX = "Tell the people who run the site; on your own machine: chronyc tracking."
_DELAY_FIX = "See what the line of the mount options says, and docs/filesystems.md on what to ask of a mount."


def judge_server_clock(name: str, ahead_s: float) -> Finding:
    """Whether the file server dates files as this node would.

    Args:
        ahead_s: seconds by which this node's clock is ahead of the server's.
    """
    return _clock(name, "the file server", ahead_s, 0.0)


def judge_daemon_clock(name: str, beat_age_s: float) -> Finding:
    """Whether the daemon's node has about the same time.

    Args:
        beat_age_s: seconds since the last beat, by the two clocks in question.
    """
    return _clock(name, "the daemon's node", beat_age_s, BEAT_INTERVAL_S)


def judge_delay(name: str, delay_s: float | None, other: str, waited_s: float) -> Finding:
    """Whether what is written on the daemon's node is soon seen on this one.

    Args:
        delay_s: seconds from a write there until it was seen here; None when none was seen.
        other: the daemon's node.
        waited_s: for how long one was waited for.
    """
    if delay_s is None:
        told = f"nothing that {other} wrote came in sight within {waited_s:.0f} s"
        return warn(name, told, _DELAY_FIX)
    told = f"what {other} writes is seen here after {age(delay_s)}"
    return ok(name, told) if delay_s <= MOST_DELAY_S else warn(name, told, _DELAY_FIX)


def _clock(name: str, other: str, ahead_s: float, allowed_s: float) -> Finding:
    off = ahead_s - min(max(ahead_s, 0.0), allowed_s)
    if abs(off) <= MOST_SKEW_S:
        return ok(name, f"this node and {other} agree to within {MOST_SKEW_S:.0f} s")
    which = "ahead of" if off > 0 else "behind"
    return warn(name, f"this node's clock is {age(abs(off))} {which} that of {other}", _CLOCK_FIX)
