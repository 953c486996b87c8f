"""Whether a daemon goes on when its owner logs out."""

from dataclasses import dataclass
from enum import StrEnum

from aexp.domain.findings import Finding, ok, warn

_LINGER = "Type: loginctl enable-linger"


class Place(StrEnum):
    """What systemd counts a process to."""

    SESSION = "session"  # a log-in
    SERVICE = "service"  # the user's own services
    ELSEWHERE = "elsewhere"  # neither of the two, or not known


@dataclass(frozen=True)
class LogOut:
    """What a log-out does to a daemon.

    Attributes:
        kills: whether what a session left running is ended with it (KillUserProcesses, logind.conf(5)); None
            where that cannot be known.
        lingers: the same for whether the user's own services go on (loginctl(1), enable-linger).
        place: where the daemon runs; without one, where it would when it is started here.
        screen: ``tmux`` or ``screen`` when it runs (or would) in one.
        is_daemon: whether that was seen of a daemon, and not of the shell that asks.
    """

    kills: bool | None = None
    lingers: bool | None = None
    place: Place = Place.ELSEWHERE
    screen: str = ""
    is_daemon: bool = False


def judge_log_out(name: str, found: LogOut) -> Finding:
    """Whether the daemon, or one that is started here, goes on when its owner logs out."""
    if found.place is Place.SERVICE:
        return _service(name, found)
    if found.place is Place.ELSEWHERE and found.is_daemon:
        return ok(name, "the daemon belongs to no log-in of yours, and goes on")
    return _killed(name, found) if found.kills else _spared(name, found)


def _killed(name: str, found: LogOut) -> Finding:
    if found.lingers:
        told = "what a session started is ended with it; your own services go on"
        return warn(name, told, "Type: aexp relay service install")
    told = "what you started is ended when you log out (KillUserProcesses)"
    return warn(name, told, f"{_LINGER}; then: aexp relay service install")


def _spared(name: str, found: LogOut) -> Finding:
    if found.is_daemon and not found.screen:
        told = "the daemon runs in a plain terminal, and ends when that is closed"
        return warn(name, told, "Start it in tmux: aexp relay up")
    if found.kills is None:
        return ok(name, "not known: systemd's logind does not tell, ask the people who run it")
    if found.is_daemon:
        return ok(name, f"the daemon runs in {found.screen}, and goes on after a log-out")
    return ok(name, "what runs in tmux or screen goes on after a log-out")


def _service(name: str, found: LogOut) -> Finding:
    who = (
        "the daemon is a service of yours"
        if found.is_daemon
        else "this shell is a service of yours"
    )
    if found.lingers:
        return ok(name, f"{who}, and these go on after a log-out")
    if found.lingers is None:
        return ok(name, f"{who}; whether these go on after a log-out is not known")
    return warn(name, f"{who}, and these end with your last log-out", _LINGER)
