"""Waiting for an answer without holding a thread: look, tell what is new, let time pass, look again.

What ends it early (a client that cancels, or goes away) ends the waiting alone; the request goes on.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import anyio.to_thread

from aexp.airgapped.following import Following
from aexp.airgapped.waiting import AnswerWait
from aexp.cli.mcp.harmless import line
from aexp.cli.mcp.relay import Relay
from aexp.domain.consent import State
from aexp.domain.errors import RelayTimeoutError
from aexp.domain.requests import Response
from aexp.domain.text import age

MOST_S = 300.0
"""Seconds that one call may wait; a longer wait is several calls."""
ALIVE_EVERY_S = 5.0
"""Seconds without news after which a client is told that it is waited on: some give up without."""
LINES_AT_ONCE = 20
"""Lines of output that are told at one look; of more, the last ones."""

Tell = Callable[[str], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class Watch:
    """One wait for one answer.

    Args:
        wait_s: for how long.
        tell: called with lines of output as they come, and with how the request stands.
        is_new: whether it was submitted a moment ago.
        for_people: whether to go on while a person's consent is waited for.
    """

    def __init__(
        self,
        relay: Relay,
        request_id: str,
        wait_s: float,
        tell: Tell,
        sleep: Sleep,
        *,
        is_new: bool = False,
        for_people: bool = True,
    ) -> None:
        queue, clock = relay.queue, relay.clock
        self._wait = AnswerWait(
            queue, request_id, clock, wait_s, self._stands, self._notes, is_new=is_new
        )
        self._following = Following(queue.storage, request_id, clock)
        self._clock = clock
        self._began = self._told_at = clock.monotonic()
        self._tell = tell
        self._sleep = sleep
        self._for_people = for_people
        self._state: State | None = None
        self._news: deque[str] = deque(maxlen=LINES_AT_ONCE)
        self._left_out = 0

    async def answer(self) -> Response | None:
        """The answer, or None when there was none in time.

        Raises:
            RelayDownError: no daemon serves the queue.
            RelayNotFoundError: the queue knows nothing of the request.
            RelayStorageError: the queue cannot be read.
        """
        while True:
            try:
                answer = await anyio.to_thread.run_sync(self._look)
            except RelayTimeoutError:
                await self._tell_news()
                return None
            await self._tell_news()
            if answer is not None or (self._wait.pending and not self._for_people):
                return answer
            await self._sleep(self._wait.pause_s())

    def _look(self) -> Response | None:
        answer = self._wait.look()
        if answer is None:
            for one in self._following.news(self._wait):
                self._notes(one)
        return answer

    def _stands(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._notes(_WORDS.get(state, state.value))

    def _notes(self, said: str) -> None:
        # Of a flood the end alone is kept: it may be the whole of a large log.
        self._left_out += len(self._news) == LINES_AT_ONCE
        self._news.append(said)

    async def _tell_news(self) -> None:
        news, left_out = [*self._news], self._left_out
        self._news.clear()
        self._left_out = 0
        now = self._clock.monotonic()
        if not news and now - self._told_at >= ALIVE_EVERY_S and self._state is not None:
            news = [f"{_WORDS.get(self._state, self._state.value)}, {age(now - self._began)}"]
        if left_out:
            news.insert(0, f"[{left_out} lines more: relay_log]")
        for one in news:
            self._told_at = now
            await self._tell(line(one))


_WORDS = {
    State.RECEIVED: "waits for the daemon",
    State.PENDING: "waits for a person's consent",
    State.APPROVED: "waits for its turn",
    State.RUNNING: "runs",
}
