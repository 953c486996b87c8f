"""``aexp relay grant|grants|revoke``: permissions for a while, on the login node."""

import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.consent import confirm, line_to, show_lines
from aexp.cli.login_node import container
from aexp.cli.parameters import Operation
from aexp.cli.terminal import is_terminal, print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.operations import GRANTABLE

if TYPE_CHECKING:
    from aexp.airgapped.granter import Granter
    from aexp.airgapped.kept_grants import KeptGrants
    from aexp.container import Container
    from aexp.domain.grant_offers import GrantLine


@click.command()
@click.argument("op", metavar="OP", type=Operation(GRANTABLE))
@click.option(
    "-C", "--cwd", metavar="DIR", help="The folder of the requests.  [default: the current one]"
)
@click.option(
    "--for",
    "span",
    metavar="SPAN",
    required=True,
    help="For how long, such as 90s, 30m, 2h or 1d; 24 hours at most.",
)
@click.option("--keep", is_flag=True, help="Also beyond an end of the daemon.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for the digits of the digest.")
@queue_option
@json_option
def grant(
    op: str, cwd: str | None, span: str, keep: bool, yes: bool, queue: str | None, as_json: bool
) -> None:
    """Let requests for OP in one folder run for a while without asking. Run it on the login node.

    Shows what would be allowed, and asks for the first four digits of its digest; with --yes, or without a
    terminal, it does not ask. A request that leads elsewhere waits for a person as before.
    """
    from aexp.airgapped.defaults import absolute
    from aexp.domain.grants import span as read_span

    built = container(queue)
    granter = granter_of(built)
    folder = built.filesystem().resolve(absolute(cwd or "."))
    shown = granter.grant_preview(op, folder, read_span(span))
    show_lines(shown.lines())
    if not yes and is_terminal(sys.stdin):
        confirm(shown.digest, "grant", "nothing was granted", "Run the same command again.")
    given = granter.grant(shown, keep=keep)
    if as_json:
        print_json(given.to_dict())
        return
    tell_granted(given)
    if built.storage().shared:
        alone = "it counts at the daemon of this node alone, which takes over what it covers from the others"
        click.echo(f"  note: {alone}", err=True)
    click.echo(f"  next: take it back with aexp relay revoke {given.short}{_flag(built)}", err=True)


@click.command()
@queue_option
@json_option
def grants(queue: str | None, as_json: bool) -> None:
    """List what is granted. Run it on the login node.

    While no daemon serves there: what is kept, and counts once one starts.
    """
    from aexp.cli.render import show_table
    from aexp.domain.text import age

    built = container(queue)
    granter = granter_of(built)
    found = granter.grants()
    if as_json:
        print_json({"grants": [one.to_dict() for one in found], "served": granter.served})
        return
    if not found:
        click.echo("Nothing is granted.", err=True)
        return
    rows = [["ID", "OPERATION", "ENDS IN", "USES", "KEPT", "GIVEN BY", "WHERE", "GOES TO"]]
    for one in found:
        facts = [age(one.ends_in_s), str(one.uses), "yes" if one.keep else "no", one.by]
        rows.append([one.id[:8], one.op, *facts, one.root, "; ".join(one.destinations)])
    show_table(rows)
    flag = _flag(built)
    if not granter.served:
        click.echo("No daemon serves here: these are kept, and count once one starts.", err=True)
    click.echo(f"  next: aexp relay revoke ID{flag}, or aexp relay revoke --all{flag}", err=True)


@click.command()
@click.argument("grant_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Take back all of them.")
@queue_option
@json_option
def revoke(grant_id: str | None, everything: bool, queue: str | None, as_json: bool) -> None:
    """Take a grant back. The first digits of its ID will do. Run it on the login node.

    What already runs under it goes on; what has not started waits for a person. One that is kept can be taken
    back while no daemon serves as well.
    """
    if (grant_id is None) != everything:
        raise click.UsageError("Give the ID of a grant (aexp relay grants lists them), or --all.")
    granter = granter_of(container(queue))
    ids = [one.id for one in granter.grants()] if everything else [grant_id or ""]
    gone = [granter.revoke(one) for one in ids]
    if as_json:
        print_json({"revoked": [one.to_dict() for one in gone]})
        return
    for one in gone:
        click.echo(f"revoked {one.short}: {_told(one)} (uses: {one.uses})")
    _tell_rest(granter, gone)


def _tell_rest(granter: "Granter", gone: "list[GrantLine]") -> None:
    if not gone:
        click.echo("Nothing is granted.", err=True)
        return
    taken = {(one.op, one.root) for one in gone}
    for one in granter.rest():
        if (one.op, one.root) in taken:
            click.echo(f"Still granted by {one.short}: {_told(one)}.", err=True)
    if not granter.served:
        click.echo("No daemon serves here: it counts no more once one starts.", err=True)
        return
    click.echo("What already runs goes on: aexp relay ls, aexp relay cancel ID.", err=True)


def _flag(built: "Container") -> str:
    from aexp.airgapped.hints import flag_here

    return flag_here(built.storage().url)


def _told(one: "GrantLine") -> str:
    from aexp.domain.grants import moment

    kept = ", also beyond an end of the daemon" if one.keep else ""
    return f"{one.op} in {one.root} until {moment(one.until)}{kept}"


def tell_granted(given: "GrantLine") -> None:
    """Say what was granted."""
    click.echo(f"granted {given.short}: {_told(given)}")


def granter_of(built: "Container") -> "Granter":
    """The person's side of grants, with a line to the daemon of this machine."""
    from aexp.airgapped.granter import Granter

    return Granter(built.queue(), built.processes(), line_to(built), lambda: _kept(built))


def _kept(built: "Container") -> "KeptGrants | None":
    from aexp.airgapped.kept_grants import KeptGrants
    from aexp.domain.errors import SettingsError

    try:
        post, memory = built.post(), built.grants()
    except SettingsError:
        # This machine has no folder that a daemon could have used.
        return None
    return KeptGrants(post, memory, built.processes(), built.clock(), built.audit())
