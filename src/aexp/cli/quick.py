"""The short way for what is used most: read in its plainest spelling, without importing click.

What is read here has one meaning only: a verb, its options written out, each at most once, each with its
value behind it, and the remote and the branch of a push in their places. All the rest (help,
``--option=value``, ``-bmain``, a mistake) is left to click.
"""

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aexp.cli.exits import INTERRUPTED, exit_code
from aexp.cli.terminal import echo, show_error
from aexp.domain.errors import AexpError

_LOOK = {"queue": None, "as_json": False}
_SERVE = {
    **{"queue": None, "log": None, "once": False, "standby": False},
    **{"notify": None, "notify_hook": None},
}
_RUN = {
    **{**_LOOK, "cwd": None, "timeout": None, "no_wait": False},
    **{"quiet": False, "verbose": False},
}
VERBS: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        "status": ("", _LOOK),
        "serve": ("", _SERVE),
        "exec": ("", {"queue": None, "up": False}),
        "pull": ("git_pull", _RUN),
        "push": ("git_push", {**_RUN, "branch": "HEAD", "remote": "origin"}),
        "fetch": ("git_fetch", _RUN),
        "git-status": ("git_status", _RUN),
        "rebase": ("git_rebase", _RUN),
        "wandb-sync": ("wandb_sync", _RUN),
    }
)
"""Verb to its operation, and to its options with their defaults; one that is False takes no value."""
IN_TERMINALS = frozenset({"serve", "exec"})
"""Verbs that take over the process, and are of no use in a notebook."""
_PLACES = MappingProxyType({"push": ("remote", "branch")})
"""Verb to the options that may be given by their place alone, as git takes them."""
SPELT = MappingProxyType(
    {
        **{"--queue": "queue", "--json": "as_json", "--cwd": "cwd", "-C": "cwd"},
        **{"--timeout": "timeout", "--no-wait": "no_wait"},
        **{"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose"},
        "--up": "up",
        **{"--log": "log", "--once": "once", "--standby": "standby"},
        **{"--notify": "notify", "--notify-hook": "notify_hook"},
        **{"--branch": "branch", "-b": "branch", "--remote": "remote"},
    }
)
"""Each spelling of an option, and its name."""


def quick(words: Sequence[str]) -> bool:
    """Run what follows ``aexp relay``, and end as :class:`~aexp.cli.groups.RootGroup` would.

    Returns:
        False when it is left to click, and nothing was done.
    """
    options = read(words)
    if options is None:
        return False
    try:
        _run(words[0], options)
    except AexpError as error:
        show_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        echo(err=True)
        sys.exit(INTERRUPTED)
    return True


def read(words: Sequence[str]) -> dict[str, Any] | None:
    """The verb's options with their values, as click would have them; None when it is left to click."""
    if not words or words[0] not in VERBS:
        return None
    options = dict(VERBS[words[0]][1])
    given: set[str] = set()
    rest = iter(words[1:])
    places = iter(_PLACES.get(words[0], ()))
    for word in rest:
        placed = "" if word.startswith("-") else next(places, "")
        name = placed or SPELT.get(word, "")
        if name not in options or name in given:
            return None
        given.add(name)
        is_flag = options[name] is False
        value = True if is_flag else _value(name, word if placed else next(rest, "-"))
        if value is None:
            return None
        options[name] = value
    # Both at once are a mistake, which click tells.
    return None if {"quiet", "verbose"} <= given else options


def operation(verb: str, options: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The operation that a verb runs, and its arguments among the options of the verb."""
    args = [options["remote"], options["branch"]] if verb == "push" else []
    return VERBS[verb][0], args


def _value(name: str, word: str) -> str | float | None:
    """What an option's value says; None for one that only click can judge."""
    if word.startswith("-"):
        return None
    if name != "timeout":
        return word
    digits = word.replace(".", "", 1)
    return float(word) if digits.isascii() and digits.isdigit() else None


def _run(verb: str, options: dict[str, Any]) -> None:
    if verb == "status":
        from aexp.cli.standing import show_status

        show_status(**options)
        return
    if verb == "serve":
        from aexp.cli.serving import run_daemon

        run_daemon(**options)
        return
    if verb == "exec":
        from aexp.cli.gate import serve_client

        serve_client(**options)
        return
    from aexp.cli.running import run

    op, args = operation(verb, options)
    run(op, args, **{name: options[name] for name in _RUN})
