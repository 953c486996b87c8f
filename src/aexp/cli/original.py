"""``python -m aexp.airgapped daemon|status|install-helpers``: the command line of the original tool."""

import rich_click as click

from aexp.cli.groups import RootGroup
from aexp.cli.wiring import queue_option

COMMANDS = {
    "daemon": "aexp.cli.original:daemon",
    "status": "aexp.cli.inspection:status",
    "install-helpers": "aexp.cli.install_helpers:install_helpers",
}


@click.group(cls=RootGroup, commands_at=COMMANDS)
def original() -> None:
    """The relay, by the names of the original tool; `aexp relay` has the rest."""


@click.command()
@queue_option
@click.option("--log", metavar="PATH", help="Where the audit trail goes.")
def daemon(queue: str | None, log: str | None) -> None:
    """Serve the queue on this node; files in approved/ decide, as in the original layout."""
    from aexp.cli.login_node import consent_is_set
    from aexp.cli.serving import run_daemon

    run_daemon(queue, log, consent=None if consent_is_set() else "file")


def main() -> None:
    """The entry point of ``python -m aexp.airgapped``."""
    original(prog_name="python -m aexp.airgapped")
