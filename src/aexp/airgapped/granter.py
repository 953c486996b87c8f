"""A person's grants: see what one would allow, give exactly that, take it back; on the login node alone."""

import shlex
from collections.abc import Callable
from typing import TypeVar

from aexp.airgapped.approval import noted_mode
from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.places import out_of_reach
from aexp.airgapped.queue import RelayQueue
from aexp.domain.consent import Mode
from aexp.domain.errors import RelayDownError, RelayRejectedError
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.grants import checked_span
from aexp.domain.text import visible
from aexp.ports.approval import DecisionLine
from aexp.ports.processes import Processes

T = TypeVar("T")
_WHY = {
    Mode.FILE: "takes approvals from files in the queue, which whoever writes it can forge",
    Mode.SIGNED: "takes signed approvals of one request each, from files that could be left there again",
}


class Granter:
    """The person's side of grants.

    Args:
        line: to a daemon on this machine.

    Raises:
        RelayDownError: no daemon can be asked here; the text says where one can, or why none can.
        RelayRejectedError: the daemon refused, or gives no grants in its mode.
    """

    def __init__(self, queue: RelayQueue, processes: Processes, line: DecisionLine) -> None:
        self._queue = queue
        self._processes = processes
        self._line = line

    def grant_preview(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        """What a grant would allow; nothing is granted. It can be given once, within five minutes.

        Args:
            op: an operation of :data:`~aexp.domain.operations.GRANTABLE`.
            cwd: an absolute path of a folder.
            seconds: how long it would last from now, 24 hours at most.

        Raises:
            RelayDownError, RelayRejectedError: see the class.
            SettingsError: a grant may not last so long.
        """
        checked_span(seconds)
        # A command to paste names the whole folder or none, and nothing in it acts on the shell.
        folder = shlex.quote(cwd) if visible(cwd, limit=len(cwd), ascii_only=True) == cwd else "DIR"
        typed = f"grant {op} --cwd {folder} --for {seconds:.0f}s"
        return self._asked(typed, lambda: self._line.offer(op, cwd, seconds))

    def grant(self, shown: GrantOffer, *, keep: bool = False) -> GrantLine:
        """Grant what was shown; waiting requests that it covers run at once.

        Args:
            keep: whether it outlives the daemon.

        Raises:
            RelayDownError, RelayRejectedError: see the class.
        """
        # The digest is worked out from what was shown, whatever the daemon says that it is.
        return self._asked("grant", lambda: self._line.grant(shown.digest, keep=keep))

    def grants(self) -> list[GrantLine]:
        """What is granted now, the one that ends first at the head.

        Raises:
            RelayDownError, RelayRejectedError: see the class.
        """
        return self._asked("grants", self._line.grants)

    def revoke(self, prefix: str) -> GrantLine:
        """Take the one grant back whose id begins so. What runs under it goes on.

        Raises:
            RelayNotFoundError: no grant, or more than one, has an id that begins so.
            RelayDownError, RelayRejectedError: see the class.
        """
        return self._asked("revoke", lambda: self._line.revoke(prefix))

    def _asked(self, command: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except RelayDownError as exc:
            raise self._explained(command, exc) from exc

    def _explained(self, command: str, down: RelayDownError) -> RelayDownError | RelayRejectedError:
        beat = self._queue.beat()
        mode = None if beat is None else noted_mode(beat.facts.get("consent"))
        why = _WHY.get(mode) if mode is not None else None
        if why is not None:
            return RelayRejectedError(
                f"No grants are given here: the daemon {why}.",
                f"Start it with --consent login: aexp relay serve{queue_flag(self._queue.storage.url)}; "
                "or approve requests one by one: aexp relay approve.",
            )
        typed = f"aexp relay {command}{queue_flag(self._queue.storage.url)}"
        return out_of_reach(self._queue, self._processes, "Grants are given", typed, down)
