"""What a file of settings sets, and what is wrong with the rest of it."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aexp.domain.configuration import KEYS, Key
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

_BY_NAME = {key.name: key for key in KEYS}
_SECTIONS = {key.name.partition(".")[0] for key in KEYS}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one place of a file, and what to do."""

    what: str
    hint: str


def read_file(body: object, *, of_repository: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The values by setting that a parsed file holds, and what is wrong with the rest of it.

    Args:
        body: what the file holds; nothing in it is trusted.
        of_repository: whether it is a repository's file, which may not set policy.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in _leaves(body, problems):
        key = _BY_NAME.get(name)
        if key is None:
            problems.append(_unknown(name))
        elif key.policy and of_repository:
            problems.append(_policy(key))
        else:
            kind = key.kind_in(of_repository=of_repository)
            try:
                values[key.setting] = kind.of_file(value)
            except SettingsError as exc:
                problems.append(Problem(f"{name}: {exc.what}", exc.hint))
            except ValueError:
                told = f"{name} cannot be {_shown(value)}."
                quotes = "Write it without quotes. " if _is_quoted(key, value) else ""
                problems.append(Problem(told, f"{quotes}Allowed: {kind.allowed}."))
    return values, problems


def _leaves(body: object, problems: list[Problem]) -> Iterator[tuple[str, object]]:
    """The names with dots and the values of a file's two levels."""
    if body is None:
        return
    if not isinstance(body, dict):
        problems.append(Problem("It holds no settings.", f"Begin with {_begin()}"))
        return
    for section, held in body.items():
        if section not in _SECTIONS:
            problems.append(_unknown(_named(section)))
        elif held is not None and not isinstance(held, dict):
            told = f"{section} is {_shown(held)}, and no section."
            problems.append(Problem(told, f"Write its settings below it: {_begin()}"))
        else:
            yield from (
                (f"{section}.{_named(name)}", value) for name, value in (held or {}).items()
            )


def _begin() -> str:
    return "`relay:` or `sandbox:` and a line such as `  default_timeout: 120` below."


def _unknown(name: str) -> Problem:
    # Under a wrong section, or none, the last part says what was meant.
    tails = {key.partition(".")[2]: key for key in _BY_NAME}
    last = name[:80].rpartition(".")[2]
    names = [*_BY_NAME, *(_SECTIONS if "." not in name else ())]
    near = [tails[last]] if last in tails else difflib.get_close_matches(name[:80], names, n=1)
    near = near or [tails[tail] for tail in difflib.get_close_matches(last, tails, n=1)]
    meant = f"Did you mean {near[0]}? " if near else ""
    return Problem(
        f"{visible(name, limit=80)} is no setting.",
        f"{meant}`aexp config show` lists the settings that there are.",
    )


def _policy(key: Key) -> Problem:
    return Problem(
        f"{key.name} is policy of the login node, which a repository's file cannot set.",
        "Move it to your own file; `aexp config show` says where that is.",
    )


def _is_quoted(key: Key, value: object) -> bool:
    """Whether it would do if it were no text."""
    if not isinstance(value, str) or key.kind.schema.get("type") not in ("number", "integer"):
        return False
    try:
        key.kind.read(value)
    except (ValueError, TypeError):
        return False
    return True


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true (which is what YAML reads in yes and on)" if value else "false (or no, or off)"
    try:
        return visible(repr(value), limit=80)
    except ValueError:  # Python does not write numbers of thousands of digits.
        return "a number of that many digits"


def _named(key: object) -> str:
    return key if isinstance(key, str) else _shown(key)
