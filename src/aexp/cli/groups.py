"""Command groups that load a command when it is called, and show known errors in two lines."""

import difflib
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import rich_click as click

from aexp.cli.exits import INTERRUPTED, exit_code
from aexp.cli.terminal import show_error, show_note
from aexp.domain.errors import AexpError
from aexp.domain.text import visible


class LazyGroup(click.RichGroup):
    """A group whose commands are named as ``module:attribute`` and imported when they are needed."""

    def __init__(self, *args: Any, commands_at: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._commands_at = dict(commands_at)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._commands_at]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self._commands_at, n=1) if args else []
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = self._commands_at.get(cmd_name)
        if where is None:
            return None
        module, _, attribute = where.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class RootGroup(LazyGroup):
    """The outermost group: turns the errors that we raise on purpose into a line, a hint and a code."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False  # no-color.org
        try:
            return super().invoke(ctx)
        except AexpError as error:
            show_error(error)
            ctx.exit(exit_code(error))
        except (KeyboardInterrupt, click.Abort) as stop:
            click.echo("", err=True)
            for note in getattr(stop, "__notes__", ()):
                show_note(visible(note, limit=500))
            ctx.exit(INTERRUPTED)
