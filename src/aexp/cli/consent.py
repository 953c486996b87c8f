"""``aexp relay pending|approve|reject``: a person's decisions, on the login node."""

import dataclasses

import rich_click as click

from aexp.cli.wiring import container, json_option, print_json, queue_option


@click.command()
@queue_option
@json_option
def pending(queue: str | None, as_json: bool) -> None:
    """List the requests that wait for consent."""
    from aexp.airgapped.approval import waiting_requests
    from aexp.airgapped.defaults import queue_flag
    from aexp.cli.render import show_table
    from aexp.domain.text import age

    built = container(queue)
    found = waiting_requests(built.queue())
    if as_json:
        print_json({"pending": [dataclasses.asdict(one) for one in found]})
        return
    if not found:
        click.echo("Nothing waits for consent.", err=True)
        return
    now = built.clock().wall()
    rows = [["ID", "OPERATION", "WAITS", "FROM", "WHERE"]]
    for one in found:
        waits = "" if one.since is None else age(now - one.since)
        operation = " ".join([one.op, *one.args])
        rows.append([one.request_id[:8], operation, waits, one.client, one.cwd])
    show_table(rows)
    flag = queue_flag(built.storage().url)
    click.echo(f"  next: aexp relay approve ID{flag}, or aexp relay reject ID{flag}", err=True)


@click.command()
@click.argument("request_id", metavar="ID")
@queue_option
def approve(request_id: str, queue: str | None) -> None:
    """Let a waiting request run. The first digits of its ID will do."""
    from aexp.airgapped.approval import approve as decide

    built = container(queue)
    one = decide(built.queue(), request_id, built.clock())
    click.echo(f"approved {one.request_id}: {one.op} in {one.cwd}")
    if built.queue().beat() is None:
        click.echo("No daemon serves the queue; it runs when one is started.", err=True)


@click.command()
@click.argument("request_id", metavar="ID")
@click.option("--reason", default="", help="What the requester is told.")
@queue_option
def reject(request_id: str, reason: str, queue: str | None) -> None:
    """Refuse a waiting request. The first digits of its ID will do."""
    from aexp.airgapped.approval import reject as decide

    one = decide(container(queue).queue(), request_id, reason)
    click.echo(f"rejected {one.request_id}: {one.op} in {one.cwd}")
