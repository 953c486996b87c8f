"""``aexp``: the group of all commands."""

import rich_click as click

from aexp import __version__
from aexp.cli.groups import RootGroup

COMMANDS = {
    "relay": "aexp.cli.relay:relay",
    "sandbox": "aexp.cli.sandbox:sandbox",
    "new-sandbox": "aexp.cli.sandbox_new:new_sandbox",
    "install": "aexp.cli.install:install",
    "uninstall": "aexp.cli.install:uninstall",
    "config": "aexp.cli.config:config",
    "mcp": "aexp.cli.mcp.command:mcp",
    "completion": "aexp.cli.completion:completion",
}


@click.group(
    cls=RootGroup,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="aexp", message="%(prog)s %(version)s")
def root() -> None:
    """Work from compute nodes without internet, and keep exploratory notebooks in order."""
