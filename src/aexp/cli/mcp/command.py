"""The command ``aexp mcp``: it needs the SDK, which takes a second to load; nothing else waits for that."""

import contextlib
import os
import sys

import rich_click as click

from aexp.cli import completing
from aexp.cli.terminal import show_note
from aexp.cli.wiring import queue_option
from aexp.domain.errors import SettingsError
from aexp.domain.installed_texts import MCP_SDK

_OF_THE_EXTRA = ("mcp", "mcp_types", "anyio")


@click.command()
@click.option(
    "-C",
    "--cwd",
    metavar="DIR",
    shell_complete=completing.folders,
    help="The working copy.  [default: the current folder]",
)
@queue_option
def mcp(cwd: str | None, queue: str | None) -> None:
    """Serve the relay and the sandboxes to a coding agent: an MCP server on standard input and output.

    Needs the extra mcp. An agent's client starts it; `aexp install --mcp` writes the entry for Claude Code.
    It has no tool that can approve: consent is given on the login node, by a person.
    """
    try:
        from aexp.cli.mcp.serving import serve
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        raise SettingsError(
            "The MCP server needs the SDK of the Model Context Protocol, which is not installed here.",
            f"{sys.executable} -m pip install '{MCP_SDK}'",
        ) from exc
    from aexp.cli.mcp.relay import Relay

    if sys.stdin is None or sys.stdout is None:
        raise SettingsError(
            "Standard input or output is closed, and there is no other way to speak.",
            "Let an agent's client start it.",
        )
    with contextlib.redirect_stdout(sys.stderr):
        # What opens the queue may be somebody else's, and print.
        relay = Relay.of(queue, cwd)
    if cwd is not None:
        _change_to(cwd)
    if sys.stdin.isatty():
        show_note("an MCP client starts this and speaks JSON to it; Ctrl-D ends it")
    serve(relay)


def _change_to(folder: str) -> None:
    """Work in this folder from now on, as if the server had been started in it."""
    try:
        os.chdir(os.path.expanduser(folder))
    except OSError as exc:
        raise SettingsError(
            f"--cwd {folder} cannot be used: {exc.strerror}.", "Name a working copy."
        ) from exc
