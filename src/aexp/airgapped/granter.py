"""A person's grants: see what one would allow, give exactly that, take it back; on the login node alone."""

import shlex
from collections.abc import Callable
from typing import TypeVar

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.kept_grants import KeptGrants
from aexp.airgapped.places import beat_to_ask, out_of_reach
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.waiting_notes import noted_mode
from aexp.domain.consent import Mode
from aexp.domain.errors import (
    RelayBusyError,
    RelayDownError,
    RelayNotFoundError,
    RelayRejectedError,
)
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.grants import checked_span
from aexp.domain.text import visible
from aexp.ports.approval import DecisionLine
from aexp.ports.processes import Processes

T = TypeVar("T")
_WHY = {
    Mode.FILE: "takes approvals from files in the queue, which whoever writes it can forge",
    Mode.SIGNED: "takes signed approvals of one request each, from files that could be left there again",
    Mode.ACL: "takes approvals of one request each, which its storage lets only approvers write",
}


class Granter:
    """The person's side of grants.

    Args:
        line: to a daemon on this machine.
        kept: what an earlier one kept on it, asked for when none answers; None for nothing.

    Attributes:
        served: whether the last answer was a daemon's, and not what is kept while none stands here.

    Raises:
        RelayDownError: no daemon can be asked here; the text says where one can, or why none can.
        RelayRejectedError: the daemon refused, or gives no grants in its mode.
    """

    def __init__(
        self,
        queue: RelayQueue,
        processes: Processes,
        line: DecisionLine,
        kept: Callable[[], KeptGrants | None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._processes = processes
        self._line = line
        self._find_kept = kept
        self.served = True

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

        While no daemon stands here (see :attr:`served`): what would count if one started.

        Raises:
            RelayDownError, RelayRejectedError: see the class; also when nothing is kept here.
        """
        return self._asked("grants", self._line.grants, KeptGrants.live)

    def rest(self) -> list[GrantLine]:
        """What is still granted after the last answer, from whoever gave it; as :meth:`grants`."""
        kept = None if self.served else self._kept()
        return self.grants() if kept is None else kept.live()

    def revoke(self, prefix: str) -> GrantLine:
        """Take the one grant back whose id begins so. What runs under it goes on.

        Raises:
            RelayNotFoundError: no grant, or more than one, has an id that begins so.
            RelayBusyError: a daemon began to serve meanwhile, and may have taken it over.
            RelayDownError, RelayRejectedError: see the class.
            RelayStorageError: what is kept here cannot be changed.
        """
        return self._asked(
            "revoke", lambda: self._line.revoke(prefix), lambda kept: self._unkept(kept, prefix)
        )

    def _asked(
        self, command: str, ask: Callable[[], T], alone: Callable[[KeptGrants], T] | None = None
    ) -> T:
        try:
            answer = ask()
        except RelayDownError as exc:
            kept = self._kept() if alone is not None else None
            if alone is None or kept is None or not kept.live():
                raise self._explained(command, exc) from exc
            self.served = False
            return alone(kept)
        self.served = True
        return answer

    def _kept(self) -> KeptGrants | None:
        """What is kept on this machine, if no daemon stands here."""
        kept = self._find_kept()
        return kept if kept is not None and kept.is_ours else None

    def _unkept(self, kept: KeptGrants, prefix: str) -> GrantLine:
        gone = kept.revoke(prefix)
        # A daemon that started in this moment may have read it before. It listens before it reads.
        try:
            return self._line.revoke(gone.id)
        except RelayNotFoundError:
            return gone
        except RelayDownError as exc:
            if kept.is_ours:
                return gone
            raise RelayBusyError(
                f"A daemon began to serve while grant {gone.short} was taken back, and may still have it.",
                f"Look: aexp relay grants{queue_flag(self._queue.storage.url)}",
            ) from exc

    def _explained(self, command: str, down: RelayDownError) -> RelayDownError | RelayRejectedError:
        beat = beat_to_ask(self._queue, self._processes)
        mode = None if beat is None else noted_mode(beat.facts.get("consent"))
        why = _WHY.get(mode) if mode is not None else None
        if why is not None:
            return RelayRejectedError(
                f"No grants are given here: the daemon {why}.",
                f"Start it anew: aexp relay restart{queue_flag(self._queue.storage.url)} -- --consent login; "
                "or approve requests one by one: aexp relay approve.",
            )
        typed = f"aexp relay {command}{queue_flag(self._queue.storage.url)}"
        return out_of_reach(self._queue, self._processes, "Grants are given", typed, down)
