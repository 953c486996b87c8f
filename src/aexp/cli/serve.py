"""``aexp relay serve``: the options of the daemon on the login node."""

from typing import Any

import rich_click as click

from aexp.cli.parameters import Count
from aexp.cli.wiring import queue_option
from aexp.domain.consent import Mode
from aexp.domain.profiles import PROFILES


@click.command()
@queue_option
@click.option(
    "--log",
    metavar="PATH",
    help="Where the audit trail goes; - for standard error.  [default: daemon.log in the queue, or "
    "on this node's own disk where the queue is no folder]",
)
@click.option("--once", is_flag=True, help="Serve what waits now, then end.")
@click.option(
    "--standby", is_flag=True, help="Wait while another daemon serves, and take over when it ends."
)
@click.option(
    "--most-at-once",
    type=Count(1, 64),
    metavar="N",
    help="Operations that may run at the same time.  [default: 4]",
)
@click.option(
    "--profile",
    type=click.Choice(["auto", *PROFILES]),
    help="How to treat the queue's filesystem.  [default: auto, by the mount table]",
)
@click.option(
    "--consent",
    type=click.Choice([mode.value for mode in Mode]),
    help="What counts as an approval.  [default: $AEXP_RELAY_CONSENT, else login]",
)
@click.option(
    "--allowed-signers",
    metavar="FILE",
    help="For --consent signed: who may approve.  [default: ~/.ssh/allowed_signers]",
)
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Ask a person also where a working copy is used for the first time.",
)
@click.option(
    "--trust-remote",
    "trust_remotes",
    multiple=True,
    metavar="PATH",
    help="A bare repository on this filesystem that may be a remote; its hooks run here.",
)
@click.option(
    "--notify",
    metavar="WAYS",
    help="How to tell a person that consent is waited for: all, none, or some of log, line, bell, osc, tmux, "
    "hook; no-bell is all but the bell.  [default: $AEXP_RELAY_NOTIFY, else all]",
)
@click.option(
    "--notify-hook",
    metavar="COMMAND",
    help="A command of yours that is run then, with the facts in its environment.  "
    "[default: $AEXP_RELAY_NOTIFY_HOOK, else none]",
)
def serve(
    queue: str | None,
    log: str | None,
    once: bool,
    standby: bool,
    trust_remotes: tuple[str, ...],
    **given: Any,
) -> None:
    """Serve the queue on this node, until Ctrl-C or SIGTERM. Run it on the login node."""
    from aexp.cli.serving import run_daemon

    run_daemon(queue, log, once=once, standby=standby, trust_remotes=trust_remotes, **given)
