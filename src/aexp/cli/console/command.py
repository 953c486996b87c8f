"""``aexp relay console``: what waits, what runs and what is over, in one pane, with the keys to decide."""

import os
import sys

import rich_click as click

from aexp.cli.login_node import container
from aexp.cli.terminal import is_terminal
from aexp.cli.wiring import key_option, queue_option
from aexp.domain.errors import SettingsError

WITHOUT = "Without it: aexp relay approve -i"


@click.command()
@click.option(
    "--bell/--no-bell", default=True, show_default=True, help="Ring it when something new waits."
)
@key_option
@queue_option
def console(bell: bool, key: str | None, queue: str | None) -> None:
    """Watch the relay and decide, in a pane of its own: what waits with its preview, what runs, what is over.

    Needs the extra tui (Textual). Approvals count on the login node alone, in the mode that is the default.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)) or os.environ.get("TERM") == "dumb":
        raise SettingsError("The console needs a terminal that can draw.", WITHOUT)
    try:
        from aexp.cli.console.app import ConsoleApp
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] != "textual":
            raise
        raise SettingsError(
            "The console needs Textual, which is not installed here.",
            f"pip install 'textual>=8.2.6'. {WITHOUT}",
        ) from exc
    from aexp.airgapped.console.watching import Console
    from aexp.cli.consent import approver_of
    from aexp.cli.grants import granter_of

    built = container(queue)
    watched = Console(built.queue(), approver_of(built, key), granter_of(built), built.clock())
    # Without the mouse the terminal selects text as it always does, and no click decides anything.
    ConsoleApp(watched, home=built.policy().home, bell=bell).run(mouse=False)
