"""Reading JSON that a stranger wrote, and writing ours.

The reader refuses what :mod:`json` lets through: more than one value for a key, NaN and infinities,
deep nesting, a byte order mark, anything but an object.
"""

import json
import re
from typing import Any, NoReturn

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8

# Possessive, so that nothing is kept to come back to: a long output would take a hundred times its size.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[{\]}]")


class WireError(ValueError):
    """The bytes are not one well-formed JSON object; the text says why."""


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in ``data``.

    Raises:
        WireError: too long, not UTF-8, not JSON, not an object, a doubled key, NaN, too deep.
    """
    if len(data) > max_bytes:
        raise WireError(f"has more than {max_bytes} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise WireError(f"is not UTF-8 (byte {exc.start})") from exc
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except WireError:
        raise
    except ValueError as exc:
        raise WireError(f"is not JSON ({exc})"[:200]) from exc
    if not isinstance(value, dict):
        raise WireError(f"is a JSON {type(value).__name__}, not an object")
    return value


def encode(value: dict[str, Any]) -> bytes:
    """One JSON object, ASCII only, with a line end."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def _check_depth(text: str) -> None:
    # Counted before parsing, because the parser itself recurses. A string that is never closed counts as
    # one that ends with the text, which keeps the search linear on hostile input.
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise WireError(f"is nested deeper than {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError("gives the same key twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise WireError(f"holds {name}, which is not JSON")
