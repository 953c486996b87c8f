"""``aexp relay up|down|restart``: the daemon on this node, kept in tmux."""

import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.exits import CRASHED
from aexp.cli.login_node import container
from aexp.cli.terminal import echo, print_json, style
from aexp.cli.wiring import json_option, queue_option, serve_options

if TYPE_CHECKING:
    from aexp.airgapped.bringing_up import Bringer, Up
    from aexp.airgapped.taking_down import Down
    from aexp.container import Container
    from aexp.domain.serving import Setup
    from aexp.ports.post import Posted

_TOLD = 20
"""Lines of a daemon's last words that are shown."""
_NEW = ("started", "standby")


@click.command()
@queue_option
@json_option
@serve_options
def up(queue: str | None, as_json: bool, options: tuple[str, ...]) -> None:
    """Start the daemon on this node in tmux, where it outlives the shell. Options of serve go after --.

    When it serves here already, it says so and does nothing. Waits until it serves; when it does not come to
    that, shows its last words and ends with its exit code.
    """
    from aexp.cli import setups
    from aexp.domain.serving import Setup, settings_in

    built = container(queue)
    before = setups.last(built)
    came = _up(built, _bringer(built), Setup(built.environ(), options))
    _show_up(built, came, as_json, given=bool(options))
    if came.state in _NEW and not as_json:
        flag = _bringer(built).flag
        setups.tell_lacking(before, Setup(settings_in(built.environ()), options), flag)


@click.command()
@queue_option
@json_option
@click.option("--force", is_flag=True, help="Kill it when it has not ended after 20 s.")
def down(queue: str | None, as_json: bool, force: bool) -> None:
    """End the daemon that serves on this node, in good order, and wait until it is over."""
    built = container(queue)
    ended = _down(built, force=force)
    if as_json:
        state = "none" if ended.pid is None else "ended"
        host, forced = built.processes().hostname, ended.forced
        told = {"state": state, "host": host, "pid": ended.pid, "forced": forced}
        facts = {**told, "successor": ended.successor, "waiting": ended.waiting}
        print_json({"queue": built.storage().url, **facts})
        return
    _show_down(built, ended)


@click.command()
@queue_option
@json_option
@click.option("--force", is_flag=True, help="Kill it when it has not ended after 20 s.")
@serve_options
def restart(queue: str | None, as_json: bool, force: bool, options: tuple[str, ...]) -> None:
    """End the daemon that serves on this node, and start it anew with the options that it had.

    Options after -- take the place of those. Of its environment it keeps what this shell does not set. Where
    none serves, those of the last one here count, and of its environment the AEXP_RELAY_* settings.
    """
    from aexp.domain.serving import Setup

    built = container(queue)
    bringer = _bringer(built)
    posted = built.post().who()
    if posted is None:
        _show_up(built, _up(built, bringer, _as_before(built, options)), as_json)
        return
    _refuse_unit(posted)
    bringer.require_terminals()
    words = options or _options_of(posted)
    _down(built, force=force)
    setup = Setup({**posted.environ, **built.environ()}, words)
    _show_up(built, _up(built, bringer, setup, posted.cwd), as_json)


def bring_up_as_before(queue: str | None) -> None:
    """See to it that a daemon serves here: one like the last one of this node.

    Raises:
        AexpError: it could not be started, or does not serve.
    """
    from aexp.domain.errors import RelayStartError

    built = container(queue)
    came = _up(built, _bringer(built), _as_before(built, ()))
    if came.state == "died":
        said = came.said[-1] if came.said else "It said nothing."
        raise RelayStartError(
            f"The daemon (pid {came.pid}) ended before it served: {said}", "Log in: aexp relay up"
        )


def _as_before(built: "Container", options: tuple[str, ...]) -> "Setup":
    """The environment and the options for a daemon like the last one here."""
    from aexp.cli import setups
    from aexp.domain.serving import Setup

    before, shell = setups.last(built), built.environ()
    setups.tell_kept(before, Setup(shell, options))
    return Setup({**before.settings, **shell}, options or before.options)


def _bringer(built: "Container") -> "Bringer":
    from aexp.airgapped.bringing_up import Bringer

    parts = (built.post(), built.terminals(), built.processes(), built.clock())
    return Bringer(built.queue(), *parts)


def _up(
    built: "Container",
    bringer: "Bringer",
    setup: "Setup",
    cwd: str | None = None,
) -> "Up":
    """Start one, and remember how it was set up.

    Args:
        setup: its whole environment, and its options.
    """
    import os

    from aexp.airgapped.defaults import absolute
    from aexp.cli import setups
    from aexp.domain.serving import Setup, serve_command, settings_in
    from aexp.ports.terminals import Job

    options = setup.options
    argv = serve_command(os.path.abspath(sys.executable), built.storage().url, options)
    job = Job(argv, absolute(cwd or "."), setup.settings)
    came = bringer.up(job, standby="--standby" in options)
    if came.state in _NEW:
        setups.remember(built, Setup(settings_in(setup.settings), options))
    return came


def _down(built: "Container", *, force: bool) -> "Down":
    from aexp.airgapped.taking_down import Ender

    ender: Ender = Ender(built.queue(), built.post(), built.processes(), built.clock())
    ended = ender.down(force=force)
    if ended.pid is not None and ended.unit is None:
        from aexp.cli import setups

        setups.remember(built, ended.setup)
    terminals = built.terminals()
    if terminals.available:
        terminals.tidy(_bringer(built).session)
    return ended


def _refuse_unit(posted: "Posted") -> None:
    if posted.unit is None:
        return
    from aexp.domain.errors import RelayBusyError

    raise RelayBusyError(
        f"systemd keeps the daemon (pid {posted.process.pid}) as {posted.unit}; nothing was done.",
        f"Type: systemctl --user restart {posted.unit}",
    )


def _options_of(posted: "Posted") -> tuple[str, ...]:
    from aexp.cli.login_node import consent_is_set
    from aexp.domain.errors import RelayStartError
    from aexp.domain.serving import CONSENT, options_of

    # The original's own default must not win over what the user's file says.
    environ = {**posted.environ, **({CONSENT: "set"} if consent_is_set(posted.environ) else {})}
    found = options_of(posted.words, environ)
    if found is None:
        raise RelayStartError(
            f"How the daemon (pid {posted.process.pid}) was started cannot be told; nothing was done.",
            "Say it: aexp relay restart -- OPTIONS, with the options of serve, if any.",
        )
    return tuple(word for word in found if word != "--once")


def _show_up(built: "Container", came: "Up", as_json: bool, *, given: bool = False) -> None:
    """Say what came of it, and end with the daemon's own exit code if it has died."""
    if as_json:
        host = built.processes().hostname
        facts = {"state": came.state, "host": host, "pid": came.pid, "session": came.session}
        end = {"returncode": came.status, "said": [*came.said]} if came.state == "died" else {}
        print_json({"queue": built.storage().url, **facts, **end})
    elif came.state == "died":
        _show_death(came)
    else:
        _show_life(built, came, given)
    if came.state == "died":
        status = came.status or 0
        sys.exit(status if 0 < status < 126 else CRASHED)


def _show_life(built: "Container", came: "Up", given: bool) -> None:
    from aexp.airgapped.defaults import queue_flag

    url, host = built.storage().url, built.processes().hostname
    flag = queue_flag(url)
    verb = "stands by for" if came.state == "standby" else "serves"
    already = " already" if came.state == "already" else ""
    mark = style("up", "green", bold=True)
    echo(f"{mark}  the daemon on {host} (pid {came.pid}) {verb} {url}{already}")
    if given and already:
        other = f"aexp relay restart{flag} -- OPTIONS"
        echo(f"  note: it goes on with the options that it has; for others: {other}", err=True)
    if came.session is not None:
        way = f"{_bringer(built).way_in()}  ({built.terminals().way_back()})"
        echo(f"  look: {way}", err=True)
    echo(f"  end:  aexp relay down{flag}", err=True)


def _show_death(came: "Up") -> None:
    from aexp.domain.text import visible

    for line in came.said[-_TOLD:]:
        echo(f"  | {visible(line, limit=400)}", err=True)
    how = "a signal" if came.status is None else f"exit code {came.status}"
    mark = style("error:", "red", bold=True)
    echo(f"{mark} The daemon (pid {came.pid}) ended with {how} before it served.", err=True)
    then = style("  next:", "cyan")
    echo(f"{then} What it said stands above; mend that, and try again.", err=True)


def _show_down(built: "Container", ended: "Down") -> None:
    from aexp.airgapped.defaults import queue_flag

    url, host = built.storage().url, built.processes().hostname
    flag = queue_flag(url)
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
        stood_by = f"the one that stood by (pid {ended.successor}) serves now"
        echo(f"  note: {stood_by}; end it too: aexp relay down{flag}", err=True)
    elif ended.unit is not None:
        off = f"systemctl --user disable {ended.unit}"
        echo(f"  note: systemd starts it at the next log-in or boot; for good: {off}", err=True)
    else:
        from aexp.cli.setups import again

        echo(f"  next: {again(ended.setup, flag)}", err=True)


def _show_waiting(ended: "Down") -> None:
    if ended.waiting == 1:
        echo("1 request still waits for consent; it stays for the next daemon.")
    elif ended.waiting:
        echo(f"{ended.waiting} requests still wait for consent; they stay for the next daemon.")
