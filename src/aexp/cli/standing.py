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
        if not view.up:
            from aexp.airgapped.hints import serve_hint

            echo(f"  next: {serve_hint(view.queue)}", err=True)
        elif view.pending:
            echo("  next: aexp relay pending", err=True)
    sys.exit(0 if view.up else DOWN)
