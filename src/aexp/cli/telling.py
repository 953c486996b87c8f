"""What is said on standard error while somebody waits for a request: how it stands, and what to do."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING

from aexp.cli.status_line import StatusLine
from aexp.cli.terminal import echo, is_terminal, show_note
from aexp.domain.consent import FINAL, State

if TYPE_CHECKING:
    from aexp.airgapped.inspection import RequestView
    from aexp.airgapped.queue import RelayQueue

PATIENT_S = 2.0
"""Seconds after which a terminal that cannot go back in a line is told what is being waited for."""
DRAWN_AFTER_S = 0.4
"""Seconds after which the line of status is drawn: what is over by then needs none."""
REDRAWN_EVERY_S = 0.1
AHEAD_EVERY_S = 5.0
"""Seconds between two looks at what is ahead of a request."""


class Voice(Enum):
    """How much is said."""

    QUIET = "errors, and what a person must decide"
    NORMAL = "what a person at a terminal wants to know"
    VERBOSE = "each change of state at once, with the request's id"

    @classmethod
    def of(cls, *, quiet: bool, verbose: bool) -> "Voice":
        """What the two options ask for."""
        return cls.QUIET if quiet else cls.VERBOSE if verbose else cls.NORMAL


class Teller:
    """Tells how one request stands, while it is waited for; the status line is gone when the block ends.

    Args:
        name: what to call the request.
        older_s: how long before now it was submitted, in seconds.
    """

    def __init__(
        self, queue: "RelayQueue", request_id: str, name: str, voice: Voice, older_s: float = 0.0
    ) -> None:
        self._queue = queue
        self._id = request_id
        self._name = name
        self._voice = voice
        self._older_s = older_s
        self._line = StatusLine()
        self._began = self._since = time.monotonic()
        self._state: State | None = None
        self._told = State.RECEIVED
        self._ahead, self._ahead_due = "", 0.0
        self._progress = ""
        self._has_output = self._is_inside_a_line = False
        self._drawn_at = float("-inf")

    @property
    def draws(self) -> bool:
        """Whether there is a line of status."""
        return self._line.possible and self._voice is not Voice.QUIET

    @property
    def is_pending(self) -> bool:
        """Whether it waited for consent when it was last heard of."""
        return self._state is State.PENDING

    def __enter__(self) -> "Teller":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.clear()

    def tell(self, state: State) -> None:
        """The request stands like this now; called about once a second."""
        if self._has_output and state not in FINAL:
            # Who looks at the log knows it a little earlier than who looks for the token.
            state = State.RUNNING
        if state is not self._state:
            if self._state is not None:
                self._older_s = 0.0
                self._since = time.monotonic()
            self._state, self._ahead_due = state, 0.0
            if self._voice is Voice.VERBOSE:
                self._say(f"{self._id} {state}{self._because()}")
        self._tell_once(state)
        self._draw()

    def progress(self, line: str) -> None:
        """The line of output that has not ended yet, as it stands now."""
        from aexp.domain.text import visible

        self._progress = visible(line.strip(), limit=300)
        self._has_output = True
        self.tell(State.RUNNING)

    def note(self, text: str) -> None:
        """What the relay has to say beside the output."""
        self._line.clear()
        show_note(text)

    def above(self, lines: Iterator[str]) -> Iterator[str]:
        """The lines, each of them while the terminal is free for it."""
        for line in lines:
            self._has_output = True
            self._line.clear()
            yield line
            self._is_inside_a_line = not line.endswith("\n")
            if time.monotonic() - self._drawn_at >= REDRAWN_EVERY_S:
                self._draw()

    def _tell_once(self, state: State) -> None:
        """Say what stays on the screen: what a person must do, and news where no line is drawn."""
        patient = time.monotonic() - self._began >= PATIENT_S and is_terminal(sys.stderr)
        if state in {self._told, *FINAL} or not (patient or state is State.PENDING):
            return
        self._told = state
        if state is State.PENDING:
            from aexp.airgapped.hints import approve_hint, approve_place
            from aexp.domain.text import capital

            how = approve_hint(self._id, self._queue.storage.url)
            what = f"{self._name} waits for consent{self._why()}."
            where = approve_place(self._queue.storage, self._id)
            # On a terminal the command stands on a line of its own, where no width breaks it.
            then = f"\n  next: {where}" if is_terminal(sys.stderr) else f" {capital(where)}"
            self._say(f"{what}{then}: {how}")
        elif not self._line.possible and self._voice is Voice.NORMAL:
            self._say(f"{self._name} {self._words()}")

    def _draw(self) -> None:
        now = time.monotonic()
        if not self.draws or self._is_inside_a_line or now - self._began < DRAWN_AFTER_S:
            return
        if self._state is None or self._state in FINAL:
            return
        self._drawn_at = now
        found = None
        if self._progress and self._state is State.RUNNING:
            from aexp.domain.percentages import percentage_of

            found = percentage_of(self._progress)
        if found is None:
            self._line.draw(f"{self._name} {self._words()}")
            return
        from aexp.cli.progress_bar import bar

        self._line.draw(*bar(found, self._line.room, sys.stderr.encoding))

    def _words(self) -> str:
        """How it stands and for how long."""
        lasts = span(time.monotonic() - self._since + self._older_s)
        since = f"submitted {lasts} ago" if self._older_s else lasts
        if self._state is State.RUNNING:
            more = f": {self._progress}" if self._progress else "; Ctrl-C leaves it running"
            known = self._name == self._id[:8]
            return f"{'runs' if known else f'runs as {self._id[:8]}'}, {since}{more}"
        if self._state is State.PENDING:
            return f"waits for consent, {since}; Ctrl-C leaves it waiting"
        waited = since if self._older_s else f"waiting for {lasts}"
        return f"waits {self._ahead_of_it()}, {waited}"

    def _because(self) -> str:
        waits = self._state in {State.RECEIVED, State.APPROVED}
        return f": waits {self._ahead_of_it()}" if waits else ""

    def _ahead_of_it(self) -> str:
        """What is ahead of a request that has not started."""
        from aexp.airgapped.ahead import open_requests
        from aexp.airgapped.defaults import local_filesystem
        from aexp.cli.render import wait_of
        from aexp.domain.errors import AexpError

        now = time.monotonic()
        if now >= self._ahead_due:
            self._ahead_due = now + AHEAD_EVERY_S
            views: dict[str, RequestView] = {}
            # What the storage says against it is met by the wait itself, and told if it lasts.
            with suppress(AexpError):
                found = open_requests(self._queue, local_filesystem())
                views = {one.request_id: one for one in found}
            mine = views.get(self._id)
            ahead = None if mine is None else views.get(mine.behind or "")
            told = "" if mine is None else wait_of(mine, self._queue.storage.url, ahead)
            self._ahead = told or "for its turn"
        return self._ahead

    def _why(self) -> str:
        from aexp.airgapped.waiting_notes import asked_of
        from aexp.domain.text import visible

        petition = asked_of(self._queue.storage, self._id)
        return f" ({visible(petition.reason, limit=120)})" if petition and petition.reason else ""

    def _say(self, text: str) -> None:
        self._line.clear()
        echo(text, err=True)


def span(seconds: float) -> str:
    """A time that goes on, in whole seconds: ``12 s``, ``3 min 05 s``, ``1 h 02 min``."""
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
