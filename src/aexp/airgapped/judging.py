"""What is judged before a request is sent: whether it may be, and whether anybody will take it up."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from aexp.airgapped import defaults
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import RelayDownError, RelayValidationError
from aexp.domain.text import visible
from aexp.domain.validation import CWD_DO, CwdPolicy, ValidRequest, validate_request
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.storage import QueueStorage


class RequestJudge:
    """Holds the rules against a request: those of this machine, or of the one where it is to run.

    Args:
        names: the open top-level names under the home, as they are set here.
    """

    def __init__(self, storage: QueueStorage, filesystem: Filesystem, names: str) -> None:
        self._storage = storage
        self._filesystem = filesystem
        self._names = names

    @cached_property
    def _policy(self) -> CwdPolicy:
        """What the daemon will hold against a request; it asks again itself, so this need not be fresh."""
        names = defaults.cwd_names(self._names)
        return defaults.cwd_policy(self._filesystem, self._storage.folder, names)

    def validated(self, op: str, args: Sequence[str] | None, cwd: str) -> ValidRequest:
        """What the rules make of it.

        Raises:
            RelayValidationError: they do not allow it, or the folder does not exist.
            RelayConnectionError: the machine where it is to run cannot be asked.
        """
        if isinstance(args, str):
            raise RelayValidationError("args", "is text, not a list", "a list of text")
        payload = {"op": op, "args": list(args or ()), "cwd": cwd}
        if self._storage.far is not None:
            return self._storage.far.checked(payload)
        return valid_here(payload, self._policy)


def valid_here(payload: Mapping[str, Any], policy: CwdPolicy) -> ValidRequest:
    """What the closed list and this machine's rules make of a request, whose folder must exist.

    Raises:
        RelayValidationError: they do not allow it, or the folder does not exist.
        FilesystemError: the folder cannot be looked at.
    """
    valid = validate_request(payload, policy)
    if policy.kind(str(valid.cwd)) is None:
        shown = visible(str(valid.cwd))
        raise RelayValidationError("cwd", f"'{shown}' does not exist", do=CWD_DO)
    return valid


class Served(NamedTuple):
    """Who will take up what is submitted now.

    Attributes:
        alive: whether the daemon that beat last runs on this machine; None when that is not known.
        visited_s: seconds since one looked in that does not stay; None where one stays.
    """

    alive: bool | None
    visited_s: float | None


def require_served(queue: RelayQueue, clock: Clock, hint: Callable[[str], str]) -> Served:
    """Make sure that somebody serves the queue, or looks in now and then.

    Args:
        hint: gives how to get a daemon for the queue with this URL.

    Raises:
        RelayDownError: nobody does; nothing was sent.
        RelayStorageError: the queue cannot be read.
    """
    beat = queue.beat()
    alive = None if beat is None else queue.is_alive(beat)
    if beat is not None and alive is not False:
        return Served(alive, None)
    from aexp.airgapped.visits import last_visit_s

    visited_s = last_visit_s(queue.storage, clock)
    if visited_s is None:
        url = queue.storage.url
        raise RelayDownError(f"No daemon serves {url}; nothing was sent.", hint(url))
    return Served(alive, visited_s)
