"""What a client elsewhere may do: submit what the closed list allows, take it back, ask for its end.

Nothing that it sends goes into the queue as it is. What is written is this side's own words for a request
that has passed every rule of this side, dated by this side's clock.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aexp.airgapped.asked import Asked, GateClosedError, GateRefusedError
from aexp.airgapped.hints import serve_hint
from aexp.airgapped.judging import require_served, valid_here
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout, wire
from aexp.domain.consent import CANCELLED, NOT_TAKEN_UP, State
from aexp.domain.errors import (
    FilesystemError,
    RelayNotFoundError,
    RelayStorageError,
    RelayValidationError,
)
from aexp.domain.frames import Frame
from aexp.domain.identity import ProcessId
from aexp.domain.requests import Request
from aexp.domain.validation import CwdPolicy, ValidRequest, validate_place
from aexp.ports.clock import Clock

T = TypeVar("T")

MAX_REQUESTS = 1000
"""Requests of one connection; a client connects again by itself."""
MAX_WAITING = 10_000
"""Requests that no daemon has taken up yet, beyond which none is taken in."""
MAX_KEPT = 100_000
"""Answers that are kept, beyond which no request is taken in: each stays for a week."""
COUNT_EVERY = 100
"""Requests of one connection between two looks at how many answers are kept."""
_ANY_OP = "git_status"


class Moves:
    """The verbs that change something, and those that ask whether they would.

    Args:
        address: where the client connects from, by sshd's word; empty where that is not known.
    """

    def __init__(self, queue: RelayQueue, policy: CwdPolicy, clock: Clock, address: str) -> None:
        self._queue = queue
        self._policy = policy
        self._clock = clock
        self._from = f" from {address}" if address else ""
        self._client: ProcessId | None = None
        self._submitted = 0

    @property
    def verbs(self) -> Mapping[str, Callable[[Asked, bytes], Frame]]:
        """What may be asked for, and who does it."""
        return {
            **{"place": self.place, "check": self.check, "submit": self.submit},
            **{"withdraw": self.withdraw, "stop": self.stop},
        }

    def place(self, asked: Asked, _: bytes) -> Frame:
        """The folder ``cwd`` with its links resolved."""
        cwd = asked.text("cwd")
        asked.end()
        return Frame(
            {"cwd": str(self._judged(lambda: validate_place(_ANY_OP, cwd, self._policy)[1]))}
        )

    def check(self, asked: Asked, _: bytes) -> Frame:
        """What the rules make of a request with ``op``, ``args`` and ``cwd``."""
        payload = {"op": asked.text("op", 64), "args": asked.texts("args", 64)}
        payload["cwd"] = asked.text("cwd")
        asked.end()
        valid = self._validated(payload)
        return Frame({"op": valid.op, "args": valid.args, "cwd": str(valid.cwd)})

    def submit(self, asked: Asked, body: bytes) -> Frame:
        """Leave the request of which the body speaks.

        With ``again`` it was asked for before and the answer was lost: nothing is done where it is known.
        """
        request_id, again = asked.request_id(), asked.flag("again")
        asked.end()
        request = self._request(body)
        if self._queue.locate(request_id) is not None:
            if again:
                return Frame({"known": True})
            # Ids are random. Taken back from the inbox, a second file would answer for the first.
            raise GateRefusedError(f"there is a request {request_id} already")
        self._refuse_too_many()
        require_served(self._queue, self._clock, serve_hint)
        self._queue.submit(request_id, request)
        self._submitted += 1
        return Frame({"known": False})

    def withdraw(self, asked: Asked, _: bytes) -> Frame:
        """Take the request ``id`` back before it starts; with ``pending`` also one that waits for consent."""
        request_id, pending = asked.request_id(), asked.flag("pending")
        asked.end()
        if pending:
            return Frame({"withdrawn": self._queue.withdraw(request_id, CANCELLED)})
        return Frame({"withdrawn": self._queue.withdraw_unclaimed(request_id, NOT_TAKEN_UP)})

    def stop(self, asked: Asked, _: bytes) -> Frame:
        """Ask the daemon to end the request ``id``."""
        request_id = asked.request_id()
        asked.end()
        if not isinstance(self._queue.locate(request_id), State):
            raise RelayNotFoundError(
                f"No open request {request_id} is in the queue.", "See `aexp relay ls`.", request_id
            )
        self._queue.ask_to_stop(request_id)
        return Frame({})

    def _request(self, body: bytes) -> Request:
        try:
            payload = wire.decode(body)
        except wire.WireError as exc:
            raise RelayValidationError("payload", str(exc), "one JSON object") from exc
        valid = self._validated(payload)
        client = self._asker(payload.get("client"))
        return Request(
            op=valid.op,
            args=tuple(valid.args),
            cwd=str(valid.cwd),
            # By this clock: the client's may be far off, and a request that looks old expires.
            submitted_at=self._clock.wall(),
            client=f"{client.node[:40]} pid {client.pid} over ssh{self._from}"[:120],
            ttl_s=payload.get("ttl_s"),
            coalesce=payload.get("coalesce"),
        )

    def _asker(self, named: object) -> ProcessId:
        """The process that asks, by its own word: one connection has one."""
        client = ProcessId.parse(named) if isinstance(named, str) else None
        if client is None:
            raise GateRefusedError("a request says which process asks")
        first = self._client = self._client or client
        if (client.host, client.pid, client.start) != (first.host, first.pid, first.start):
            raise GateRefusedError("the request is of another process than those before it")
        return client

    def _validated(self, payload: dict[str, Any]) -> ValidRequest:
        return self._judged(lambda: valid_here(payload, self._policy))

    @staticmethod
    def _judged(judge: Callable[[], T]) -> T:
        try:
            return judge()
        except FilesystemError as exc:
            raise RelayValidationError("cwd", f"cannot be used ({exc.what})", do=exc.hint) from exc

    def _refuse_too_many(self) -> None:
        if self._submitted >= MAX_REQUESTS:
            raise GateClosedError("Enough was submitted in one connection; connect again.")
        if len(self._queue.storage.list(layout.INBOX)) >= MAX_WAITING:
            raise GateRefusedError("too many requests wait for the daemon already")
        if self._submitted % COUNT_EVERY == 0:
            self._refuse_too_much()

    def _refuse_too_much(self) -> None:
        if len(self._queue.storage.list(layout.OUTBOX)) >= MAX_KEPT:
            raise RelayStorageError(
                f"The queue keeps {MAX_KEPT} answers of the last week already.",
                "They go after 7 days; on the login node outbox/ in the queue can be emptied sooner.",
            )
