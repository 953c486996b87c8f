"""The options that most commands share, and the container behind them."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from aexp.container import Container

F = TypeVar("F", bound=Callable[..., Any])
SCHEMA = 1
"""The version of everything that ``--json`` prints."""


def queue_option(command: F) -> F:
    """``--queue``."""
    return click.option(
        "--queue",
        metavar="PATH|URL",
        help="The queue in the shared home.  [default: $AEXP_RELAY_QUEUE, else ~/.relay]",
    )(command)


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def container(queue: str | None = None, **given: Any) -> "Container":
    """The wiring for one command.

    Args:
        queue: what ``--queue`` said.
        given: further settings (None means not given), and ``cwd`` and ``wake`` for the container.

    Raises:
        SettingsError: a setting cannot be used.
    """
    from aexp.container import Container
    from aexp.settings import load_settings

    # Parts of the container that are not settings.
    parts = {name: given.pop(name) for name in ("cwd", "wake") if given.get(name) is not None}
    given = {name: value for name, value in given.items() if name not in ("cwd", "wake")}
    built = Container(settings=load_settings(queue=queue, **given))
    for name, value in parts.items():
        built.providers[name].override(value)
    return built


def print_json(body: dict[str, Any]) -> None:
    """One JSON object on standard output, with the version of its shape."""
    click.echo(json.dumps({"schema": SCHEMA, **body}, ensure_ascii=False, default=str))
