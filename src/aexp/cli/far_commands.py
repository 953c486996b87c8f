"""``aexp relay exec``."""

import rich_click as click

from aexp.cli.wiring import queue_option


@click.command(name="exec")
@queue_option
@click.option("--up", is_flag=True, help="Start a daemon, like the last one here, if none serves.")
def exec_(queue: str | None, up: bool) -> None:
    """Speak to a client at the other end of ssh. For authorized_keys: command="aexp relay exec",restrict

    The client may submit, look, wait and cancel; it can neither approve nor run anything else.
    """
    from aexp.cli.gate import serve_client

    serve_client(queue, up=up)
