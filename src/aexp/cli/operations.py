"""``aexp relay pull|push|fetch|git-status|rebase|wandb-sync|request``: the operations."""

from collections.abc import Callable, Sequence
from typing import Any

import rich_click as click

from aexp.cli import completing
from aexp.cli.parameters import Operation, Seconds
from aexp.cli.wiring import json_option, queue_option, voice_of, voice_options
from aexp.domain.operations import ALLOWED


def operation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every operation takes."""
    for option in (
        voice_options,
        click.option("--no-wait", is_flag=True, help="Print the request's id and return at once."),
        json_option,
        click.option(
            "--timeout",
            type=Seconds(min=0),
            metavar="SECONDS",
            help="How long to wait for the answer.  [default: $AEXP_RELAY_TIMEOUT, else 60]",
        ),
        click.option(
            "-C",
            "--cwd",
            metavar="DIR",
            shell_complete=completing.folders,
            help="The working copy.  [default: the current folder]",
        ),
        queue_option,
    ):
        command = option(command)
    return command


_OF_UPSTREAM = "{verb} takes the branch's upstream; set it with: git branch -u REMOTE/BRANCH"
_OF_ALL = "{verb} takes all remotes and their branches; name none."
_WITH_WORDS = {"allow_extra_args": True}
"""Words that git would take are let through by click, for an error of our own that says what to do."""


@click.command(context_settings=_WITH_WORDS)
@operation_options
@click.pass_context
def pull(context: click.RichContext, /, **options: Any) -> None:
    """Bring in upstream commits, fast-forward only (git pull --ff-only)."""
    _refuse_words(context, _OF_UPSTREAM)
    _run("git_pull", [], **options)


@click.command()
@click.argument(
    "placed_remote", metavar="[REMOTE]", required=False, shell_complete=completing.remotes
)
@click.argument(
    "placed_branch", metavar="[BRANCH]", required=False, shell_complete=completing.branches
)
@click.option(
    "-b",
    "--branch",
    default="HEAD",
    show_default=True,
    shell_complete=completing.branches,
    help="The branch to send.",
)
@click.option(
    "--remote",
    default="origin",
    show_default=True,
    shell_complete=completing.remotes,
    help="The remote's name.",
)
@operation_options
@click.pass_context
def push(
    context: click.RichContext,
    /,
    placed_remote: str | None,
    placed_branch: str | None,
    **options: Any,
) -> None:
    """Send one branch to a remote, never forced (git push REMOTE BRANCH)."""
    placed = {"remote": placed_remote, "branch": placed_branch}
    args = [_one_of(context, name, word, options.pop(name)) for name, word in placed.items()]
    _run("git_push", args, **options)


@click.command(context_settings=_WITH_WORDS)
@operation_options
@click.pass_context
def fetch(context: click.RichContext, /, **options: Any) -> None:
    """Update the remote branches (git fetch --all --prune)."""
    _refuse_words(context, _OF_ALL)
    _run("git_fetch", [], **options)


@click.command(name="git-status")
@operation_options
def git_status(**options: Any) -> None:
    """Show the working copy as the login node sees it (git status --porcelain=v2)."""
    _run("git_status", [], **options)


@click.command(context_settings=_WITH_WORDS)
@operation_options
@click.pass_context
def rebase(context: click.RichContext, /, **options: Any) -> None:
    """Replay local commits on top of upstream (git pull --rebase)."""
    _refuse_words(context, _OF_UPSTREAM)
    _run("git_rebase", [], **options)


@click.command(name="wandb-sync")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@operation_options
def wandb_sync(runs: tuple[str, ...], **options: Any) -> None:
    """Upload offline wandb runs (all below the folder, or each RUN), once a person approves."""
    _run("wandb_sync", runs, **options)


@click.command()
@click.argument(
    "op", type=Operation(ALLOWED, closed=False), metavar="OP", shell_complete=completing.operations
)
@click.argument("args", nargs=-1)
@operation_options
def request(op: str, args: tuple[str, ...], **options: Any) -> None:
    """Run OP, an operation of the closed list, with its ARGS."""
    _run(op, args, **options)


def _one_of(context: click.Context, name: str, placed: str | None, option: str) -> str:
    """What an argument or the option of the same meaning says; both may say the same."""
    if placed is None or placed == option:
        return option
    source = context.get_parameter_source(name)
    if source is not None and source.name == "DEFAULT":
        return placed
    raise click.UsageError(
        f"The {name} is given twice: {placed}, and {option} with --{name}. Leave one of them out.",
        context,
    )


def _refuse_words(context: click.Context, why: str) -> None:
    if context.args:
        raise click.UsageError(why.format(verb=context.info_name), context)


def _run(op: str, args: Sequence[str], **options: Any) -> None:
    from aexp.cli.running import run

    voice_of(quiet=options["quiet"], verbose=options["verbose"])
    run(op, args, **options)
