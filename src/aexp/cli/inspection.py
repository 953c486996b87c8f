"""``aexp relay status|show|cancel``."""

import dataclasses
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli import completing
from aexp.cli.parameters import ANY_ID
from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.consent import State
from aexp.domain.output import MAX_ANSWER_BYTES

if TYPE_CHECKING:
    from aexp.airgapped.queue import RelayQueue


@click.command()
@queue_option
@json_option
def status(queue: str | None, as_json: bool) -> None:
    """Say whether a daemon serves the queue, and where. Exits with 69 when none does."""
    from aexp.cli.standing import show_status

    show_status(queue, as_json)


@click.command()
@click.argument("request_id", metavar="ID", type=ANY_ID, shell_complete=completing.ids)
@queue_option
@json_option
def show(request_id: str, queue: str | None, as_json: bool) -> None:
    """Show one request and its output. The first digits of its ID will do."""
    from aexp.airgapped.ahead import request_of
    from aexp.airgapped.defaults import local_filesystem
    from aexp.airgapped.waiting_notes import asked_of
    from aexp.cli.clients import queue_of
    from aexp.cli.render import show_request
    from aexp.domain import layout
    from aexp.domain.progress import collapsed

    relay_queue = queue_of(queue)
    full_id = relay_queue.find(request_id)
    view = request_of(relay_queue, full_id, local_filesystem())
    answer = relay_queue.answer(full_id)
    has_log = f"{full_id}.txt" in relay_queue.storage.list(layout.LOG)
    output = "" if answer is None else answer.stdout
    if answer is None and has_log:
        so_far = relay_queue.storage.read(layout.log(full_id), limit=MAX_ANSWER_BYTES)
        output = collapsed(so_far.decode("utf-8", "replace"))
    log = _where(relay_queue, full_id) if has_log else ""
    petition = asked_of(relay_queue.storage, full_id) if view.state is State.PENDING else None
    if as_json:
        asked = None if petition is None else petition.to_dict()
        told = {**dataclasses.asdict(view), "stdout": output, "log": log or None}
        print_json({**told, "petition": asked})
    else:
        show_request(view, output, log, relay_queue.storage.url)
        for line in petition.lines() if petition else ():
            click.echo(line)
        if view.state is State.PENDING and petition:
            from aexp.airgapped.hints import approve_hint, approve_place

            how = approve_hint(full_id, relay_queue.storage.url)
            where = approve_place(relay_queue.storage, full_id)
            click.echo(f"  next: {how} {where}", err=True)


def _where(queue: "RelayQueue", full_id: str) -> str:
    """Where the log is, or what shows it where it is on another machine."""
    from aexp.airgapped.hints import log_hint
    from aexp.domain import layout

    url = queue.storage.url
    return f"{url}/{layout.log(full_id)}" if queue.storage.far is None else log_hint(full_id, url)


@click.command()
@click.argument("request_id", metavar="ID", type=ANY_ID, shell_complete=completing.open_ids)
@queue_option
@json_option
def cancel(request_id: str, queue: str | None, as_json: bool) -> None:
    """Stop a request: take it back, or ask the daemon to end it. The first digits of its ID will do."""
    from aexp.airgapped.hints import show_hint
    from aexp.cli.clients import client_of

    client = client_of(queue)
    full_id = client.queue.find(request_id)
    handle = client.handle(full_id)
    over = handle.done()
    withdrawn = not over and handle.cancel()
    if as_json:
        asked = not over and not withdrawn
        told = {"request_id": full_id, "withdrawn": withdrawn, "asked": asked}
        print_json({**told, "state": handle.state})
        return
    if withdrawn:
        click.echo(f"{full_id} was withdrawn and will not run.")
        return
    if over:
        click.echo(f"{full_id} is over already ({handle.state}); nothing was cancelled.", err=True)
    else:
        click.echo(f"The daemon was asked to end {full_id}.")
    click.echo(f"  next: {show_hint(full_id, client.queue.storage.url)}", err=True)
