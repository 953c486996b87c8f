"""``aexp relay pull|push|fetch|git-status|rebase|wandb-sync|request``: the operations."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import rich_click as click

from aexp.cli.exits import INTERRUPTED, of_operation
from aexp.cli.wiring import container, json_option, print_json, queue_option


def operation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every operation takes."""
    for option in (
        click.option("--no-wait", is_flag=True, help="Print the request's id and return at once."),
        json_option,
        click.option(
            "--timeout",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help="How long to wait for the answer.  [default: $AEXP_RELAY_TIMEOUT, else 60]",
        ),
        click.option(
            "-C", "--cwd", metavar="DIR", help="The working copy.  [default: the current folder]"
        ),
        queue_option,
    ):
        command = option(command)
    return command


@click.command()
@operation_options
def pull(**options: Any) -> None:
    """Bring in upstream commits, fast-forward only (git pull --ff-only)."""
    run("git_pull", [], **options)


@click.command()
@click.option("-b", "--branch", default="HEAD", show_default=True, help="The branch to send.")
@click.option("--remote", default="origin", show_default=True, help="The remote's name.")
@operation_options
def push(branch: str, remote: str, **options: Any) -> None:
    """Send one branch to a remote, never forced (git push REMOTE BRANCH)."""
    run("git_push", [remote, branch], **options)


@click.command()
@operation_options
def fetch(**options: Any) -> None:
    """Update the remote branches (git fetch --all --prune)."""
    run("git_fetch", [], **options)


@click.command(name="git-status")
@operation_options
def git_status(**options: Any) -> None:
    """Show the working copy as the login node sees it (git status --porcelain=v2)."""
    run("git_status", [], **options)


@click.command()
@operation_options
def rebase(**options: Any) -> None:
    """Replay local commits on top of upstream (git pull --rebase)."""
    run("git_rebase", [], **options)


@click.command(name="wandb-sync")
@operation_options
def wandb_sync(**options: Any) -> None:
    """Upload offline wandb runs, once a person on the login node approves."""
    run("wandb_sync", [], **options)


@click.command()
@click.argument("op")
@click.argument("args", nargs=-1)
@operation_options
def request(op: str, args: tuple[str, ...], **options: Any) -> None:
    """Run OP, an operation of the closed list, with its ARGS."""
    run(op, args, **options)


def run(
    op: str,
    args: Sequence[str],
    queue: str | None,
    cwd: str | None,
    timeout: float | None,
    as_json: bool,
    no_wait: bool,
) -> None:
    """Submit, wait, show the output, and end with the operation's own status."""
    from aexp.airgapped.defaults import queue_flag
    from aexp.airgapped.waiting import show_hint
    from aexp.cli.render import show_result

    built = container(queue, default_timeout=timeout, cwd=cwd)
    url = built.storage().url
    handle = built.client().submit(op, args)
    if no_wait:
        print_json({"request_id": handle.id}) if as_json else click.echo(handle.id)
        return
    try:
        result = handle.result(on_pending=lambda: _tell_pending(op, handle.id, url))
    except KeyboardInterrupt:
        click.echo(f"\n{op} goes on as {handle.id}.", err=True)
        stop = f"aexp relay cancel {handle.id[:8]}{queue_flag(url)}"
        click.echo(f"  next: {show_hint(handle.id, url)}, or {stop}", err=True)
        sys.exit(INTERRUPTED)
    show_result(result, show_hint(handle.id, url), as_json=as_json)
    sys.exit(of_operation(result.returncode))


def _tell_pending(op: str, request_id: str, url: str) -> None:
    from aexp.airgapped.waiting import approve_hint

    how = approve_hint(request_id, url)
    click.echo(f"{op} waits for consent. On the login node: {how}", err=True)
