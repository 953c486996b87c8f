"""What arguments of several commands mean: an operation in either spelling, a request's id."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import rich_click as click
from click.shell_completion import CompletionItem

from aexp.cli.quick import VERBS

_OPS = MappingProxyType({verb: op for verb, (op, _) in VERBS.items() if op})


class Operation(click.Choice):  # type: ignore[type-arg]
    """An operation's name, typed as ``wandb_sync`` or as the verb ``wandb-sync``.

    Args:
        ops: the names.
        closed: whether anything else is a mistake; otherwise it is passed on as it is.
    """

    def __init__(self, ops: Iterable[str], *, closed: bool = True) -> None:
        super().__init__([*ops])
        self._closed = closed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        op = _OPS.get(value, str(value).replace("-", "_"))
        if op not in self.choices and not self._closed:
            return value
        return super().convert(op if op in self.choices else value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        verbs = [verb for verb, op in _OPS.items() if op in self.choices]
        spelt = [CompletionItem(verb) for verb in verbs if verb.startswith(incomplete)]
        return super().shell_complete(ctx, param, incomplete) + spelt


class Seconds(click.FloatRange):
    """A time to wait, by the name that a person gives it."""

    name = "number of seconds"


class Count(click.IntRange):
    """How many, by the name that a person gives it."""

    name = "whole number"


class RequestId(click.ParamType):  # type: ignore[type-arg]
    """The id of a request, or its first digits; who gives none is told where to find it.

    Args:
        found_by: what to type next, a sentence without its full stop.
    """

    name = "text"

    def __init__(self, found_by: str) -> None:
        self._found_by = found_by

    def get_missing_message(
        self,
        param: click.Parameter,  # noqa: ARG002
        ctx: click.Context | None = None,  # noqa: ARG002
    ) -> str:
        return f"{self._found_by}."


ANY_ID = RequestId("aexp relay ls lists them")
PENDING_ID = RequestId("aexp relay pending lists them")
APPROVED_ID = RequestId("aexp relay pending lists them; aexp relay approve -i asks for each")
