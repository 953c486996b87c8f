"""How the daemon stands: what ``aexp relay status`` does."""

import dataclasses
import sys

from aexp.cli.clients import daemon_of
from aexp.cli.exits import DOWN
from aexp.cli.render import show_daemon
from aexp.cli.terminal import echo, print_json


def show_status(queue: str | None, as_json: bool) -> None:
    """Say whether a daemon serves the queue, and where; end with 69 when none does."""
    view = daemon_of(queue)
    if as_json:
        print_json(dataclasses.asdict(view))
    else:
        show_daemon(view)
        from aexp.airgapped.standing import next_of

        if hint := next_of(view):
            echo(f"  next: {hint}", err=True)
    sys.exit(0 if view.up else DOWN)
