"""``aexp relay wait``."""

import rich_click as click

from aexp.cli import completing
from aexp.cli.parameters import ANY_ID, Seconds
from aexp.cli.wiring import json_option, queue_option, voice_of, voice_options


@click.command()
@click.argument("request_id", metavar="ID", type=ANY_ID, shell_complete=completing.open_ids)
@click.option(
    "--timeout",
    type=Seconds(min=0),
    metavar="SECONDS",
    help="How long to wait.  [default: $AEXP_RELAY_TIMEOUT, else 60]",
)
@queue_option
@json_option
@voice_options
def wait(
    request_id: str,
    timeout: float | None,
    queue: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Wait for the answer to a request, whoever submitted it, and end as the operation did.

    The first digits of its ID will do. Ctrl-C ends only the waiting.
    """
    from aexp.airgapped.inspection import request_view
    from aexp.cli.clients import client_of
    from aexp.cli.running import finish, older_s

    voice = voice_of(quiet=quiet, verbose=verbose)
    client = client_of(queue, timeout=timeout)
    view = request_view(client.queue, client.queue.find(request_id))
    handle = client.handle(view.request_id)
    finish(view.op, handle, client.queue, as_json=as_json, voice=voice, older_s=older_s(view))
