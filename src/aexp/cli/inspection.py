"""``aexp relay status|ls|show|cancel``."""

import dataclasses
import time

import rich_click as click

from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.consent import FINAL, State
from aexp.domain.operations import ALLOWED
from aexp.domain.output import MAX_ANSWER_BYTES

LATEST = 20


@click.command()
@queue_option
@json_option
def status(queue: str | None, as_json: bool) -> None:
    """Say whether a daemon serves the queue, and where. Exits with 69 when none does."""
    from aexp.cli.standing import show_status

    show_status(queue, as_json)


@click.command()
@queue_option
@json_option
@click.option("-a", "--all", "everything", is_flag=True, help="Also the older answers.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    help="Only requests in this state.",
)
@click.option("--op", type=click.Choice([*ALLOWED]), help="Only requests of this operation.")
def ls(
    queue: str | None, as_json: bool, everything: bool, state: str | None, op: str | None
) -> None:
    """List the requests: open ones first, then the latest twenty answers."""
    from aexp.airgapped.inspection import request_views
    from aexp.cli.clients import queue_of
    from aexp.cli.render import request_rows, show_table

    relay_queue = queue_of(queue)
    views = [
        view
        for view in request_views(relay_queue)
        if (state is None or view.state == state) and (op is None or view.op == op)
    ]
    waiting = [view for view in views if view.state not in FINAL]
    answered = [view for view in views if view.state in FINAL]
    shown = waiting + (answered if everything or as_json else answered[:LATEST])
    if as_json:
        print_json({"requests": [dataclasses.asdict(view) for view in shown]})
        return
    if not shown:
        click.echo("No requests.", err=True)
        return
    show_table(request_rows(shown, time.time()))
    if len(shown) < len(views):
        click.echo(f"older answers: {len(views) - len(shown)}; aexp relay ls --all", err=True)


@click.command()
@click.argument("request_id", metavar="ID")
@queue_option
@json_option
def show(request_id: str, queue: str | None, as_json: bool) -> None:
    """Show one request and its output. The first digits of its ID will do."""
    from aexp.airgapped.inspection import request_view
    from aexp.airgapped.waiting_notes import asked_of
    from aexp.cli.clients import queue_of
    from aexp.cli.render import show_request
    from aexp.domain import layout

    relay_queue = queue_of(queue)
    full_id = relay_queue.find(request_id)
    view = request_view(relay_queue, full_id)
    answer = relay_queue.answer(full_id)
    has_log = f"{full_id}.txt" in relay_queue.storage.list(layout.LOG)
    output = "" if answer is None else answer.stdout
    if answer is None and has_log:
        so_far = relay_queue.storage.read(layout.log(full_id), limit=MAX_ANSWER_BYTES)
        output = so_far.decode("utf-8", "replace")
    log = f"{relay_queue.storage.url}/{layout.log(full_id)}" if has_log else ""
    if as_json:
        print_json({**dataclasses.asdict(view), "stdout": output, "log": log or None})
    else:
        show_request(view, output, log)
        petition = asked_of(relay_queue.storage, full_id) if view.state is State.PENDING else None
        for line in petition.lines() if petition else ():
            click.echo(line)


@click.command()
@click.argument("request_id", metavar="ID")
@queue_option
def cancel(request_id: str, queue: str | None) -> None:
    """Stop a request: take it back, or ask the daemon to end it."""
    from aexp.airgapped.waiting import show_hint
    from aexp.cli.clients import client_of

    client = client_of(queue)
    full_id = client.queue.find(request_id)
    handle = client.handle(full_id)
    if handle.done():
        click.echo(f"{full_id} is over already ({handle.state}); nothing was cancelled.", err=True)
    elif handle.cancel():
        click.echo(f"{full_id} was withdrawn and will not run.")
    else:
        click.echo(f"The daemon was asked to end {full_id}.")
        click.echo(f"  next: {show_hint(full_id, client.queue.storage.url)}", err=True)
