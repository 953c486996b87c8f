"""``aexp sandbox``: the group of the commands on sandboxes."""

import rich_click as click

from aexp.cli.groups import LazyGroup

COMMANDS = {
    "new": "aexp.cli.sandbox_new:new",
    "ls": "aexp.cli.sandbox_look:ls",
    "open": "aexp.cli.sandbox_open:open_",
    "check": "aexp.cli.sandbox_look:check",
    "archive": "aexp.cli.sandbox_archive:archive",
    "promote": "aexp.cli.sandbox_promote:promote",
    "template": "aexp.cli.sandbox_new:template",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def sandbox() -> None:
    """Dated folders for exploratory notebooks: make, list, open, check, promote and put them away."""
