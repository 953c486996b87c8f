"""The options that most commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

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
