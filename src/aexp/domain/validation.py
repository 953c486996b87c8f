"""Is this request one that the closed list allows, for a folder that it may work in?

The daemon asks this of every file that it finds, whatever the client said before; the client asks it
first, so that a mistake is an error at once and not a round trip later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from aexp.domain.errors import AexpError, RelayValidationError
from aexp.domain.operations import ALLOWED, MAX_ARG_CHARS, MAX_ARGS, OpSpec
from aexp.domain.requests import MAX_MOMENT_S, Request
from aexp.domain.text import visible

MAX_CWD_BYTES = 4096
MAX_TTL_S = 7 * 86400.0
MAX_ECHO = 64
KEYS = frozenset(field.name for field in fields(Request))
CWD_DO = "cd into your repository, or give -C DIR."
FAR_CWD_DO = "Name a folder of the login node: in the queue's URL, or with -C '~/repository'."
_CWD_ALLOWED = "an absolute path (or one that begins with ~/) of a folder below the home"


class ValidRequest(NamedTuple):
    """What may be run: an operation of the closed list, its arguments, and a resolved folder."""

    op: str
    args: list[str]
    cwd: Path


@dataclass(frozen=True)
class CwdPolicy:
    """Where operations may work.

    Attributes:
        home: the resolved home; a folder must lie strictly below it.
        resolve: makes a path absolute and follows its links (see the filesystem port).
        kind: what stands at a path (see the filesystem port).
        queue: the queue's own folder, where nothing may work; None for a queue without one.
        names: when not empty, the top-level names under the home that are open to requests.
    """

    home: str
    resolve: Callable[[str], str]
    kind: Callable[[str], str | None]
    queue: str | None = None
    names: frozenset[str] = frozenset()


def validate_request(payload: object, policy: CwdPolicy) -> ValidRequest:
    """The operation, arguments and folder of a payload that keeps every rule.

    Raises:
        RelayValidationError: names the field, what is wrong with it and what is allowed.
    """
    body = _object(payload)
    spec, args = validate_operation(body.get("op"), body.get("args", []))
    _extras(body)
    return ValidRequest(spec.name, args, _folder(body.get("cwd"), policy))


def validate_operation(op: object, args: object) -> tuple[OpSpec, list[str]]:
    """The operation and its arguments, wherever it is to run.

    Raises:
        RelayValidationError: names the field, what is wrong with it and what is allowed.
    """
    spec = _operation(op)
    return spec, _arguments(spec, args)


def validate_place(op: str, cwd: str, policy: CwdPolicy) -> tuple[OpSpec, Path]:
    """The operation and the resolved folder of requests that may be made there, whatever their arguments.

    Raises:
        RelayValidationError: names the field, what is wrong with it and what is allowed.
    """
    return _operation(op), _folder(cwd, policy)


def _object(payload: object) -> Mapping[str, Any]:
    if not isinstance(payload, Mapping):
        raise RelayValidationError(
            "payload", f"is {_kind_of(payload)}", "an object with op, args and cwd"
        )
    unknown = [key for key in payload if not isinstance(key, str) or key not in KEYS]
    if unknown:
        named = ", ".join(visible(str(key), limit=32) for key in unknown[:4])
        raise RelayValidationError(
            "payload", f"has unknown keys ({named})", ", ".join(sorted(KEYS))
        )
    return payload


def _operation(value: object) -> OpSpec:
    allowed = ", ".join(ALLOWED)
    if not isinstance(value, str):
        raise RelayValidationError("op", f"is {_kind_of(value)}, not a name", allowed)
    spec = ALLOWED.get(value)
    if spec is None:
        import difflib

        near = difflib.get_close_matches(value[:64], ALLOWED, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise RelayValidationError("op", f"is unknown: '{_echo(value)}'{meant}", allowed)
    return spec


def _echo(value: str) -> str:
    """What a request said, in 64 characters at most, also where one of its own takes ten to spell."""
    shown = visible(value, limit=MAX_ECHO)
    return shown if len(shown) <= MAX_ECHO else f"{shown[: MAX_ECHO - 1]}…"


def _arguments(spec: OpSpec, value: object) -> list[str]:
    wanted = _wanted(spec)
    if not isinstance(value, list | tuple):
        raise RelayValidationError("args", f"is {_kind_of(value)}, not a list", wanted)
    if len(value) > MAX_ARGS:
        raise RelayValidationError("args", f"has {len(value)} items", f"at most {MAX_ARGS}")
    for position, item in enumerate(value):
        _plain(f"args[{position}]", item)
    needed = len(spec.parameters)
    if len(value) < needed or (len(value) > needed and spec.more is None):
        items = "1 item" if len(value) == 1 else f"{len(value)} items"
        raise RelayValidationError("args", f"has {items}", f"{spec.name} with {wanted}")
    for position, item in enumerate(value):
        parameter = spec.parameters[position] if position < needed else spec.more
        if parameter is not None and not parameter.accepts(item):
            shown = _echo(item)
            raise RelayValidationError(
                f"args[{position}] ({parameter.name})", f"is '{shown}'", parameter.allowed
            )
    return list(value)


def _wanted(spec: OpSpec) -> str:
    named = [f"<{parameter.name}>" for parameter in spec.parameters]
    if spec.more is not None:
        named.append(f"any number of <{spec.more.name}>")
    return ", ".join(named) or "no arguments"


def _plain(where: str, item: object) -> None:
    if not isinstance(item, str):
        raise RelayValidationError(where, f"is {_kind_of(item)}", "text")
    if len(item) > MAX_ARG_CHARS:
        raise RelayValidationError(where, f"has {len(item)} characters", f"at most {MAX_ARG_CHARS}")
    if item.startswith("-"):
        raise RelayValidationError(
            where, f"begins with '-': '{_echo(item)}'", "no options, only plain names"
        )


def _extras(body: Mapping[str, Any]) -> None:
    submitted = body.get("submitted_at")
    if isinstance(submitted, bool) or not isinstance(submitted, str | int | float | None):
        raise RelayValidationError("submitted_at", f"is {_kind_of(submitted)}", "a time")
    if isinstance(submitted, str) and not (len(submitted) <= 64 and submitted.isprintable()):
        raise RelayValidationError("submitted_at", "is not a date", "at most 64 characters")
    if isinstance(submitted, int | float) and not abs(submitted) < MAX_MOMENT_S:
        raise RelayValidationError(
            "submitted_at", "is no date on any calendar", "seconds since 1970"
        )
    client = body.get("client")
    named = isinstance(client, str) and 0 < len(client) <= 120 and client.isprintable()
    if client is not None and not named:
        raise RelayValidationError("client", "is not a name", "at most 120 printable characters")
    ttl = body.get("ttl_s")
    if ttl is not None and (
        isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= MAX_TTL_S
    ):
        raise RelayValidationError(
            "ttl_s", "is not a span of time", f"0 to {MAX_TTL_S:.0f} seconds"
        )
    coalesce = body.get("coalesce")
    if not isinstance(coalesce, bool | None):
        raise RelayValidationError("coalesce", f"is {_kind_of(coalesce)}", "true or false")


def _folder(value: object, policy: CwdPolicy) -> Path:
    if not isinstance(value, str):
        raise RelayValidationError("cwd", f"is {_kind_of(value)}, not a path", _CWD_ALLOWED)
    shown = visible(value, limit=128)
    if not value.isprintable() or len(value.encode("utf-8", "replace")) > MAX_CWD_BYTES:
        raise RelayValidationError(
            "cwd", f"is not a printable path: '{shown}'", f"at most {MAX_CWD_BYTES} bytes of text"
        )
    path = policy.home + value[1:] if value.startswith("~/") else value
    if not path.startswith("/"):
        raise RelayValidationError("cwd", f"is not absolute: '{shown}'", _CWD_ALLOWED)
    try:
        real = Path(policy.resolve(path))
        kind = policy.kind(str(real))
    except AexpError as exc:
        raise RelayValidationError("cwd", f"cannot be resolved ({exc.what})", do=CWD_DO) from exc
    _placed(real, shown, policy)
    if kind not in (None, "directory"):
        raise RelayValidationError("cwd", f"is not a folder: '{shown}'", do=CWD_DO)
    return real


def _placed(real: Path, shown: str, policy: CwdPolicy) -> None:
    home = Path(policy.home)
    if real == home:
        raise RelayValidationError("cwd", "is the home itself", do=CWD_DO)
    if not real.is_relative_to(home):
        problem = f"'{shown}' does not lie below the home {policy.home}"
        raise RelayValidationError("cwd", problem, do=CWD_DO)
    below = real.relative_to(home).parts
    if ".git" in below:
        raise RelayValidationError("cwd", f"'{shown}' lies inside a .git folder", do=CWD_DO)
    if policy.queue is not None and real.is_relative_to(policy.queue):
        raise RelayValidationError("cwd", f"'{shown}' lies inside the queue", do=CWD_DO)
    top = below[0]
    if policy.names and top not in policy.names:
        listed = ", ".join(f"~/{name}" for name in sorted(policy.names))
        raise RelayValidationError(
            "cwd",
            f"'{shown}' lies in ~/{visible(top, limit=64)}, which is not open to requests",
            f"{listed} (AEXP_RELAY_CWD_NAMES on the login node)",
        )


def _kind_of(value: object) -> str:
    if value is None:
        return "missing"
    return {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        tuple: "a list",
        dict: "an object",
    }.get(type(value), "of another kind")


def working_copy(cwd: Path, home: Path, exists: Callable[[str], bool]) -> Path:
    """The root of the working copy that ``cwd`` lies in: what may run one operation at a time.

    The nearest folder upwards that holds ``.git`` (a folder, or a file in a worktree), below the
    home; ``cwd`` itself where there is none.
    """
    for folder in (cwd, *cwd.parents):
        if folder == home or home not in folder.parents:
            break
        if exists(str(folder / ".git")):
            return folder
    return cwd
