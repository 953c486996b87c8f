"""A request that was submitted: ask how it stands, wait for it, stop it, pick it up elsewhere."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

from aexp.airgapped.hints import approve_hint, approve_place, approve_where
from aexp.airgapped.interrupted import noting
from aexp.airgapped.outcome import error_of, result_of
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.waiting import AnswerWait
from aexp.domain.consent import CANCELLED, FINAL, State
from aexp.domain.errors import RelayError, RelayStorageError
from aexp.domain.layout import REPLIED
from aexp.domain.requests import RelayResult, Response
from aexp.domain.text import capital
from aexp.ports.clock import Clock


class RelayHandle:
    """One request. Handles hold no resources; any number of them may exist for a request.

    Attributes:
        id: the request's id; with it ``client.handle(id)`` picks the request up in any process.
        visited_s: for one just submitted where no daemon stays: seconds since one last looked in; else None.
    """

    def __init__(
        self,
        request_id: str,
        queue: RelayQueue,
        clock: Clock,
        default_timeout: float,
        *,
        is_new: bool = False,
        near: bool = False,
        visited_s: float | None = None,
    ) -> None:
        self.id = request_id
        self.visited_s = visited_s
        self._is_new = is_new
        self._near = near
        self._queue = queue
        self._clock = clock
        self._default_timeout = default_timeout
        self._answer: Response | None = None
        self._picks_up = f"Only the waiting ended: client.handle({request_id!r}) picks it up again."

    def __repr__(self) -> str:
        return f"RelayHandle({self.id!r})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from aexp.domain.notebook import request_bundle

        try:
            facts = {"state": self.state.value}
        except RelayError as exc:
            facts = {"state": "not known", "because": exc.what}
        return request_bundle(self.id, facts)

    @property
    def state(self) -> State:
        """Where the request stands now.

        Raises:
            RelayNotFoundError: the queue knows nothing of it.
            RelayStorageError: the queue cannot be read.
        """
        return self._answer.final_state if self._answer else self._queue.state(self.id)

    def done(self) -> bool:
        """Whether the answer is there."""
        return self._look() is not None

    def result(
        self,
        timeout: float | None = None,
        *,
        on_state: Callable[[State], None] | None = None,
        on_said: Callable[[str], None] | None = None,
    ) -> RelayResult:
        """Wait for the answer.

        Args:
            timeout: seconds to wait; the client's ``default_timeout`` when None.
            on_state: called about once a second with how the request stands, also where that is not news;
                without it, a log warning says when a person's consent is waited for.
            on_said: called with what the daemon says to whoever waits (why an approval did not count);
                without it, that is a log warning as well.

        Raises:
            RelayTimeoutError: no answer in time. The request goes on; ask again later.
            RelayDownError: no daemon serves the queue.
            RelayNotFoundError: the queue knows nothing of the request (any more).
            RelayError: the operation did not run to its end; the class says why.
        """
        if self._answer is None:
            self._answer = self._wait(timeout, on_state or self._warn_once(), on_said)
        return result_of(self._answer)

    def follow(
        self,
        timeout: float | None = None,
        *,
        on_state: Callable[[State], None] | None = None,
        on_said: Callable[[str], None] | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> Iterator[str]:
        """The operation's output as it is produced, line by line and from its beginning on.

        Ends when the answer is there; then :meth:`result` returns at once. Where there is no result, what
        :meth:`result` raises is raised after the last line: who only follows learns of it too. The text is
        what the program wrote, control characters included; of a line that it wrote over with carriage
        returns, only the last state is given.

        Args:
            timeout, on_state, on_said: as for :meth:`result`; the time begins with this call.
            on_progress: called with the line that has not ended yet, as it stands now, each time it has
                changed; with an empty text once there is none.

        Raises:
            RelayTimeoutError, RelayDownError, RelayNotFoundError: while it is read, as :meth:`result` does.
            RelayError: after the last line, the operation did not run to its end; the class says why.
        """
        from aexp.airgapped.following import Following

        wait = self._new_wait(timeout, on_state or self._warn_once(), on_said)
        following = Following(self._queue.storage, self.id, self._clock, on_progress)
        return self._to_its_end(following.until_answered(wait, self._answer, self._keep))

    def exception(self, timeout: float | None = None) -> RelayError | None:
        """Wait like :meth:`result`, and return its error instead of raising it; None when there is none.

        Raises:
            RelayTimeoutError: no answer in time.
            RelayDownError: no daemon serves the queue.
        """
        if self._answer is None:
            self._answer = self._wait(timeout, self._warn_once())
        return error_of(self._answer)

    def cancel(self) -> bool:
        """Stop the request.

        Returns:
            True when it will never run. False when a daemon has it already: it was asked to end it,
            and :meth:`result` tells what came of that; or when it is answered already.
        """
        if self._look() is not None:
            return False
        if self._queue.withdraw(self.id, CANCELLED):
            return True
        if self._queue.state(self.id) in FINAL:
            return False
        self._queue.ask_to_stop(self.id)
        # It may have come to wait for a person just now, and its daemon may have looked for our wish before.
        return self._queue.withdraw(self.id, CANCELLED)

    def __await__(self) -> Generator[Any, None, RelayResult]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> RelayResult:
        import asyncio

        stands: list[State] = []
        said: list[str] = []
        warn = self._warn_once()
        wait = self._new_wait(None, stands.append, said.append)
        with noting(self._picks_up, asyncio.CancelledError):
            while self._answer is None:
                self._answer = await asyncio.to_thread(wait.look)
                # Said here and not by the thread that looks: a notebook shows it with the cell that waits.
                while stands:
                    warn(stands.pop(0))
                while said:
                    _warn(said.pop(0))
                if self._answer is None:
                    await asyncio.sleep(wait.pause_s())
        return result_of(self._answer)

    def _wait(
        self,
        timeout: float | None,
        on_state: Callable[[State], None],
        on_said: Callable[[str], None] | None = None,
    ) -> Response:
        wait = self._new_wait(timeout, on_state, on_said)
        moved = False
        with noting(self._picks_up):
            while (answer := wait.look(moved=moved)) is None:
                moved = wait.let_pass((REPLIED,), wait.pause_s())
        return answer

    def _new_wait(
        self,
        timeout: float | None,
        on_state: Callable[[State], None] | None,
        on_said: Callable[[str], None] | None = None,
    ) -> AnswerWait:
        patience = self._default_timeout if timeout is None else timeout
        is_new, self._is_new = self._is_new, False
        return AnswerWait(
            self._queue,
            self.id,
            self._clock,
            patience,
            on_state,
            on_said or _warn,
            is_new=is_new,
            near=self._near,
        )

    def _warn_once(self) -> Callable[[State], None]:
        told: set[State] = set()

        def warn(state: State) -> None:
            if state is State.PENDING and state not in told:
                how, where = approve_hint(self.id, self._queue.storage.url), self._approve_where()
                _warn(f"The request waits for consent. {capital(where)}: {how}")
            told.add(state)

        return warn

    def _approve_where(self) -> str:
        # What the storage says against it is met by the wait itself, and told if it lasts.
        with suppress(RelayStorageError):
            return approve_place(self._queue.storage, self.id)
        return approve_where(None, self._queue.storage.url)

    def _to_its_end(self, lines: Iterator[str]) -> Iterator[str]:
        yield from lines
        # The answer is there by now.
        self.result()

    def _keep(self, answer: Response) -> None:
        self._answer = answer

    def _look(self) -> Response | None:
        if self._answer is None:
            self._answer = self._queue.answer(self.id)
        return self._answer


def _warn(said: str) -> None:
    import logging

    logging.getLogger("aexp.airgapped").warning("%s", said)
