"""``aexp relay install-helpers``: relay-approve, relay-reject and relay-list-pending in the queue."""

import os
import sys

import rich_click as click

from aexp.cli.login_node import container
from aexp.cli.wiring import queue_option


@click.command(name="install-helpers")
@queue_option
def install_helpers(queue: str | None) -> None:
    """Write relay-approve, relay-reject and relay-list-pending into the queue's _bin folder."""
    install(queue)


def install(queue: str | None) -> None:
    """Write the helpers and say how to call them.

    Raises:
        SettingsError: the queue is not a folder.
        RelayStorageError: they cannot be written.
    """
    from aexp.adapters.helper_scripts import install_helpers as write
    from aexp.domain.errors import SettingsError

    storage = container(queue).storage()
    if storage.folder is None:
        raise SettingsError(
            f"{storage.url} is not a folder, so no helper can lie in it.",
            "Use `aexp relay approve` and its siblings.",
        )
    for path in write(storage.folder, os.path.abspath(sys.executable)):
        click.echo(str(path))
    click.echo(f'  next: export PATH="{storage.folder}/_bin:$PATH" on the login node', err=True)
