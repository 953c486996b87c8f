"""Serving a queue on this node: wired, told on the terminal, ended by signals.

Without click and rich: a daemon keeps in memory what it has imported, for weeks.
"""

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aexp.cli.exits import BUSY
from aexp.cli.login_node import container, login_layers, tell_ignored
from aexp.cli.terminal import echo, is_terminal
from aexp.domain.consent import Mode
from aexp.domain.errors import RelayBusyError, RelayStorageError
from aexp.domain.text import visible

if TYPE_CHECKING:
    from aexp.adapters.terminal_output import TerminalOutput
    from aexp.airgapped.daemon import RelayDaemon
    from aexp.container import Container
    from aexp.settings import Layer

_FORGEABLE = (
    "warning: with consent by files, every program that can write the queue can approve; "
    "aexp relay restart -- --consent login asks on this node instead"
)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_daemon(
    queue: str | None,
    log: str | None,
    *,
    once: bool = False,
    standby: bool = False,
    trust_remotes: Sequence[str] = (),
    **given: Any,
) -> None:
    """Wire a daemon, take the queue, serve it.

    Args:
        trust_remotes: paths that may be remotes, beside those that are set.
        given: further settings; None means not given.

    With ``once`` and without a terminal nothing is said, unless something is wrong: cron mails every word.
    That another daemon serves is then told by the exit code alone.

    Raises:
        RelayBusyError: another daemon serves the queue, or has taken over.
        SettingsError: a setting cannot be used, or no other process sees the queue.
    """
    from aexp.cli.far import refuse_private
    from aexp.cli.logs import log_to
    from aexp.settings import settings_of

    # The user's file lies in the shared home: it counts as it stands now, and is not read again.
    layers = login_layers(queue=queue, **given)
    settings = settings_of(layers)
    refuse_private(settings.queue)
    paths = [*trust_remotes, *filter(None, [settings.trust_remotes])]
    settings = dataclasses.replace(settings, trust_remotes=":".join(paths))
    with _wake_pipe() as (wake, write_end):
        built = container(wake=wake, settings=settings)
        # What is wrong with the owner's hook is told before anything is made.
        built.notifier()
        where = log_to(log, built.storage().folder, built.terminal(), built.node_log())
        _note_files(built, layers, quietly=_is_cron(once))
        served = True
        mode = built.decisions().mode
        built.workshop().tidy()
        try:
            while served:
                served = _serve(built, mode, where, write_end, once, standby)
        except RelayBusyError:
            if not _is_cron(once):
                raise
            sys.exit(BUSY)
        finally:
            built.decisions().close()
            built.workshop().close()


def _serve(
    built: "Container", mode: Mode, where: str, write_end: int, once: bool, standby: bool
) -> bool:
    """Serve once; True when this daemon has lost the queue and is to stand by again."""
    from aexp.cli.logs import STANDARD_ERROR, show_on_terminal

    daemon, url, terminal = built.daemon(), built.storage().url, built.terminal()
    with _stopping(daemon, write_end, terminal):
        if not daemon.start(_tell_standby if standby else None):
            echo(f"ended before {url} was free to serve", err=True)
            echo("  next: aexp relay status says who serves it", err=True)
            return False
        if not _is_cron(once):
            _tell_serving(url, mode, where)
        _tell_cautions(built, quietly=_is_cron(once))
        if terminal is not None and where != STANDARD_ERROR:
            show_on_terminal(terminal)
        try:
            daemon.drain() if once else daemon.run()
        except RelayBusyError:
            if not standby:
                raise
            return True
    return False


def _is_cron(once: bool) -> bool:
    """Whether nobody looks on, and this is to be the same again in a minute."""
    return once and not is_terminal(sys.stderr)


def _tell_serving(url: str, mode: Mode, where: str) -> None:
    told = f"pid {os.getpid()}, consent {mode.described}, log {where}"
    echo(f"aexp relay serves {url} ({told})", err=True)
    if mode is Mode.FILE:
        echo(_FORGEABLE, err=True)


def _tell_cautions(built: "Container", *, quietly: bool) -> None:
    """Say what can be mended of the storage, in the log and, unless ``quietly``, here."""
    try:
        cautions = built.storage().cautions()
    except RelayStorageError as exc:
        cautions = ((exc.what, exc.hint),)
    for told, fix in cautions:
        built.audit().warn("caution", told=told)
        if not quietly:
            echo(visible(f"note: {told}", limit=500), err=True)
            echo(visible(f"  next: {fix}", limit=500), err=True)


def _note_files(built: "Container", layers: "Sequence[Layer]", *, quietly: bool) -> None:
    """Say what counts because a file of settings says so, in the log and, unless ``quietly``, here."""
    from aexp.domain.configuration import BY_SETTING, shown_value
    from aexp.settings import origin_of

    for file in layers[2:]:
        told = {
            BY_SETTING[name].name: shown_value(value)
            for name, value in file.values.items()
            if origin_of(name, layers) == file.origin
        }
        if told:
            built.audit().note("settings", file=file.origin, **told)
            listed = ", ".join(f"{name} {value}" for name, value in told.items())
            if not quietly:
                echo(visible(f"from {file.origin}: {listed}", limit=2000), err=True)
    if not quietly:
        tell_ignored()


def _tell_standby(busy: RelayBusyError) -> None:
    echo(f"standing by: {busy.what}", err=True)


@contextlib.contextmanager
def _wake_pipe() -> Iterator[tuple[int, int]]:
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield read_end, write_end
    finally:
        os.close(read_end)
        os.close(write_end)


@contextlib.contextmanager
def _stopping(
    daemon: "RelayDaemon", write_end: int, terminal: "TerminalOutput | None"
) -> Iterator[None]:
    """Signals end the daemon in good order; each one also wakes its loop through the pipe."""

    def stop(number: int, _: object) -> None:
        if number == signal.SIGINT and terminal is not None:
            # The terminal has written ^C, and stays on that line.
            terminal.write(b"\n")
        daemon.stop()

    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    for number, handler in handlers.items():
        # Under nohup a hang-up is ignored, and stays so.
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
