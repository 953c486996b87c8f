"""``aexp relay pending|approve|reject``: a person's decisions, on the login node."""

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from aexp.cli import completing
from aexp.cli.login_node import container
from aexp.cli.parameters import APPROVED_ID, PENDING_ID
from aexp.cli.standing import tell_absence
from aexp.cli.terminal import is_terminal, print_json
from aexp.cli.wiring import json_option, key_option, queue_option
from aexp.domain.consent import Mode
from aexp.domain.decisions import CONFIRM_CHARS
from aexp.domain.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aexp.airgapped.approval import Waiting
    from aexp.airgapped.approver import Approver, Shown
    from aexp.container import Container
    from aexp.ports.approval import DecisionLine


@click.command()
@queue_option
@json_option
def pending(queue: str | None, as_json: bool) -> None:
    """List the requests that wait for consent."""
    from aexp.airgapped.defaults import queue_flag
    from aexp.airgapped.hints import approve_where, flag_here
    from aexp.airgapped.waiting_notes import mode_of
    from aexp.cli.render import show_table
    from aexp.domain.text import age

    built = container(queue)
    approver = approver_of(built)
    found = approver.waiting()
    if as_json:
        print_json({"pending": [_whole(approver, one) for one in found]})
        return
    if not found:
        click.echo("Nothing waits for consent. What else there is: aexp relay ls --open", err=True)
        tell_absence(built.queue(), "nothing is taken up before one is started")
        return
    now = built.clock().wall()
    rows = [["ID", "OPERATION", "SENDS", "WAITS", "FROM", "WHERE"]]
    for one in found:
        waits = "" if one.since is None else age(now - one.since)
        operation = " ".join([one.op, *one.args])
        rows.append([one.request_id[:8], operation, one.summary, waits, one.client, one.cwd])
    show_table(rows)
    host = approver.elsewhere()
    flag = (flag_here if host is None else queue_flag)(built.storage().url)
    there = "" if host is None else f"on {host or 'the login node'}: "
    if mode_of(built.storage(), found[0].request_id) is Mode.ACL:
        there = f"{approve_where(Mode.ACL, built.storage().url)}: "
    told = f"{there}aexp relay approve ID{flag}, or aexp relay reject ID{flag}"
    if not tell_absence(built.queue(), "nothing can be decided before one is started"):
        click.echo(f"  next: {told}", err=True)


@click.command()
@click.argument(
    "request_id",
    metavar="ID",
    required=False,
    type=APPROVED_ID,
    shell_complete=completing.pending_ids,
)
@click.option(
    "-i", "--interactive", is_flag=True, help="Ask about all that waits, one after the other."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for the digits of the digest.")
@key_option
@queue_option
@click.pass_context
def approve(
    ctx: click.Context,
    request_id: str | None,
    interactive: bool,
    yes: bool,
    key: str | None,
    queue: str | None,
) -> None:
    """Let a waiting request run. The first digits of its ID will do.

    Shows what would be done, and asks for the first four digits of its digest; with --yes, or without a
    terminal, it does not ask. With -i it walks through all that waits, the oldest first.
    """
    if interactive and yes:
        raise click.UsageError("-i asks about each request; --yes does not ask. Give one of them.")
    if request_id is None and not interactive:
        raise click.MissingParameter(ctx=ctx, param=ctx.command.params[0])
    built = container(queue)
    approver = approver_of(built, key)
    if interactive or request_id is None:
        from aexp.cli.grants import granter_of
        from aexp.cli.walking import Walk

        Walk(approver, granter_of(built)).go(request_id)
        return
    shown = approver.look(request_id)
    show_shown(shown)
    if not yes and is_terminal(sys.stdin):
        request_id = shown.petition.request_id
        confirm(
            shown.petition.digest,
            "approve",
            "nothing was approved",
            f"Try again, or refuse it: aexp relay reject {request_id[:8]}",
            request_id,
        )
    approver.approve(shown)
    tell_approved(shown)
    tell_absence(built.queue(), "nothing runs before one is started")


@click.command()
@click.argument("request_id", metavar="ID", type=PENDING_ID, shell_complete=completing.pending_ids)
@click.option("--reason", default="", help="What the requester is told.")
@queue_option
def reject(request_id: str, reason: str, queue: str | None) -> None:
    """Refuse a waiting request. The first digits of its ID will do."""
    built = container(queue)
    one = approver_of(built).reject(request_id, reason)
    click.echo(f"rejected {one.request_id}: {one.op} in {one.cwd}")
    tell_absence(built.queue(), "the requester is told once one is started")


def approver_of(built: "Container", key: str | None = None) -> "Approver":
    """The person's side of approvals, with a line to the daemon of this machine."""
    from aexp.adapters.consent.ssh_signatures import SshSigner
    from aexp.airgapped.approver import Approver

    signer = SshSigner(key, built.environ())
    return Approver(built.queue(), built.clock(), built.processes(), line_to(built), signer)


def line_to(built: "Container") -> "DecisionLine":
    """The line to the daemon that serves the queue on this machine."""
    from aexp.adapters.consent.socket_client import SocketLine
    from aexp.adapters.consent.socket_files import socket_name
    from aexp.adapters.node_local import socket_folders

    storage = built.storage()
    folders = socket_folders(built.environ())
    return SocketLine(folders, socket_name(storage.identity))


def _whole(approver: "Approver", one: "Waiting") -> dict[str, Any]:
    """A request that waits, with all that a person would be shown of it."""
    petition = approver.petition_of(one)
    told = {} if petition is None else petition.to_dict()
    more = {key: told.get(key) for key in ("destinations", "inventory", "preview")}
    return {**dataclasses.asdict(one), **more}


def show_shown(shown: "Shown") -> None:
    """All that an approval would be bound to, and where it came from."""
    show_lines(shown.petition.lines())
    if shown.warning:
        click.echo(f"{click.style('note', fg='yellow')}       {shown.warning}", err=True)


def show_lines(lines: "Iterable[str]") -> None:
    """What a person decides on, apart from what a script reads."""
    for line in lines:
        click.echo(line, err=True)


def confirm(
    digest: str, verb: str, otherwise: str, hint: str, request_id: str | None = None
) -> None:
    """Have the person type what only who has looked can know.

    Args:
        otherwise: what has come of it when they type something else; ``hint`` says what to do then.

    Raises:
        RelayRejectedError: it was something else.
    """
    from aexp.domain.errors import RelayRejectedError

    if not typed_digits(digest, verb):
        raise RelayRejectedError(
            f"That is not how the digest begins; {otherwise}.", hint, request_id
        )


def typed_digits(digest: str, verb: str) -> bool:
    """Whether a person types how the digest begins, when they are asked."""
    typed: str = click.prompt(
        f"To {verb}, type the first {CONFIRM_CHARS} digits of the digest",
        default="",
        show_default=False,
        err=True,
    )
    return typed.strip().lower() == digest[:CONFIRM_CHARS]


def tell_approved(shown: "Shown") -> None:
    """Say what was approved."""
    if shown.mode is Mode.SIGNED:
        click.echo(f"signed for {_named(shown)}; the daemon decides whether that key may approve")
    else:
        click.echo(f"approved {_named(shown)}")


def _named(shown: "Shown") -> str:
    petition = shown.petition
    op = visible(petition.op, limit=64, ascii_only=True)
    return f"{petition.request_id}: {op} in {visible(petition.cwd, limit=400, ascii_only=True)}"
