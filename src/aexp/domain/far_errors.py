"""Errors of the gate as they travel, and as the client raises them: a few classes, in harmless words."""

from collections.abc import Mapping
from typing import Any

from aexp.domain import errors
from aexp.domain.errors import AexpError, RelayError, RelayStorageError, RelayValidationError
from aexp.domain.text import visible

_PLAIN: tuple[type[RelayError], ...] = (
    errors.StorageMissingError,
    errors.StorageUnfitError,
    errors.StorageFullError,
    errors.RelayRejectedError,
    errors.RelayNotFoundError,
    errors.RelayAnswerError,
    errors.RelayDownError,
    errors.RelayStorageError,
)
"""The classes that travel, the narrow ones first; another one arrives as the last that it is one of."""
_BY_NAME = {kind.__name__: kind for kind in _PLAIN}
_CHARS = 2000


def told(error: AexpError) -> dict[str, Any]:
    """The error as an answer's head holds it."""
    if isinstance(error, RelayValidationError):
        parts = (error.field, error.problem, error.allowed, error.hint)
        keys = ("field", "problem", "allowed", "do")
        fields = {key: part[:_CHARS] for key, part in zip(keys, parts, strict=True)}
        return {"class": "RelayValidationError", **fields}
    kind = next((kind for kind in _PLAIN if isinstance(error, kind)), RelayStorageError)
    return {"class": kind.__name__, "what": error.what[:_CHARS], "hint": error.hint[:_CHARS]}


def raised(found: Mapping[str, Any], request_id: str | None = None) -> RelayError:
    """The error that an answer's head holds, whatever it holds."""
    if found.get("class") == "RelayValidationError":
        field, problem, allowed = (_text(found, key) for key in ("field", "problem", "allowed"))
        return RelayValidationError(field, problem, allowed, request_id, _text(found, "do"))
    kind = _BY_NAME.get(_text(found, "class"), RelayStorageError)
    what = _text(found, "what") or "The login node reports an error that it does not describe."
    return kind(what, _text(found, "hint"), request_id)


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return visible(value, limit=_CHARS) if isinstance(value, str) else ""
