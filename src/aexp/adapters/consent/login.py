"""Decisions over a Unix socket of the login node, which the requester's node cannot reach.

The petitions and the approvals are in the daemon's memory. A file in ``approved/`` does not count: it is
removed, and what to do instead is told. Rejections by file count as everywhere.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from aexp.adapters.consent import grant_talk
from aexp.adapters.consent.markers import MarkedDecisions
from aexp.adapters.consent.socket_files import Peer
from aexp.adapters.consent.socket_server import DecisionServer
from aexp.domain import layout, wire
from aexp.domain.consent import Mode
from aexp.domain.decision_book import DecisionBook
from aexp.domain.decisions import MAX_ANSWER_BYTES, REFUSED, Question, failure
from aexp.domain.errors import RelayStorageError
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.consent import Granting, Verdicts
from aexp.ports.storage import QueueStorage

logger = logging.getLogger("aexp.relay")

_DECIDES = ("approve", "reject", "grant", "revoke")


class SocketDecisions(MarkedDecisions):
    """See the module.

    ``collect`` hears and answers whoever is at the socket, also when nothing waits: call it in every
    turn of the loop. It never waits for anybody.

    Args:
        folders: where the socket may lie, the best first.
        name: the socket's name; see :func:`~aexp.adapters.consent.socket_files.socket_name`.
        host: this machine, as people call it.
        flag: what ``aexp relay approve`` needs to reach this queue, such as ``" --queue /x"``.
    """

    def __init__(
        self,
        storage: QueueStorage,
        folders: Sequence[Path],
        name: str,
        clock: Clock,
        host: str,
        flag: str = "",
    ) -> None:
        super().__init__(storage)
        self._clock = clock
        self._host = host
        self._flag = flag
        self._book = DecisionBook()
        self._told: set[str] = set()
        self._granting: Granting | None = None
        self._server = DecisionServer(folders, name, clock, self._answer)

    @property
    def mode(self) -> Mode:
        return Mode.LOGIN

    @property
    def where(self) -> Path | None:
        """The socket's path, None while there is none."""
        return self._server.where

    @property
    def trouble(self) -> str | None:
        """Why nobody can approve at the moment; None when all is well."""
        return self._server.trouble

    def open(self) -> None:
        """Listen now, or say why that cannot be. Otherwise ``collect`` does it, and tries again.

        Raises:
            SettingsError: no folder for the socket can be used.
            RelayBusyError: another process listens in its place.
        """
        self._server.open()

    def hears_grants(self, granting: Granting) -> bool:
        self._granting = granting
        return True

    def park(self, petition: Petition) -> bool:
        marked = super().park(petition)
        self._told.discard(petition.request_id)
        return self._book.park(petition, self._clock.wall()) or marked

    def resume(self, petition: Petition, since: float) -> None:
        super().resume(petition, since)
        self._book.park(petition, since)

    def collect(self, waiting: Collection[str], *, files: bool = True) -> Verdicts:
        self._server.turn()
        approved = self._book.approved(waiting, self._clock.monotonic())
        rejected = self._book.rejected(waiting)
        if not files or not waiting:
            return Verdicts(approved, rejected)
        by_file = {one: why for one, why in self._rejected(waiting).items() if one in self._book}
        return Verdicts(approved, by_file | rejected, self._bare_markers(waiting))

    def settle(self, request_id: str) -> None:
        self._book.settle(request_id)
        self._told.discard(request_id)
        super().settle(request_id)

    def descriptors(self) -> Sequence[int]:
        return self._server.descriptors()

    def close(self) -> None:
        self._server.close()

    def _answer(self, line: bytes, peer: Peer) -> bytes:
        try:
            question = Question.from_bytes(line)
        except wire.WireError as exc:
            what = visible(f"The message {exc}.", limit=300, ascii_only=True)
            return wire.encode(failure(REFUSED, what, "Use `aexp relay approve`."))
        told = self._told_of(question, peer)
        if question.verb in _DECIDES:
            shown = visible(question.request_id, limit=64, ascii_only=True) or "-"
            outcome = "heard" if told["ok"] else "refused"
            logger.info("%s decision-%s verb=%s by=%d", shown, outcome, question.verb, peer.pid)
        answer = wire.encode(told)
        if len(answer) > MAX_ANSWER_BYTES:
            what = "What it would send is too long to be shown, so nobody can approve it."
            return wire.encode(failure(REFUSED, what, "Reject it, and ask for less at once."))
        return answer

    def _told_of(self, question: Question, peer: Peer) -> dict[str, Any]:
        if question.verb not in grant_talk.VERBS:
            how = f"the socket of {self._host}, process {peer.pid}"
            return self._book.answer(question, how, self._clock.monotonic())
        if self._granting is None:
            return failure(
                REFUSED, "No grants are given here.", "Is the daemon just being started?"
            )
        return grant_talk.answer(self._granting, question, f"process {peer.pid} on {self._host}")

    def _bare_markers(self, waiting: Collection[str]) -> dict[str, str]:
        """Remove the markers that do not count; what to tell of those that were not told of yet."""
        found = {}
        try:
            for request_id in self._marked(waiting):
                if request_id not in self._book:
                    continue
                if request_id not in self._told:
                    self._told.add(request_id)
                    found[request_id] = self._explained(request_id)
                self._forget(f"{layout.APPROVED}/{request_id}")
        except RelayStorageError as exc:
            # They have no say, so nothing that was done to them may hold up what has.
            logger.warning("- markers-untidy error=%r", str(exc))
        return found

    def _explained(self, request_id: str) -> str:
        return (
            "a file in approved/ does not count: on the login node "
            f"{self._host} run `aexp relay approve {request_id[:8]}{self._flag}`"
        )
