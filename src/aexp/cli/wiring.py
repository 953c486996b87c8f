"""The options that most commands share, and the question that some ask."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from aexp.cli.telling import Voice
from aexp.cli.terminal import echo

F = TypeVar("F", bound=Callable[..., Any])


def queue_option(command: F) -> F:
    """``--queue``."""
    return click.option(
        "--queue",
        metavar="PATH|URL",
        help="The queue: a path, or a URL as `aexp relay transports` lists them.  "
        "[default: as `aexp config show` says]",
    )(command)


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def key_option(command: F) -> F:
    """``--key``."""
    return click.option(
        "--key",
        metavar="PATH",
        help="The ssh key to sign with, where approvals are signed; a public one for the agent.  "
        "[default: $AEXP_RELAY_SIGN_KEY]",
    )(command)


def voice_options(command: F) -> F:
    """``-q`` and ``-v``."""
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        help="Say nothing on standard error but errors and what a person must decide.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Say each change of state at once, with the request's id.",
    )
    return quiet(verbose(command))


def voice_of(*, quiet: bool, verbose: bool) -> Voice:
    """What the two options ask for.

    Raises:
        UsageError: both were given.
    """
    if quiet and verbose:
        raise click.UsageError("Give one of --quiet and --verbose.")
    return Voice.of(quiet=quiet, verbose=verbose)


def parent_option(command: F) -> F:
    """``--parent-dir``."""
    return click.option(
        "--parent-dir",
        metavar="DIR",
        help="The folder for sandboxes: absolute, or relative to the repository's root "
        "(if missing, as `aexp config show` says).",
    )(command)


def serve_options(command: F) -> F:
    """Words after ``--`` that go on to ``aexp relay serve``, each looked at before anything is done."""
    return click.argument(
        "options", metavar="[-- SERVE OPTIONS]", nargs=-1, type=click.UNPROCESSED, callback=_checked
    )(command)


def _checked(ctx: click.Context, _: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    from aexp.cli.serve import serve

    read = serve.make_context("aexp relay serve", [*words]).params
    if read["queue"] is not None:
        raise click.UsageError("Give --queue before the --.", ctx)
    if read["once"]:
        raise click.UsageError("With --once it would not stay: aexp relay serve --once.", ctx)
    return words


def must_agree(question: str) -> None:
    """Ask whoever sits there; any answer but yes ends the program with 1, and with the words for it."""
    if not click.confirm(question, err=True):
        echo("Nothing was written.", err=True)
        sys.exit(1)
