"""What ``aexp relay up|down|restart`` say."""

import sys
from typing import TYPE_CHECKING

from aexp.cli.exits import CRASHED
from aexp.cli.terminal import echo, print_json, style

if TYPE_CHECKING:
    from aexp.airgapped.bringing_up import Bringer, Up
    from aexp.airgapped.taking_down import Down
    from aexp.container import Container

NEW = ("started", "standby")
"""States of a daemon that came up just now."""
_TOLD = 20
"""Lines of a daemon's last words that are shown."""


def show_up(
    built: "Container",
    bringer: "Bringer",
    came: "Up",
    as_json: bool,
    *,
    given: bool = False,
    instead_of: "Down | None" = None,
) -> None:
    """Say what came of it, and end with the daemon's own exit code if it has died.

    Args:
        instead_of: the daemon that was ended for it, if one was.
    """
    if as_json:
        host = built.processes().hostname
        facts = {"state": came.state, "host": host, "pid": came.pid, "session": came.session}
        end = {"returncode": came.status, "said": [*came.said]} if came.state == "died" else {}
        print_json({"queue": built.storage().url, **facts, **end})
    elif came.state == "died":
        _show_death(came, "" if instead_of is None else gap(built, instead_of))
    else:
        _show_life(built, bringer, came, given)
    if came.state == "died":
        status = came.status or 0
        sys.exit(status if 0 < status < 126 else CRASHED)


def _show_life(built: "Container", bringer: "Bringer", came: "Up", given: bool) -> None:
    from aexp.airgapped.hints import flag_here

    url, host = built.storage().url, built.processes().hostname
    flag = flag_here(url)
    verb = "stands by for" if came.state == "standby" else "serves"
    already = " already" if came.state == "already" else ""
    mark = style("up", "green", bold=True)
    echo(f"{mark}  the daemon on {host} (pid {came.pid}) {verb} {url}{already}")
    if given and already:
        other = f"aexp relay restart{flag} -- OPTIONS"
        echo(f"  note: it goes on with the options that it has; for others: {other}", err=True)
    if came.session is not None:
        way = f"{bringer.way_in()}  ({built.terminals().way_back()})"
        echo(f"  look: {way}", err=True)
    echo(f"  end:  aexp relay down{flag}", err=True)


def gap(built: "Container", ended: "Down") -> str:
    """How the queue stands where a daemon was ended and no other could be started in its place."""
    former = f"the former daemon (pid {ended.pid}) has ended"
    if ended.successor is not None:
        return f"{former}; {_successor(built, ended)}"
    if ended.others:
        return f"{former}; the daemon on {', and on '.join(ended.others)} goes on"
    return f"{former}; nothing serves now"


def _show_death(came: "Up", gap: str) -> None:
    from aexp.domain.text import visible

    for line in came.said[-_TOLD:]:
        echo(f"  | {visible(line, limit=400)}", err=True)
    how = "a signal" if came.status is None else f"exit code {came.status}"
    mark = style("error:", "red", bold=True)
    echo(f"{mark} The daemon (pid {came.pid}) ended with {how} before it served.", err=True)
    if gap:
        echo(f"  note: {gap}", err=True)
    then = style("  next:", "cyan")
    echo(f"{then} What it said stands above; mend that, and try again.", err=True)


def show_down(built: "Container", ended: "Down", as_json: bool) -> None:
    """Say what was ended, and what comes next."""
    if as_json:
        state = "none" if ended.pid is None else "ended"
        host, forced = built.processes().hostname, ended.forced
        told = {"state": state, "host": host, "pid": ended.pid, "forced": forced}
        facts = {**told, "successor": ended.successor, "waiting": ended.waiting}
        print_json({"queue": built.storage().url, **facts})
    else:
        _tell_down(built, ended)


def _tell_down(built: "Container", ended: "Down") -> None:
    from aexp.airgapped.hints import flag_here

    url, host = built.storage().url, built.processes().hostname
    flag = flag_here(url)
    if ended.pid is None:
        echo(f"No daemon serves {url}; nothing was ended.")
        _show_waiting(ended)
        return
    how = "was killed" if ended.forced else "has ended"
    echo(f"The daemon on {host} (pid {ended.pid}) {how}.")
    if ended.others:
        echo(f"  note: the daemon on {', and on '.join(ended.others)} goes on", err=True)
    elif ended.successor is None:
        _show_waiting(ended)
    if ended.successor is not None:
        other = _successor(built, ended)
        echo(f"  note: {other}; end it too: aexp relay down{flag}", err=True)
    elif ended.unit is not None:
        off = f"systemctl --user disable {ended.unit}"
        echo(f"  note: systemd starts it at the next log-in or boot; for good: {off}", err=True)
    else:
        from aexp.cli.setups import again

        echo(f"  next: {again(ended.setup.fitting(url), flag)}", err=True)


def _successor(built: "Container", ended: "Down") -> str:
    """The daemon that serves on this node after the one that was ended."""
    if built.storage().shared:
        return f"another daemon on this node (pid {ended.successor}) serves on"
    return f"the one that stood by (pid {ended.successor}) serves now"


def _show_waiting(ended: "Down") -> None:
    if ended.waiting == 1:
        echo("1 request still waits for consent; it stays for the next daemon.")
    elif ended.waiting:
        echo(f"{ended.waiting} requests still wait for consent; they stay for the next daemon.")
