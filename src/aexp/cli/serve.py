"""``aexp relay serve``: the daemon on the login node."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import rich_click as click

from aexp.cli.wiring import container, queue_option
from aexp.domain.consent import Mode
from aexp.domain.errors import RelayBusyError
from aexp.domain.profiles import PROFILES

if TYPE_CHECKING:
    from aexp.airgapped.daemon import RelayDaemon
    from aexp.container import Container

_FORGEABLE = (
    "warning: with consent by files, every program that can write the queue can approve; "
    "--consent login asks on this node"
)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command()
@queue_option
@click.option(
    "--log",
    metavar="PATH",
    help="Where the audit trail goes; - for standard error.  [default: daemon.log in the queue]",
)
@click.option("--once", is_flag=True, help="Serve what waits now, then end.")
@click.option(
    "--standby", is_flag=True, help="Wait while another daemon serves, and take over when it ends."
)
@click.option(
    "--most-at-once",
    type=click.IntRange(1, 64),
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
def serve(
    queue: str | None,
    log: str | None,
    once: bool,
    standby: bool,
    trust_remotes: tuple[str, ...],
    **given: Any,
) -> None:
    """Serve the queue on this node, until Ctrl-C or SIGTERM. Run it on the login node."""
    paths = [*trust_remotes, *filter(None, [os.environ.get("AEXP_RELAY_TRUST_REMOTES")])]
    run_daemon(
        queue, log, once=once, standby=standby, trust_remotes=":".join(paths) or None, **given
    )


def run_daemon(
    queue: str | None, log: str | None, *, once: bool = False, standby: bool = False, **given: Any
) -> None:
    """Wire a daemon, take the queue, serve it.

    Raises:
        RelayBusyError: another daemon serves the queue, or has taken over.
    """
    from aexp.cli.logs import log_to

    with _wake_pipe() as (wake, write_end):
        built = container(queue, wake=wake, **given)
        where = log_to(log, built.storage().folder)
        served = True
        mode = built.decisions().mode
        built.workshop().tidy()
        try:
            while served:
                served = _serve(built, mode, where, write_end, once, standby)
        finally:
            built.decisions().close()
            built.workshop().close()


def _serve(
    built: "Container", mode: Mode, where: str, write_end: int, once: bool, standby: bool
) -> bool:
    """Serve once; True when this daemon has lost the queue and is to stand by again."""
    from aexp.cli.logs import show_on_terminal

    daemon, url = built.daemon(), built.storage().url
    with _stopping(daemon, write_end):
        if not daemon.start(_tell_standby if standby else None):
            click.echo(f"ended before {url} was free to serve", err=True)
            return False
        told = f"pid {os.getpid()}, consent {mode.described}, log {where}"
        click.echo(f"aexp relay serves {url} ({told})", err=True)
        if mode is Mode.FILE:
            click.echo(_FORGEABLE, err=True)
        if sys.stderr.isatty() and where != "standard error":
            show_on_terminal()
        try:
            daemon.drain() if once else daemon.run()
        except RelayBusyError:
            if not standby:
                raise
            return True
    return False


def _tell_standby(busy: RelayBusyError) -> None:
    click.echo(f"standing by: {busy.what}", err=True)


@contextlib.contextmanager
def _wake_pipe() -> Iterator[tuple[int, int]]:
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield read_end, write_end
    finally:
        os.close(read_end)
        os.close(write_end)


@contextlib.contextmanager
def _stopping(daemon: "RelayDaemon", write_end: int) -> Iterator[None]:
    """Signals end the daemon in good order; each one also wakes its loop through the pipe."""
    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    for number, handler in handlers.items():
        # Under nohup a hang-up is ignored, and stays so.
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda *_: daemon.stop())
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
