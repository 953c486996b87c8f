"""Waiting for an answer, as a series of looks: the caller decides how time passes between them."""

from collections.abc import Callable, Sequence

from aexp.airgapped.beats import Vigil
from aexp.airgapped.hints import approve_hint, approve_place, client_hint, show_hint, wait_hint
from aexp.airgapped.outage import Outage
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.consent import NOT_TAKEN_UP, State
from aexp.domain.errors import RelayDownError, RelayStorageError, RelayTimeoutError, SettingsError
from aexp.domain.polling import SHORT_S, client_wait, jittered, until_tick
from aexp.domain.requests import Response
from aexp.domain.text import age
from aexp.ports.clock import Clock

LIVENESS_EVERY_S = 1.0
LIVENESS_LATER_S = 5.0
FIRST_LIVENESS_S = 0.2
IMPATIENT_FOR_S = 45.0
"""Seconds of waiting after which a client looks less often at how things stand."""
SILENCE_S = 8.0
"""Seconds without a change of the beat that are worth telling."""
THOROUGH_EVERY_S = 15.0
THOROUGH_MOST_S = 240.0
"""Seconds between two looks that would also find an answer without a mark: twice as long each time."""


def patience(timeout: object) -> float:
    """Seconds that a caller wants to wait.

    Raises:
        SettingsError: it is not a number, or a negative one.
    """
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout >= 0:
        return float(timeout)
    raise SettingsError(f"The timeout {timeout!r} is not a number of seconds.", "Give 0 or more.")


class AnswerWait:
    """One caller's wait for one answer.

    Args:
        timeout_s: the caller's patience, in seconds.
        on_state: called about once a second with how the request stands, also where that is not news.
        on_said: called with what the daemon says to whoever waits, once each, and with a storage that fails.
        is_new: whether it was submitted a moment ago, so that the first look can be spared.
        near: whether the daemon is known to run on this machine.
    """

    def __init__(
        self,
        queue: RelayQueue,
        request_id: str,
        clock: Clock,
        timeout_s: float,
        on_state: Callable[[State], None] | None = None,
        on_said: Callable[[str], None] | None = None,
        *,
        is_new: bool = False,
        near: bool = False,
    ) -> None:
        self._queue = queue
        self._request_id = request_id
        self._clock = clock
        self._timeout_s = patience(timeout_s)
        self._on_state = on_state
        self._on_said = on_said
        self._outage = Outage(clock, on_said)
        self._said = ""
        self._began = clock.monotonic()
        self._liveness_due = self._began + FIRST_LIVENESS_S
        self._is_new = is_new
        self._near = near
        self._thorough_due = self._began + (THOROUGH_EVERY_S if is_new else 0.0)
        self._thorough_every = THOROUGH_EVERY_S
        self._vigil = Vigil(queue, clock)
        self._state: State | None = None
        self._told_second = -1
        self.pending = False

    def look(self, *, moved: bool = False) -> Response | None:
        """The answer if it has come.

        Args:
            moved: whether the request's own file was just seen to move on this machine.

        Raises:
            RelayDownError: no daemon serves the queue.
            RelayNotFoundError: the queue knows nothing of the request.
            RelayTimeoutError: the caller's patience is over; the request goes on.
            RelayStorageError: the same, and the storage failed at this last look.
        """
        if self._is_new:
            self._is_new = False
            return None
        began = self._clock.monotonic()
        try:
            found = self._look(moved)
        except RelayStorageError as exc:
            # A file server that fails now may be back at the next look, as long as there is one.
            if self._clock.monotonic() - self._began >= self._timeout_s:
                raise
            self._outage.failed(began, exc)
            return None
        self._outage.went_well()
        return found

    def _look(self, moved: bool) -> Response | None:
        now = self._clock.monotonic()
        if now >= self._thorough_due:
            # An answer of yesterday has no mark any more, and one may have been missed.
            found = self._queue.locate(self._request_id)
            self._thorough_due = now + self._thorough_every
            self._thorough_every = min(2 * self._thorough_every, THOROUGH_MOST_S)
            if found is None:
                # Raises when the queue knows nothing of the request: then nothing is to be waited for.
                self._queue.state(self._request_id)
            response = found if isinstance(found, Response) else None
        elif moved:
            response = self._queue.answer_here(self._request_id)
        else:
            response = self._queue.new_answer(self._request_id)
        if response is not None:
            return response
        if now >= self._liveness_due:
            patient = now - self._began > IMPATIENT_FOR_S
            self._liveness_due = now + (LIVENESS_LATER_S if patient else LIVENESS_EVERY_S)
            self._see_state()
            if self._is_down():
                return self._give_up()
        if now - self._began >= self._timeout_s:
            raise self._timed_out()
        return None

    def pause_s(self) -> float:
        """Seconds until the next look."""
        import random

        elapsed = self._clock.monotonic() - self._began
        scale = self._queue.storage.profile.poll_scale
        wait = scale * client_wait(elapsed, for_consent=self.pending, near=self._near)
        wait = jittered(wait, random.random())  # noqa: S311
        return max(min(wait, self._timeout_s - elapsed), 0.0)

    def let_pass(self, folders: Sequence[str], pause_s: float) -> bool:
        """Let time pass until something may have happened; meanwhile say how the request stands.

        Returns:
            Whether the request's own file was seen to move. It is moved step by step, and becomes the
            answer's mark.
        """
        own, until = layout.inbox(self._request_id), self._clock.monotonic() + pause_s
        while True:
            before = self._clock.monotonic()
            piece = until - before
            if self._state is not None:
                piece = min(piece, until_tick(before - self._began))
            moved = self._queue.storage.wait(folders, max(piece, 0.0), file=own)
            now = self._clock.monotonic()
            if moved or now - before < piece - SHORT_S:
                return moved
            if self._state is not None and int(now - self._began) > self._told_second:
                self._tell(self._state)
            if until - now < SHORT_S:
                return False

    def _tell(self, state: State) -> None:
        self._told_second = int(self._clock.monotonic() - self._began)
        if self._on_state is not None:
            self._on_state(state)

    def _see_state(self) -> None:
        if self.pending and self._queue.is_still_pending(self._request_id):
            state = State.PENDING
        elif self._on_state is None:
            pending = self._queue.is_pending(self._request_id)
            state = State.PENDING if pending else State.RUNNING
        else:
            state = self._queue.state(self._request_id)
        self.pending, self._state = state is State.PENDING, state
        self._tell(state)
        if self.pending:
            self._hear()

    def _hear(self) -> None:
        """What the daemon says to whoever waits, for example why an approval did not count."""
        from aexp.airgapped.waiting_notes import said_to

        said = said_to(self._queue.storage, self._request_id)
        if said and said != self._said:
            self._said = said
            if self._on_said is not None:
                self._on_said(said)

    def _is_down(self) -> bool:
        if not self._vigil.is_over():
            return False
        from aexp.airgapped.visits import last_visit_s

        return last_visit_s(self._queue.storage, self._clock) is None

    def _give_up(self) -> Response:
        """What to do without a daemon: take the request back if it has not been taken up."""
        # It may have answered with its last breath.
        response = self._queue.answer(self._request_id)
        if response is not None:
            return response
        what = f"No daemon serves {self._queue.storage.url}"
        hint = client_hint(self._queue.storage.url)
        if self.pending:
            what += f"; request {self._request_id} still waits for consent there."
        elif self._queue.withdraw_unclaimed(self._request_id, NOT_TAKEN_UP):
            what += "; the request was withdrawn and will not run."
        else:
            what += f" any more; it had taken up request {self._request_id}, which may have run."
            rest = show_hint(self._request_id, self._queue.storage.url)
            hint += f". Then `{rest}` tells the rest."
        raise RelayDownError(what, hint, self._request_id)

    @property
    def _visited(self) -> str:
        from aexp.airgapped.visits import last_visit_s, told

        since = last_visit_s(self._queue.storage, self._clock)
        return "" if since is None else f"No daemon stays here, {told(since)}. "

    def _timed_out(self) -> RelayTimeoutError:
        request_id, url = self._request_id, self._queue.storage.url
        later = f'`{wait_hint(request_id, url)}`, or client.handle("{request_id}").result()'
        if self._queue.is_pending(request_id):
            where = approve_place(self._queue.storage, request_id)
            what = "waits for consent"
            hint = f"Approve it {where} with `{approve_hint(request_id, url)}`, then: {later}"
        else:
            what, hint = "goes on", f"Pick the result up later: {later}"
        if self._said:
            hint = f"{self._said} {hint}"
        beat = self._queue.beat()
        if beat is None:
            hint = f"{self._visited}{hint}"
        elif beat.trouble:
            hint = f"The daemon is in trouble: {beat.trouble} {hint}"
        silent = self._vigil.silent_s
        if silent > SILENCE_S:
            hint = f"The daemon has not beaten for {age(silent)}: see `aexp relay status`. {hint}"
        told = f"No answer to {request_id} within {age(self._timeout_s)}; the request {what}."
        return RelayTimeoutError(told, hint, request_id)
