"""The queue as a client sees it: leave a request, find the answer, withdraw, ask to stop.

The daemon's moves are in :mod:`aexp.airgapped.tokens`; the layout is drawn in :mod:`aexp.domain.layout`.
"""

from functools import cached_property

from aexp.airgapped.beats import Beat, latest, own_beats
from aexp.airgapped.presence import is_there
from aexp.domain import layout, wire
from aexp.domain.consent import State
from aexp.domain.errors import (
    RelayNotFoundError,
    RelayStorageError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.domain.identity import ProcessId, is_request_id
from aexp.domain.requests import MAX_ANSWER_BYTES, Request, Response
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

_LOOKS = 3


class RelayQueue:
    """One queue, seen by one process.

    Args:
        storage: where the queue is.
        processes: who this process is, and whether a daemon on this machine lives.
        clock: for the dates of answers.
    """

    def __init__(self, storage: QueueStorage, processes: Processes, clock: Clock) -> None:
        self.storage = storage
        self._processes = processes
        self._clock = clock
        self._marks: bool | None = None

    @cached_property
    def me(self) -> str:
        """The name of this process."""
        return str(self._processes.me)

    def submit(self, request_id: str, request: Request) -> None:
        """Leave the request for the daemon. Durable on return, where the operation is.

        Raises:
            StorageFullError: there is no room for it; nothing will run.
            RelayStorageError: the storage failed; whether the request arrived is not known.
        """
        from aexp.domain.operations import ALLOWED

        durable = ALLOWED[request.op].durable
        body = request.to_bytes()
        # False means that the name was taken: by a first try of ours whose reply was lost. Ids are
        # random, so nobody else's request can be there.
        self.storage.put_new(layout.inbox(request_id), body, durable=durable, follow=True)

    def new_answer(self, request_id: str) -> Response | None:
        """The answer, if it came within the last minutes: one look at a small folder.

        A daemon of the original kind leaves no mark for it; then this is :meth:`answer`.
        """
        if self._marks is None:
            self.beat()
        if not self._marks:
            return self.read_answer(request_id)
        if not self.is_marked(request_id):
            return None
        return self.read_answer(request_id, listed=True)

    def answer_here(self, request_id: str) -> Response | None:
        """The same by its name, without a listing: right after something was moved on this machine."""
        try:
            self.storage.read(layout.replied(request_id), limit=1)
        except StorageMissingError:
            return None
        except StorageUnfitError:
            return self.new_answer(request_id)
        return self.read_answer(request_id, listed=True)

    def answer(self, request_id: str) -> Response | None:
        """The answer, once there is one, however old."""
        found = self.locate(request_id)
        return found if isinstance(found, Response) else None

    def locate(self, request_id: str) -> Response | State | None:
        """One look everywhere: the answer, or where the open request stands; None when neither is seen."""
        marked = self.is_marked(request_id)
        answer = self.read_answer(request_id, listed=True) if marked else None
        if answer is not None:
            return answer
        state = self._open_state(request_id)
        if state is not None or marked:
            return state
        return self.read_answer(request_id)

    def read_answer(self, request_id: str, *, listed: bool = False) -> Response | None:
        """The answer in the outbox.

        Args:
            listed: whether it is known to be there.
        """
        # Listed before it is opened: asking for a name too early can hide it for half a minute. A mark
        # is as good as a listing, because it is made after the answer.
        if not listed and not self._has(layout.outbox(request_id)):
            return None
        try:
            data = self.storage.read(layout.outbox(request_id), limit=MAX_ANSWER_BYTES + 1)
            return Response.from_bytes(data, request_id)
        except StorageMissingError:
            return None

    def beat(self) -> Beat | None:
        """The serving daemon's last beat, None when there is none.

        Where several serve, the last one of any of them that is not known to be gone.
        """
        beat = self._common_beat()
        if not self.storage.shared or not (beat is None or self.is_gone(beat)):
            return beat
        # One that has ended, or died here, wrote last; another may serve all the same.
        return latest(self.own_beats()) or beat

    def own_beats(self) -> list[Beat]:
        """Where several serve, each daemon's own last beat, unless it is known to be gone; else nothing."""
        if not self.storage.shared:
            return []
        beats = own_beats(self.storage)
        return [beat for beat in beats if not self.is_gone(beat)]

    def _common_beat(self) -> Beat | None:
        if not self._has(layout.HEARTBEAT):
            return None
        try:
            raw = self.storage.read(layout.HEARTBEAT, limit=wire.MAX_BYTES)
        except (StorageMissingError, StorageUnfitError):
            return None
        beat = Beat.of(raw)
        self._marks = "proto" in beat.facts
        return beat

    def is_gone(self, beat: Beat) -> bool:
        """Whether the daemon that beat ran on this machine and does no more."""
        return self.is_alive(beat) is False

    def is_alive(self, beat: Beat) -> bool | None:
        """Whether the daemon that beat runs; None when that was on another machine."""
        process = ProcessId.parse(beat.daemon)
        if process is None:
            return None
        far = self.storage.far
        return self._processes.alive(process) if far is None else far.alive(str(process))

    def is_marked(self, request_id: str) -> bool:
        """Whether the answer's mark is there; the answer itself may come in sight a little later."""
        return self._has(layout.replied(request_id))

    def is_pending(self, request_id: str) -> bool:
        """Whether the request waits for consent."""
        return self._has(layout.pending(request_id))

    def is_still_pending(self, request_id: str) -> bool:
        """The same for one that was seen there: ten thousand others may wait beside it."""
        return is_there(self.storage, layout.pending(request_id))

    def state(self, request_id: str) -> State:
        """Where the request stands now.

        Raises:
            RelayNotFoundError: the queue knows nothing of it (any more).
            RelayStorageError: the queue cannot be read, or its last change is not in sight here yet.
        """
        # The token may move on while we look; it only moves forward, so a few looks find it.
        for _ in range(_LOOKS):
            found = self.locate(request_id)
            if found is not None:
                return found.final_state if isinstance(found, Response) else found
        if self.is_marked(request_id):
            raise RelayStorageError(
                f"The answer to {request_id} is there but cannot be opened on this node yet.",
                "Try again in a moment.",
                request_id,
            )
        raise RelayNotFoundError(
            f"There is no request {request_id} in {self.storage.url}.",
            "See `aexp relay ls`; answers are kept for 7 days.",
            request_id,
        )

    def _open_state(self, request_id: str) -> State | None:
        if self._has(layout.inbox(request_id)):
            return State.RECEIVED
        if self.is_pending(request_id):
            return State.PENDING
        entries = self.storage.list(layout.PROCESSING)
        if f"{request_id}.json" in entries:
            return State.RUNNING  # under a daemon of the original kind
        stages = [
            token.stage for token in layout.tokens_in(entries) if token.request_id == request_id
        ]
        if not stages:
            # Taken back a moment ago: the answer that says so is about to come.
            gone = map(layout.withdrawn_in, self.storage.list(layout.STALE))
            return State.CANCELLED if request_id in gone else None
        return State.RUNNING if "run" in stages else State.APPROVED

    def _has(self, name: str) -> bool:
        """Whether a name is there: by listing its folder where asking too early hides it for a while."""
        if self.storage.profile.one_truth:
            return is_there(self.storage, name)
        folder, _, entry = name.rpartition("/")
        return entry in self.storage.list(folder)

    def withdraw(self, request_id: str, why: str) -> bool:
        """Take the request back before it starts.

        Returns:
            True when it will never run; the queue then holds the answer "cancelled".
        """
        if self.storage.far is not None:
            return self.storage.far.withdraw(request_id, pending=True)
        if self.withdraw_unclaimed(request_id, why):
            return True
        return self._withdraw_from(layout.pending(request_id), request_id, why)

    def withdraw_unclaimed(self, request_id: str, why: str) -> bool:
        """The same for a request that no daemon has seen; one that waits for consent is left alone."""
        if self.storage.far is not None:
            return self.storage.far.withdraw(request_id, pending=False)
        return self._withdraw_from(layout.inbox(request_id), request_id, why)

    def _withdraw_from(self, name: str, request_id: str, why: str) -> bool:
        from aexp.airgapped.withdrawn import say_withdrawn

        gone = layout.cancelled(request_id, self.me)
        if not self.storage.take(name, gone):
            return False
        me, now = self.me, self._clock.wall()
        say_withdrawn(self.storage, request_id, gone, why, writer=me, wall=now)
        return True

    def ask_to_stop(self, request_id: str) -> None:
        """Ask the daemon that owns the request to end it."""
        self.storage.put(f"{layout.CANCEL}/{request_id}", f"{self.me}\n".encode())

    def find(self, prefix: str) -> str:
        """The one request whose id begins with ``prefix``; a whole id is taken as it is.

        Raises:
            RelayNotFoundError: none, or more than one.
        """
        from aexp.domain.prefixes import the_one

        return prefix if is_request_id(prefix) else the_one(prefix, self.known_ids())

    def known_ids(self) -> list[str]:
        """The ids of all requests in the queue, answered or not."""
        tokens = layout.tokens_in(self.storage.list(layout.PROCESSING))
        ids = {token.request_id for token in tokens}
        for folder in (layout.INBOX, layout.PENDING, layout.OUTBOX):
            ids.update(layout.requests_in(self.storage.list(folder)))
        return sorted(ids)
