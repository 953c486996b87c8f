"""``aexp relay up|down|restart``: the daemon on this node, kept in tmux."""

import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.far import refuse_private
from aexp.cli.keepup_words import NEW, gap, show_down, show_up
from aexp.cli.login_node import container, tell_ignored
from aexp.cli.terminal import echo
from aexp.cli.wiring import json_option, queue_option, serve_options
from aexp.domain.errors import AexpError

if TYPE_CHECKING:
    from aexp.airgapped.bringing_up import Bringer, Up
    from aexp.airgapped.taking_down import Down
    from aexp.container import Container
    from aexp.domain.serving import Setup
    from aexp.ports.post import Posted


@click.command()
@queue_option
@json_option
@serve_options
def up(queue: str | None, as_json: bool, options: tuple[str, ...]) -> None:
    """Start the daemon on this node in tmux, where it outlives the shell. Options of serve go after --.

    When it serves here already, it says so, and what this shell sets otherwise, and does nothing. Waits
    until it serves; when it does not come to that, shows its last words and ends with its exit code.
    """
    from aexp.airgapped.hints import flag_here
    from aexp.cli import setups
    from aexp.domain.serving import Setup, settings_in

    built = container(queue)
    refuse_private(built.storage().url)
    before = setups.last(built)
    bringer = _bringer(built)
    came = _up(built, bringer, Setup(built.environ(), options))
    show_up(built, bringer, came, as_json, given=bool(options))
    if not as_json:
        tell_ignored("  ")
    url = built.storage().url
    if came.state == "already" and not as_json:
        setups.tell_unheeded(built.post().who(), built.environ(), url, flag_here(url))
    if came.state in NEW and not as_json:
        setups.tell_lacking(before, Setup(settings_in(built.environ()), options), flag_here(url))


@click.command()
@queue_option
@json_option
@click.option("--force", is_flag=True, help="Kill it when it has not ended after 20 s.")
def down(queue: str | None, as_json: bool, force: bool) -> None:
    """End the daemon that serves on this node, in good order, and wait until it is over."""
    built = container(queue)
    ended = _down(built, force=force)
    show_down(built, ended, as_json)


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
    refuse_private(built.storage().url)
    bringer = _bringer(built)
    posted = built.post().who()
    if posted is None:
        show_up(built, bringer, _up(built, bringer, _as_before(built, options)), as_json)
        return
    _refuse_unit(posted)
    bringer.require_terminals()
    words = options or _options_of(posted)
    ended = _down(built, force=force)
    setup = Setup({**posted.environ, **built.environ()}, words)
    try:
        came = _up(built, bringer, setup, posted.cwd)
    except AexpError:
        echo(f"  note: {gap(built, ended)}", err=True)
        raise
    show_up(built, bringer, came, as_json, instead_of=ended)


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
    if came.state in NEW:
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
