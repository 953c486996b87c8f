"""``aexp relay``: the group of the relay's commands."""

import rich_click as click

from aexp.cli.groups import LazyGroup

COMMANDS = {
    "serve": "aexp.cli.serve:serve",
    "exec": "aexp.cli.far_commands:exec_",
    "up": "aexp.cli.keepup:up",
    "down": "aexp.cli.keepup:down",
    "restart": "aexp.cli.keepup:restart",
    "service": "aexp.cli.service:service",
    "status": "aexp.cli.inspection:status",
    "pull": "aexp.cli.operations:pull",
    "push": "aexp.cli.operations:push",
    "fetch": "aexp.cli.operations:fetch",
    "git-status": "aexp.cli.operations:git_status",
    "rebase": "aexp.cli.operations:rebase",
    "wandb-sync": "aexp.cli.operations:wandb_sync",
    "request": "aexp.cli.operations:request",
    "ls": "aexp.cli.listing:ls",
    "show": "aexp.cli.inspection:show",
    "log": "aexp.cli.log:log",
    "wait": "aexp.cli.wait:wait",
    "cancel": "aexp.cli.inspection:cancel",
    "pending": "aexp.cli.consent:pending",
    "approve": "aexp.cli.consent:approve",
    "reject": "aexp.cli.consent:reject",
    "console": "aexp.cli.console.command:console",
    "grant": "aexp.cli.grants:grant",
    "grants": "aexp.cli.grants:grants",
    "revoke": "aexp.cli.grants:revoke",
    "trust": "aexp.cli.trust:trust",
    "doctor": "aexp.cli.doctor:doctor",
    "transports": "aexp.cli.transports:transports",
    "audit": "aexp.cli.audit:audit",
    "install-helpers": "aexp.cli.install_helpers:install_helpers",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def relay() -> None:
    """Run git and wandb on the login node, from a compute node that has no internet."""
