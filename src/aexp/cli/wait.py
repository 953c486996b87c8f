"""``aexp relay wait``."""

import rich_click as click

from aexp.cli.wiring import json_option, queue_option


@click.command()
@click.argument("request_id", metavar="ID")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait.  [default: $AEXP_RELAY_TIMEOUT, else 60]",
)
@queue_option
@json_option
def wait(request_id: str, timeout: float | None, queue: str | None, as_json: bool) -> None:
    """Wait for the answer to a request, whoever submitted it, and end as the operation did.

    The first digits of its ID will do. Ctrl-C ends only the waiting.
    """
    from aexp.airgapped.inspection import request_view
    from aexp.cli.clients import client_of
    from aexp.cli.running import finish

    client = client_of(queue, timeout=timeout)
    full_id = client.queue.find(request_id)
    op = request_view(client.queue, full_id).op
    finish(op, client.handle(full_id), client.queue.storage, as_json=as_json)
