"""``aexp relay service print|install|uninstall``: a systemd user unit that keeps the daemon on this host."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property

import rich_click as click

from aexp.adapters.unit_files import UserUnits
from aexp.airgapped.defaults import open_queue, queue_flag, system_clock
from aexp.cli.far import refuse_private
from aexp.cli.groups import LazyGroup
from aexp.cli.login_node import container, login_layers
from aexp.cli.terminal import echo
from aexp.cli.wiring import queue_option, serve_options
from aexp.domain.errors import RelayBusyError, RelayStorageError, SettingsError
from aexp.domain.serving import serve_command, session_name, settings_in
from aexp.domain.text import visible
from aexp.domain.unit import Unit, environment, host_of, is_edited
from aexp.settings import settings_of

COMMANDS = {
    "print": "aexp.cli.service:print_unit",
    "install": "aexp.cli.service:install",
    "uninstall": "aexp.cli.service:uninstall",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def service() -> None:
    """Let systemd keep the daemon on this host: a user unit, started at boot or log-in."""


@dataclass(frozen=True)
class _Service:
    """The unit of one queue."""

    queue: str
    units: UserUnits

    @cached_property
    def flag(self) -> str:
        return queue_flag(self.queue)

    @property
    def name(self) -> str:
        return f"{session_name(self.queue, default=not self.flag)}.service"

    def text(self, options: tuple[str, ...]) -> str:
        """The unit's file. What of it comes from the daemon that serves here is said on standard error.

        Raises:
            SettingsError: it cannot say what it would have to, or would serve nobody.
        """
        refuse_private(self.queue)
        python = os.path.abspath(sys.executable)
        return Unit(
            host=os.uname().nodename,
            queue=self.queue,
            command=serve_command(python, self.queue, options),
            environ=environment({**os.environ, **_taken(self.queue)}, self.units.runtime),
            systemd=self.units.version,
        ).text()

    def refuse_edited(self, force: bool) -> str | None:
        """What the file holds now.

        Raises:
            SettingsError: somebody has edited it, and nothing was said of ``force``.
        """
        found = self.units.read(self.name)
        if found is not None and is_edited(found) and not force:
            raise SettingsError(
                f"{self.units.folder / self.name} was edited, or is not ours; it was left as it is.",
                f"Compare it with `aexp relay service print{self.flag}`; --force takes no notice.",
            )
        return found


def _service(queue: str | None) -> _Service:
    settings = settings_of(login_layers(queue=queue))
    url = open_queue(settings.queue, system_clock(), settings.profile).url
    return _Service(url, UserUnits(os.environ))


def _taken(queue: str) -> dict[str, str]:
    """The settings of the daemon that serves here which the shell has not; says which they are."""
    try:
        posted = container(queue).post().who()
    except (RelayBusyError, RelayStorageError, SettingsError) as exc:
        echo(f"note: whether a daemon serves here, and with what, cannot be told: {exc}", err=True)
        return {}
    found = settings_in(posted.environ) if posted is not None else {}
    taken = {name: value for name, value in found.items() if not os.environ.get(name)}
    if taken and posted is not None:
        names = ", ".join(visible(name, limit=80) for name in sorted(taken))
        whose = f"the daemon that serves here (pid {posted.process.pid})"
        echo(f"note: {names}: as {whose} has it; this shell has not", err=True)
    return taken


@click.command(name="print")
@queue_option
@serve_options
def print_unit(queue: str | None, options: tuple[str, ...]) -> None:
    """Print the unit for this host. Options of serve go after --."""
    echo(_service(queue).text(options), nl=False)


@click.command()
@queue_option
@click.option("--now", is_flag=True, help="Have systemd read it, and start it now.")
@click.option("--force", is_flag=True, help="Also over a unit that somebody has edited.")
@serve_options
def install(queue: str | None, now: bool, force: bool, options: tuple[str, ...]) -> None:
    """Write the unit for this host, and say what to type to have it started. Options of serve go after --."""
    made = _service(queue)
    if not made.units.available:
        raise SettingsError(
            "systemd runs no units of users on this node (or not in this shell); nothing was written.",
            f"Keep the daemon in tmux: `aexp relay up{made.flag}`. `aexp relay service print{made.flag}` "
            "shows the unit all the same.",
        )
    before = made.refuse_edited(force)
    path = made.units.write(made.name, made.text(options))
    host = os.uname().nodename
    echo(f"{path} (starts on {host} alone)")
    was = None if before is None else host_of(before)
    if was not in (None, host):
        echo(f"  note: it was for {was}; end the daemon there", err=True)
    if now:
        made.units.manage("daemon-reload")
        made.units.manage("enable", "--now", made.name)
        echo(f"{made.name} was enabled and started")
    else:
        echo("  next: systemctl --user daemon-reload", err=True)
        echo(f"        systemctl --user enable --now {made.name}", err=True)
    echo("        loginctl enable-linger   # so that it stays when you log out", err=True)
    echo(f"        aexp relay status{made.flag}", err=True)


@click.command()
@queue_option
@click.option("--now", is_flag=True, help="Have systemd end and forget it first.")
@click.option("--force", is_flag=True, help="Also a unit that somebody has edited.")
def uninstall(queue: str | None, now: bool, force: bool) -> None:
    """Remove the unit. With --now the daemon that runs in it is ended first."""
    made = _service(queue)
    if made.refuse_edited(force) is None:
        echo(f"There is no {made.units.folder / made.name}; nothing was removed.")
        return
    if now:
        made.units.manage("disable", "--now", made.name)
    made.units.remove(made.name)
    echo(f"removed {made.units.folder / made.name}")
    if now:
        made.units.manage("daemon-reload")
    else:
        echo(f"  next: systemctl --user disable --now {made.name}", err=True)
        echo("        systemctl --user daemon-reload", err=True)
