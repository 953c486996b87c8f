"""How a daemon is started again: what it is called, and the command line that starts it."""

import hashlib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NAME = "aexp-relay"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_STARTS = (("relay", "serve"), ("aexp.airgapped", "daemon"))
CONSENT = "AEXP_RELAY_CONSENT"
PREFIX = "AEXP_RELAY_"
"""What the names of all the relay's settings begin with; nothing else of an environment is remembered."""
_OF_SERVERS = "AEXP_RELAY_REDIS_"
_LEFT_OUT = ("AEXP_RELAY_QUEUE", "AEXP_RELAY_REDIS_PASSWORD")
"""The queue stands on the command line, and a password is written down nowhere."""


@dataclass(frozen=True)
class Setup:
    """How a daemon was set up, as far as that may be written down and shown: no credentials.

    Attributes:
        settings: the relay's own variables in its environment.
        options: what ``aexp relay serve`` was given, without the queue.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """All of it in one line; empty when there is nothing."""
        return " ".join([*self._before, *map(shlex.quote, self.options)])

    @property
    def _before(self) -> list[str]:
        return [f"{name}={shlex.quote(value)}" for name, value in sorted(self.settings.items())]

    def command(self, verb: str, flag: str) -> str:
        """What a person types to have it again.

        >>> Setup({"AEXP_RELAY_WANDB": "/a b/wandb"}, ("--strict",)).command("up", "")
        "AEXP_RELAY_WANDB='/a b/wandb' aexp relay up -- --strict"
        """
        after = ["--", *map(shlex.quote, self.options)] if self.options else []
        return " ".join([*self._before, f"aexp relay {verb}{flag}", *after])

    def fitting(self, url: str) -> "Setup":
        """Without the settings that mean nothing to a queue in files, such as a server's user.

        Args:
            url: the queue's URL or folder.
        """
        if "://" in url:
            return self
        kept = {k: said for k, said in self.settings.items() if not k.startswith(_OF_SERVERS)}
        return Setup(kept, self.options)

    def without(self, other: "Setup") -> "Setup":
        """What of it the other one says nothing about."""
        new = {name: said for name, said in self.settings.items() if name not in other.settings}
        return Setup(new, () if other.options else self.options)


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The relay's own variables in an environment, without the queue."""
    return {
        name: value
        for name, value in environ.items()
        if value and name.startswith(PREFIX) and name not in _LEFT_OUT
    }


def session_name(queue: str, *, default: bool) -> str:
    """What the terminal and the unit of a queue's daemon are called: another name for each queue.

    Args:
        queue: the queue's URL or folder.
        default: whether it is the default queue, which has the plain name.

    >>> session_name("/home/ada/my queue", default=False)
    'aexp-relay-my-queue-c97dbc'
    """
    if default:
        return NAME
    tail = _UNFIT.sub("-", os.path.basename(queue.rstrip("/"))).strip("-")[:24]
    digest = hashlib.sha256(os.fsencode(queue)).hexdigest()[:6]
    return "-".join(part for part in (NAME, tail, digest) if part)


def pending_option(session: str) -> str:
    """The option of a tmux server that says how much waits in a queue: one of its own for each queue.

    Args:
        session: what :func:`session_name` gave for the queue.

    >>> pending_option("aexp-relay-my-queue-c97dbc")
    '@aexp_pending-my-queue-c97dbc'
    """
    return f"@aexp_pending{session.removeprefix(NAME)}"


def serve_command(python: str, queue: str, options: Sequence[str]) -> tuple[str, ...]:
    """The command line of a daemon.

    Args:
        python: the absolute path of the interpreter that has aexp.
        queue: the queue's URL or folder.
        options: further words, as ``aexp relay serve`` takes them.
    """
    return (python, "-P", "-m", "aexp", "relay", "serve", "--queue", queue, *options)


def options_of(words: Sequence[str], environ: Mapping[str, str]) -> list[str] | None:
    """The options of a daemon that runs, without its queue; None when the words start none.

    Args:
        words: its command line.
        environ: its environment.
    """
    for start in _STARTS:
        for place in range(len(words) - 1):
            if tuple(words[place : place + 2]) == start:
                options = _without_queue(words[place + 2 :])
                original = start == _STARTS[1] and not environ.get(CONSENT)
                return [*options, "--consent", "file"] if original else options
    return None


def setup_of(words: Sequence[str], environ: Mapping[str, str]) -> Setup:
    """How a daemon that runs was set up; without options where its command line does not tell them.

    Args:
        words: its command line.
        environ: its environment.
    """
    options = options_of(words, environ) or []
    return Setup(settings_in(environ), tuple(word for word in options if word != "--once"))


def _without_queue(words: Sequence[str]) -> list[str]:
    kept = []
    rest = iter(words)
    for word in rest:
        if word == "--queue":
            next(rest, None)
        elif not word.startswith("--queue="):
            kept.append(word)
    return kept
