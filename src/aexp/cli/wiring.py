"""The options that most commands share, and the container behind them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from aexp.container import Container

F = TypeVar("F", bound=Callable[..., Any])


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


def container(queue: str | None = None, *, wake: int | None = None, **given: Any) -> "Container":
    """The wiring for one command of the login node; a client's is in :mod:`aexp.cli.clients`.

    Args:
        queue: what ``--queue`` said.
        wake: a descriptor that wakes the daemon.
        given: further settings (None means not given).

    Raises:
        SettingsError: a setting cannot be used.
    """
    from aexp.container import Container
    from aexp.settings import load_settings

    built = Container(settings=load_settings(queue=queue, **given))
    if wake is not None:
        built.wake.override(wake)
    return built
