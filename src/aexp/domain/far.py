"""What a client elsewhere may see and do in a queue, and how it can fail: the rules of both ends."""

from collections.abc import Iterable
from enum import StrEnum

from aexp.domain import layout
from aexp.domain.identity import ProcessId, is_request_id
from aexp.domain.layout import Token, request_of, withdrawn_in

MAX_NAMES = 200_000
"""Entries of one folder that are told at most."""
MAX_FOLDERS = 8
MAX_WAIT_S = 20.0
"""Seconds that one wait takes at most: the other end is heard of that often."""
SCHEME = "ssh://"
_MEMORY = "memory://"


class Broken(StrEnum):
    """Why the login node could not be spoken to."""

    NO_SSH = "no-ssh"  # there is no ssh program here
    UNREACHABLE = "unreachable"  # the host has no address, or does not answer
    FAILED = "failed"  # ssh itself ended with an error that we do not know
    HOST_KEY = "host-key"  # the host is not known, or is another one than before
    KEY = "key"  # the host does not take any of our keys
    NOT_FOUND = "not-found"  # there is no aexp over there
    VERSION = "version"  # the aexp over there speaks another protocol, or is too old for any
    NOISE = "noise"  # something else than a gate speaks
    REFUSED = "refused"  # the gate, or the key's own command, lets this not through
    DROPPED = "dropped"  # it was there and has gone
    SILENT = "silent"  # it is there and does not answer


FINAL = frozenset(Broken) - {
    *(Broken.UNREACHABLE, Broken.FAILED, Broken.DROPPED, Broken.SILENT),
}
"""What does not mend by itself: trying again is of no use before a person has done something."""

_TOP = (layout.HEARTBEAT, layout.VISITS, layout.DESTINATIONS)


def may_list(folder: str) -> bool:
    """Whether a client may know what is in a folder."""
    return folder in _SHOWN


def shown(folder: str, entries: Iterable[str]) -> list[str]:
    """The entries of a folder that a client may know of."""
    fits = _SHOWN[folder]
    return [entry for entry in entries if fits(entry)]


def may_read(name: str) -> bool:
    """Whether a client may read what is there."""
    folder, _, entry = name.rpartition("/")
    return folder in _READ and _SHOWN[folder](entry)


def is_far(url: str) -> bool:
    """Whether the URL of a queue leads to another machine, on which requests work and people decide."""
    return url[: len(SCHEME)].lower() == SCHEME


def is_private(url: str) -> bool:
    """Whether the URL of a queue leads to one in the memory of a process, which no other one sees."""
    return url[: len(_MEMORY)].lower() == _MEMORY


def queue_there(url: str) -> str:
    """The queue on that machine as the URL names it; empty for the one that is set there."""
    from urllib.parse import parse_qs

    # Not by urlsplit: to it a # ends the URL, and to ssh:// it is a character of a folder.
    return parse_qs(url.partition("?")[2]).get("queue", [""])[0]


def _is_request(entry: str) -> bool:
    return request_of(entry) is not None


def _is_token(entry: str) -> bool:
    return _is_request(entry) or Token.parse(entry) is not None


def _is_withdrawn(entry: str) -> bool:
    return len(entry) <= 200 and withdrawn_in(entry) is not None


def _is_log(entry: str) -> bool:
    stem, dot, ending = entry.partition(".")
    return bool(dot) and ending == "txt" and is_request_id(stem)


def _is_daemon(entry: str) -> bool:
    return ProcessId.parse(layout.daemon_of(entry) or "") is not None


_SHOWN = {
    "": _TOP.__contains__,
    layout.INBOX: _is_request,
    layout.PENDING: _is_request,
    layout.PROCESSING: _is_token,
    layout.OUTBOX: _is_request,
    layout.REPLIED: is_request_id,
    layout.WAITING: is_request_id,
    layout.LOG: _is_log,
    layout.STALE: _is_withdrawn,
    layout.DAEMONS: _is_daemon,
}
"""Folder to what of it a client may know of; nothing of any other."""
_READ = frozenset(_SHOWN) - {layout.STALE}
