"""What the server's errors mean for a person, and what to do about them."""

import redis.exceptions as they

from aexp.domain.errors import (
    RelayStorageError,
    StorageForbiddenError,
    StorageFullError,
    StorageUnfitError,
)
from aexp.domain.text import visible

_REMEDIES: dict[str, tuple[type[RelayStorageError], str, str]] = {
    "OOM": (
        StorageFullError,
        "its memory is used up",
        "Have its maxmemory raised, or remove what is old: see docs/redis.md, sizing.",
    ),
    "MISCONF": (
        StorageFullError,
        "it cannot write its own disk, and takes nothing in",
        "Free space on the server's disk; its log says which file could not be written.",
    ),
    "READONLY": (
        RelayStorageError,
        "it is a replica, which takes nothing in",
        "Name the primary in the queue's URL.",
    ),
    "LOADING": (
        RelayStorageError,
        "it is starting and still reads its data",
        "Try again in a moment.",
    ),
    "NOAUTH": (
        RelayStorageError,
        "it wants a user and a password",
        "Set AEXP_RELAY_REDIS_USER, and AEXP_RELAY_REDIS_PASSWORD_FILE to a file with the password.",
    ),
    "WRONGPASS": (
        RelayStorageError,
        "it does not take this user and password",
        "Check AEXP_RELAY_REDIS_USER (or the URL's user) and the password; the user may be off.",
    ),
    "NOPERM": (
        StorageForbiddenError,
        "it does not let this user do that",
        "Use the user that may (AEXP_RELAY_REDIS_USER), or have the ACL of docs/redis.md set.",
    ),
    "WRONGTYPE": (
        StorageUnfitError,
        "somebody has put something else there",
        "Remove that key; a queue holds sets and strings only.",
    ),
    "BUSY": (
        RelayStorageError,
        "somebody's script keeps it from all else",
        "Have `SCRIPT KILL` typed on it; its SLOWLOG says whose script it was.",
    ),
    "MOVED": (
        RelayStorageError,
        "it is one node of a cluster and keeps this queue on another",
        "Name a server that is none of a cluster: see docs/redis.md.",
    ),
    "NOREPLICAS": (
        RelayStorageError,
        "too few replicas follow it",
        "Look at its min-replicas-to-write, and whether its replicas run.",
    ),
}
_CODES = {
    they.OutOfMemoryError: "OOM",
    they.ReadOnlyError: "READONLY",
    they.BusyLoadingError: "LOADING",
    they.NoPermissionError: "NOPERM",
    they.AuthenticationWrongNumberOfArgsError: "WRONGPASS",
    they.MovedError: "MOVED",
}
_AWAY = (
    "Check that it runs, host and port, and whether it speaks TLS there (rediss://) or not "
    "(redis://); then try again."
)
_AWAY_ON_SOCKET = "Check that it runs on this machine, and where its socket is; then try again."
_OLD = "Redis 7.0 or Valkey 7.2 is needed, or newer."


def is_passing(exc: BaseException) -> bool:
    """Whether the same may well succeed in a moment: the server is away, or just starting."""
    if isinstance(exc, they.AuthenticationError | they.AuthorizationError):
        return False
    return isinstance(exc, they.ConnectionError | they.TimeoutError) and not _bad_certificate(exc)


def translated(exc: they.RedisError, server: str, done: str) -> RelayStorageError:
    """The error of ours.

    Args:
        server: who was asked.
        done: what could not be done, such as ``inbox/x could not be read``.
    """
    code = code_of(exc)
    if code in _REMEDIES:
        kind, why, hint = _REMEDIES[code]
        return kind(f"{done}: the server {server} says that {why} ({code}).", hint)
    said = visible(str(exc), limit=200)
    if _bad_certificate(exc):
        return RelayStorageError(
            f"{done}: the certificate of {server} is not good ({said}).",
            "Name the file of the authority that signed it with ca= in the queue's URL; "
            "the URL's host must be in the certificate.",
        )
    if is_passing(exc):
        return RelayStorageError(
            f"{done}: the server {server} cannot be reached ({said}).",
            _AWAY_ON_SOCKET if server.startswith("/") else _AWAY,
        )
    hint = _OLD if "script flags" in said or "unknown command" in said.lower() else ""
    return RelayStorageError(
        f"{done}: the server {server} answered: {said}.", hint or "See the server's log."
    )


def code_of(exc: BaseException) -> str:
    """The word by which the server tells errors apart, such as ``OOM``; empty for none."""
    for kind, code in _CODES.items():
        if isinstance(exc, kind):
            return code
    first = str(exc).split(" ", 1)[0]
    if isinstance(exc, they.AuthenticationError):
        return "NOAUTH" if "required" in str(exc) else "WRONGPASS"
    return first if first.isupper() else ""


def _bad_certificate(exc: BaseException) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(exc)
