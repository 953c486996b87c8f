"""What a check-up of a queue found, and from which number on a fact is a trouble. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from aexp.domain.liveness import BEAT_INTERVAL_S
from aexp.domain.profiles import Profile, profile_for
from aexp.domain.text import age, visible

LEAST_BYTES = 64 << 20
LEAST_INODES = 1000
MOST_SKEW_S = 60.0
_MOST_CHARS = 5000  # A path of 4096 bytes is shown whole: it may be part of what to type.
_MEMORY = frozenset({"tmpfs", "ramfs"})
_SPACE_FIX = "Free space or inodes there: see `df -h`, `df -i` and `quota -s`."
_CLOCK_FIX = "Tell the people who run the site; on your own machine: chronyc tracking."


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found, in words that are safe to show.

    Attributes:
        name: the check.
        what: what was seen.
        fix: what to do about it; empty when there is nothing to do.
    """

    name: str
    level: Level
    what: str
    fix: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", visible(self.what, limit=_MOST_CHARS))
        object.__setattr__(self, "fix", visible(self.fix, limit=_MOST_CHARS))


@dataclass(frozen=True)
class Mounted:
    """The filesystem that a path lies on, as the mount table names it."""

    kind: str
    options: frozenset[str]


@dataclass(frozen=True)
class Space:
    """What is free on a filesystem; ``inodes`` is None where it does not count them."""

    bytes: int
    inodes: int | None


@dataclass(frozen=True)
class LogOut:
    """What systemd does when this user logs out; None where it cannot be known.

    Attributes:
        kills: whether what a session left running is ended with it (KillUserProcesses, logind.conf(5)).
        lingers: whether the user's own services go on (loginctl(1), enable-linger).
    """

    kills: bool | None = None
    lingers: bool | None = None


def ok(name: str, what: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(name, Level.OK, what)


def warn(name: str, what: str, fix: str) -> Finding:
    """A check that found what may become a trouble."""
    return Finding(name, Level.WARN, what, fix)


def fail(name: str, what: str, fix: str) -> Finding:
    """A check that found why the relay does not work, or soon will not."""
    return Finding(name, Level.FAIL, what, fix)


def worst(findings: Iterable[Finding]) -> Level:
    """The highest level of them all."""
    order = [*Level]
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def judge_filesystem(name: str, mounted: Mounted | None, profile: Profile) -> Finding:
    """Whether the queue's filesystem will do, and whether it is treated as what it is."""
    if mounted is None:
        return ok(name, f"not known, the mount table does not tell; profile {profile.name}")
    if "ro" in mounted.options:
        fix = "Name a queue on a filesystem that can be written, with --queue or AEXP_RELAY_QUEUE."
        return fail(name, f"{mounted.kind} is mounted read-only here", fix)
    if mounted.kind in _MEMORY:
        fix = "Name a folder in the shared home, with --queue or AEXP_RELAY_QUEUE."
        return warn(
            name, f"{mounted.kind} is this node's memory: other nodes do not see this queue", fix
        )
    fitting = profile_for(mounted.kind, mounted.options).name
    if profile.name != fitting and (profile.name == "posix" or fitting == "nfs-nocto"):
        told = f"{mounted.kind} is treated as {profile.name}; {fitting} would fit it"
        return warn(name, told, "Unset AEXP_RELAY_PROFILE, and serve without --profile.")
    notes = "".join(f"; {note}" for note in _options_told(mounted))
    return ok(name, f"{mounted.kind}, profile {profile.name}{notes}")


def _options_told(mounted: Mounted) -> Iterable[str]:
    """What the options mean for the relay, where they mean something."""
    options = mounted.options
    if mounted.kind in ("nfs", "nfs4"):
        if "nocto" in options:
            yield "nocto, so each listing changes the folder first"
        if "noac" in options:
            yield "noac, so nothing is cached and every look costs a call"
        for option in sorted(options):
            key, _, value = option.partition("=")
            if key in ("acdirmax", "actimeo"):
                yield f"attributes of folders are kept for up to {value} s"
    if mounted.kind == "lustre" and not options & {"flock", "localflock"}:
        yield "without flock, which the relay does not need"


def judge_space(name: str, space: Space) -> Finding:
    """Whether there is room for requests, answers and logs."""
    counted = "" if space.inodes is None else f", {space.inodes} inodes"
    told = f"{space.bytes / (1 << 20):.0f} MiB free{counted} (a quota may leave less)"
    inodes = LEAST_INODES if space.inodes is None else space.inodes
    if space.bytes <= 0 or inodes <= 0:
        return fail(name, f"the filesystem is full: {told}", _SPACE_FIX)
    if space.bytes < LEAST_BYTES or inodes < LEAST_INODES:
        return warn(name, f"little room is left: {told}", _SPACE_FIX)
    return ok(name, told)


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


def _clock(name: str, other: str, ahead_s: float, allowed_s: float) -> Finding:
    off = ahead_s - min(max(ahead_s, 0.0), allowed_s)
    if abs(off) <= MOST_SKEW_S:
        return ok(name, f"this node and {other} agree to within {MOST_SKEW_S:.0f} s")
    which = "ahead of" if off > 0 else "behind"
    return warn(name, f"this node's clock is {age(abs(off))} {which} that of {other}", _CLOCK_FIX)


def judge_log_out(name: str, found: LogOut) -> Finding:
    """Whether a daemon that is started in a terminal goes on when its owner logs out."""
    if found.kills is None:
        return ok(name, "not known: systemd's logind does not tell, ask the people who run it")
    if not found.kills:
        return ok(name, "what runs in tmux or screen goes on after a log-out")
    start = "systemd-run --user --scope tmux new -s relay"
    if found.lingers:
        told = "what a session started is ended with it; your own services go on"
        return warn(name, told, f"Start the daemon's terminal as a service of yours: {start}")
    told = "what you started is ended when you log out (KillUserProcesses)"
    return warn(name, told, f"Type: loginctl enable-linger; then start tmux with: {start}")
