"""What runs, with the end of its output, at the price of a listing and one read for each that runs."""

from aexp.airgapped.console.growing import LogTail
from aexp.airgapped.console.picture import Running
from aexp.airgapped.inspection import RequestView, token_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout
from aexp.domain.polling import follower_wait
from aexp.ports.clock import Clock

MOST_SHOWN = 64
LISTINGS = 3
"""Looks for a log that are made at once; one that shares another's run never gets any."""
LATER_S = 10.0


class RunningWatch:
    """The requests in ``processing/`` from look to look; each file is read once."""

    def __init__(self, queue: RelayQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._views: dict[str, RequestView] = {}
        self._logs: dict[str, _Log] = {}

    def look(self) -> tuple[Running, ...]:
        """What runs now, the oldest first.

        Raises:
            RelayStorageError: the queue cannot be read.
        """
        entries = self._queue.storage.list(layout.PROCESSING)
        tokens = {token.name: token for token in layout.tokens_in(entries)[:MOST_SHOWN]}
        self._views = {name: view for name, view in self._views.items() if name in tokens}
        for name in tokens.keys() - self._views.keys():
            view = token_view(self._queue, tokens[name])
            if view is not None:
                self._views[name] = view
        started = {token.request_id for token in tokens.values() if token.stage == "run"}
        tails = self._tails(started)
        views = sorted(self._views.values(), key=lambda view: (view.when or 0.0, view.request_id))
        return tuple(Running(view, tails.get(view.request_id, ())) for view in views)

    def _tails(self, started: set[str]) -> dict[str, tuple[str, ...]]:
        now = self._clock.monotonic()
        kept = {known: log for known, log in self._logs.items() if known in started}
        self._logs = {**{new: _Log(now) for new in started - kept.keys()}, **kept}
        sought = [known for known, log in self._logs.items() if log.is_sought(now)]
        if sought:
            listed = frozenset(self._queue.storage.list(layout.LOG))
            for request_id in sought:
                # Listed before it is opened: asking for a name too early can hide it for half a minute.
                there = layout.log(request_id).rpartition("/")[2] in listed
                tail = LogTail(self._queue.storage, request_id) if there else None
                self._logs[request_id].found(tail, now)
        for log in self._logs.values():
            log.read(now)
        return {known: log.tail.lines for known, log in self._logs.items() if log.tail is not None}


class _Log:
    """The log of one run: when to look for it, and when to read it."""

    def __init__(self, now: float) -> None:
        self.tail: LogTail | None = None
        self._listings = 0
        self._due = self._stirred = now

    def is_sought(self, now: float) -> bool:
        return self.tail is None and now >= self._due

    def found(self, tail: LogTail | None, now: float) -> None:
        self.tail = tail
        self._listings += 1
        if tail is None and self._listings >= LISTINGS:
            self._due = now + LATER_S

    def read(self, now: float) -> None:
        if self.tail is None or now < self._due:
            return
        if self.tail.read_on():
            self._stirred = now
        self._due = now + follower_wait(now - self._stirred)
