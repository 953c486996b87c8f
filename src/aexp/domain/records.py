"""Frozen records from JSON that a stranger may have written."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
MAX_NUMBER = 1 << 62


def record(kind: type[T], found: Mapping[str, Any]) -> T:
    """The dataclass that :func:`dataclasses.asdict` gave, perhaps by way of JSON.

    What is missing gets its default, and what is not known is left out.

    Raises:
        ValueError: a field is missing that has no default, or is of another type than it should be.
    """
    hints = _hints(cast("type", kind))
    values = {name: _value(hints[name], found[name], name) for name in hints if name in found}
    try:
        return kind(**values)
    except TypeError as exc:
        raise ValueError(f"{kind.__name__} lacks a field") from exc


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _value(kind: Any, found: object, name: str) -> Any:
    if get_origin(kind) is UnionType:
        kind, _ = get_args(kind)
        return None if found is None else _value(kind, found, name)
    if get_origin(kind) is tuple:
        if not isinstance(found, list | tuple):
            raise ValueError(f"{name} is not a list")
        return tuple(_value(get_args(kind)[0], item, name) for item in found)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(found, Mapping):
            raise ValueError(f"{name} is not an object")
        return record(kind, found)
    if kind is float and type(found) is int:
        found = float(found) if abs(found) < MAX_NUMBER else found
    if type(found) is not kind or (isinstance(found, int | float) and abs(found) >= MAX_NUMBER):
        raise ValueError(f"{name} is not what it should be")
    return found
