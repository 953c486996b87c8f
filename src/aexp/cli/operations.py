"""``aexp relay pull|push|fetch|git-status|rebase|wandb-sync|request``: the operations."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from aexp.cli.exits import INTERRUPTED, of_operation
from aexp.cli.wiring import container, json_option, print_json, queue_option
from aexp.domain.consent import State

if TYPE_CHECKING:
    from aexp.ports.storage import QueueStorage

PATIENT_S = 2.0
"""Seconds after which a person at a terminal is told what is being waited for."""


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
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@operation_options
def wandb_sync(runs: tuple[str, ...], **options: Any) -> None:
    """Upload offline wandb runs (all below the folder, or each RUN), once a person approves."""
    run("wandb_sync", runs, **options)


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
    from aexp.cli.render import show_result

    built = container(queue, default_timeout=timeout, cwd=cwd)
    handle = built.client().submit(op, args)
    if no_wait:
        print_json({"request_id": handle.id}) if as_json else click.echo(handle.id)
        return
    teller = _Teller(op, handle.id, built.storage())
    try:
        result = handle.result(on_state=teller.tell, on_said=teller.said)
    except KeyboardInterrupt:
        teller.interrupted()
        sys.exit(INTERRUPTED)
    show_result(result, as_json=as_json)
    sys.exit(of_operation(result.returncode))


class _Teller:
    """Tells on standard error how a request stands, while somebody waits for it."""

    def __init__(self, op: str, request_id: str, storage: "QueueStorage") -> None:
        self._op = op
        self._id = request_id
        self._storage = storage
        self._url = storage.url
        self._began = time.monotonic()
        self._told = State.RECEIVED

    def tell(self, state: State) -> None:
        """The request stands like this now; said when it is news, and not yet old news."""
        patient = time.monotonic() - self._began >= PATIENT_S and sys.stderr.isatty()
        if state is self._told or not (patient or state is State.PENDING):
            return
        self._told = state
        if state is State.PENDING:
            told = f"{self._op} waits for consent{self._why}. On the login node: {self._approve}"
            click.echo(told, err=True)
        elif state is State.APPROVED:
            click.echo(f"{self._op} waits for its turn; another one runs in this folder", err=True)
        elif state is State.RUNNING:
            click.echo(f"{self._op} runs as {self._id[:8]}; Ctrl-C leaves it running", err=True)

    def said(self, text: str) -> None:
        """The daemon has something to say to whoever waits."""
        click.echo(f"{click.style('note:', fg='yellow')} {text}", err=True)

    def interrupted(self) -> None:
        """The waiting was ended by Ctrl-C."""
        from aexp.airgapped.defaults import queue_flag
        from aexp.airgapped.waiting import show_hint

        stop = f"aexp relay cancel {self._id[:8]}{queue_flag(self._url)}"
        if self._told is State.PENDING:
            click.echo(f"\n{self._op} still waits for consent as {self._id}.", err=True)
            click.echo(f"  next: {self._approve} on the login node, or {stop}", err=True)
        else:
            click.echo(f"\n{self._op} goes on as {self._id}.", err=True)
            click.echo(f"  next: {show_hint(self._id, self._url)}, or {stop}", err=True)

    @property
    def _why(self) -> str:
        from aexp.airgapped.waiting_notes import asked_of
        from aexp.domain.text import visible

        petition = asked_of(self._storage, self._id)
        return f" ({visible(petition.reason, limit=120)})" if petition and petition.reason else ""

    @property
    def _approve(self) -> str:
        from aexp.airgapped.waiting import approve_hint

        return approve_hint(self._id, self._url)
