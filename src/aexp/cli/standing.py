"""How the daemon stands: what ``aexp relay status`` does."""

import dataclasses
import sys
from typing import TYPE_CHECKING

from aexp.cli.clients import daemon_of
from aexp.cli.exits import DOWN
from aexp.cli.render import show_daemon
from aexp.cli.terminal import echo, print_json

if TYPE_CHECKING:
    from aexp.airgapped.queue import RelayQueue


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


def tell_absence(queue: "RelayQueue", so: str) -> bool:
    """Say that no daemon serves, where that is plain to see; whether it is.

    Args:
        so: what that means for what was asked for, such as that nothing runs before one is started.
    """
    beat = queue.beat()
    if beat is not None and not queue.is_gone(beat):
        return False
    from aexp.airgapped.hints import serve_hint

    echo(f"No daemon serves the queue; {so}.", err=True)
    echo(f"  next: {serve_hint(queue.storage.url)}", err=True)
    return True
