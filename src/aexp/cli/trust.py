"""``aexp relay trust``: what the login node's owner accepts, on the login node alone."""

import os
from typing import TYPE_CHECKING, Any

import rich_click as click

from aexp.cli.login_node import container
from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.errors import SettingsError

if TYPE_CHECKING:
    from aexp.container import Container


@click.command()
@click.option("-C", "--cwd", metavar="DIR", help="The working copy.  [default: the current folder]")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Accept this setting of the working copy, as it is now; may be repeated.",
)
@click.option("--remote", metavar="PATH", help="Accept the bare repository at PATH as a remote.")
@click.option(
    "--forget", is_flag=True, help="Take back what --key or --remote names, or all of --cwd."
)
@click.option("--list", "show", is_flag=True, help="Show what is accepted on this node.")
@queue_option
@json_option
def trust(
    cwd: str | None,
    keys: tuple[str, ...],
    remote: str | None,
    forget: bool,
    show: bool,
    queue: str | None,
    as_json: bool,
) -> None:
    """Accept what the relay refuses by itself. Run it on the login node, as yourself.

    Without --key and --remote it registers the remotes of the working copy, with the URLs that they
    have now. What is accepted is kept on this node, where no request can write.
    """
    if (remote is not None and (keys or cwd)) or (show and (keys or remote or forget)):
        raise click.UsageError("Give one of --key (with --cwd), --remote and --list.")
    if as_json and not show:
        raise click.UsageError("--json goes with --list.")
    built = container(queue)
    if show:
        _show(built, as_json=as_json)
    elif remote is not None:
        _remote(built, remote, forget=forget)
    else:
        _copy(built, cwd, keys, forget=forget)


def _remote(built: "Container", remote: str, *, forget: bool) -> None:
    from aexp.domain.text import visible

    path = os.path.realpath(os.path.expanduser(remote))
    shown = visible(path, limit=400)
    if forget:
        count = built.trust().forget(None, None, path)
        click.echo(f"{_taken_back(count)}: {shown} as a remote, on this node")
        return
    if not all(os.path.exists(os.path.join(path, name)) for name in ("HEAD", "objects", "refs")):
        raise SettingsError(
            f"There is no bare repository at {shown}.",
            "Give the path of one, as `git init --bare` makes it; https and ssh remotes need no trust.",
        )
    built.trust().accept_remote(path)
    click.echo(
        f"trusted: {shown} as a remote, on this node; its hooks run here when something is pushed"
    )


def _taken_back(count: int) -> str:
    return "no longer trusted" if count else "was not trusted"


def _copy(built: "Container", cwd: str | None, keys: tuple[str, ...], *, forget: bool) -> None:
    from aexp.adapters.workshop.acceptance import Acceptance
    from aexp.airgapped.defaults import absolute
    from aexp.domain.remote_urls import redacted_url
    from aexp.domain.text import visible

    folder = built.filesystem().resolve(absolute(cwd or "."))
    if built.filesystem().kind(folder) != "directory":
        raise SettingsError(f"{visible(folder, limit=400)} is not a folder.", "Check --cwd.")
    acceptance = Acceptance(built.workshop(), built.trust(), built.pins())
    try:
        if forget:
            for key in keys or (None,):
                root, count = acceptance.forget(folder, key)
                what = visible(key) if key else "settings and destinations"
                click.echo(f"{_taken_back(count)}: {what} of {root}, on this node")
            return
        for key in keys:
            root, values = acceptance.accept_key(folder, key)
            for value in values:
                shown = visible(value, limit=200, ascii_only=True)
                click.echo(f"trusted: {visible(key)} = '{shown}' in {root}, on this node")
        if keys:
            return
        root, destinations = acceptance.register(folder)
    finally:
        built.workshop().close()
    for one in destinations:
        lfs = f" with LFS at {redacted_url(one.lfs_url)}" if one.lfs_url else ""
        line = f"{one.remote} ({one.verb}) {redacted_url(one.url)}{lfs} in {root}"
        built.trust().note(f"registered: {line}")
        click.echo(f"registered: {line}")


def _show(built: "Container", *, as_json: bool) -> None:
    from aexp.domain.remote_urls import redacted_url
    from aexp.domain.text import visible

    accepted = built.trust().all()
    pins = built.pins().all()
    body: dict[str, Any] = {
        "keys": accepted.get("keys", {}),
        "remotes": accepted.get("remotes", []),
        "destinations": {
            root: [
                [one.remote, one.verb, redacted_url(one.url), redacted_url(one.lfs_url)]
                for one in found
            ]
            for root, found in pins.items()
        },
    }
    if as_json:
        print_json(body)
        return
    for path in body["remotes"]:
        click.echo(f"remote      {visible(path)}")
    for root, keys in body["keys"].items():
        for name, values in keys.items():
            shown = ", ".join(visible(value, ascii_only=True) for value in values)
            click.echo(f"setting     {visible(root)}: {visible(name)} = {shown}")
    for root, rows in body["destinations"].items():
        for remote, verb, url, _ in rows:
            click.echo(f"destination {visible(root)}: {visible(remote)} ({verb}) {visible(url)}")
    if not any(body.values()):
        click.echo("Nothing was accepted on this node. See: aexp relay trust --help", err=True)
