"""What an ``ssh://`` URL says: the host, as ssh knows it, the working copy, and what runs over there."""

import os
import re
import shlex
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from aexp.adapters.storage.url_options import url_options
from aexp.domain.errors import SettingsError
from aexp.domain.remote_urls import redacted_url
from aexp.domain.text import visible

LOOKS_LIKE = (
    "ssh://[user@]host[:port]/~/repository, with ?queue=PATH or ?aexp=PATH where it needs them"
)
PROGRAM = "aexp"
MAX_CHARS = 2048

# Nothing that ssh is given may begin with a dash, or hold what its own settings would put something in for.
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.+@\\-]{0,127}"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}|\[[0-9A-Fa-f:.]{2,45}\]"
_PLACE = re.compile(
    rf"(?:({_USER})@)?({_HOST})(?::(\d{{1,5}}))?(/[^?]*)?(?:\?(.*))?", re.ASCII | re.DOTALL
)
_KEYS = ("queue", "aexp")


@dataclass(frozen=True)
class Address:
    """Where a queue on another machine is.

    Attributes:
        host: a name of the user's ssh settings, or of the network.
        user, port: None where ssh's own settings say it.
        folder: the working copy over there, from ``/`` or ``~/`` on; None where the URL names none.
        queue: the queue over there; None for the one that is set there.
        program: what runs over there.
    """

    host: str
    user: str | None = None
    port: int | None = None
    folder: str | None = None
    queue: str | None = None
    program: str = PROGRAM

    @property
    def url(self) -> str:
        """The URL, spelt in one way."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        folder = "/" + quote(self.folder, safe="/~") if self.folder else ""
        folder = folder.removeprefix("/") if folder.startswith("//") else folder
        keys = {"queue": self.queue, "aexp": None if self.program == PROGRAM else self.program}
        said = "&".join(f"{key}={quote(value, safe='/~:')}" for key, value in keys.items() if value)
        return f"ssh://{user}{self._bracketed}{port}{folder}{'?' if said else ''}{said}"

    @property
    def destination(self) -> list[str]:
        """The words of ssh's command line that say where to, and the end of its options."""
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*user, *port, "--", self.host]

    @property
    def command(self) -> str:
        """What the login shell over there is to run; a forced command does not care."""
        queue = f" --queue {_for_shell(self.queue)}" if self.queue else ""
        return f"{_for_shell(self.program)} relay exec{queue}"

    @property
    def named(self) -> str:
        """How a person would type where to log in."""
        user = f"{self.user}@" if self.user else ""
        return f"{'-p ' + str(self.port) + ' ' if self.port else ''}{user}{self.host}"

    def serving(self, queue: str) -> "Address":
        """The same place, once the gate has said which queue it stands before; empty for its usual one."""
        return replace(self, queue=queue or None)

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def read_address(location: str) -> Address:
    """The address in what follows ``ssh://``.

    Raises:
        SettingsError: it is none; says what one looks like.
    """
    found = _PLACE.fullmatch(location) if len(location) <= MAX_CHARS else None
    if found is None or not location.isprintable():
        raise _unfit(location, "it is not one that ssh could be given")
    user, host, port, path, query = found.groups()
    if port is not None and not 0 < int(port) < 65536:
        raise _unfit(location, f"there is no port {port}")
    twice = _unfit(location, "it says one thing twice")
    given = url_options(query or "", "ssh", _KEYS, twice, looks=f" Write {LOOKS_LIKE}.")
    if not unquote(path or "").isprintable():
        raise _unfit(location, "its folder is no path")
    return Address(
        host.strip("[]"),
        user,
        None if port is None else int(port),
        _folder(unquote(path or "")),
        _path(location, given, "queue"),
        _path(location, given, "aexp") or PROGRAM,
    )


def folder_named(given: str | None, folder: str | None) -> str:
    """What a folder that a person names here is called over there.

    Args:
        folder: the one in the URL; without one the home, in which nothing may work, stands for it.
    """
    folder = folder or "~"
    if given is None:
        return folder
    # A shell has put this machine's home in for ~ before we see it; what was meant is the one over there.
    home = os.path.expanduser("~").rstrip("/")
    if home and f"{given}/".startswith(f"{home}/"):
        given = f"~{given[len(home) :]}"
    if given.startswith(("/", "~")):
        return given
    return f"{folder.rstrip('/')}/{given}"


def _folder(path: str) -> str | None:
    if path in ("", "/"):
        return None
    return path[1:] if f"{path}/".startswith("/~/") else path


def _path(location: str, given: dict[str, str], key: str) -> str | None:
    value = given.get(key)
    if value is not None and (not value or value.startswith("-") or not value.isprintable()):
        raise _unfit(location, f"its {key} is no path")
    return value


def _for_shell(path: str) -> str:
    """The path quoted for a shell that still puts the home in for ``~/``."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


def _unfit(location: str, why: str) -> SettingsError:
    shown = visible(redacted_url(f"ssh://{location}"), limit=126)
    return SettingsError(
        f"The queue {shown} cannot be reached: {why}.",
        f"Write {LOOKS_LIKE}.",
    )
