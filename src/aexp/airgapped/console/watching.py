"""One console: looks at the queue, as little as it can each time, and passes decisions on."""

from contextlib import suppress
from dataclasses import replace

from aexp.airgapped.approval import waiting_requests
from aexp.airgapped.approver import Approver, Shown
from aexp.airgapped.console.history import History
from aexp.airgapped.console.picture import Alert, Picture, Preview, Running, Standing
from aexp.airgapped.console.running import RunningWatch
from aexp.airgapped.console.standing import DaemonWatch
from aexp.airgapped.granter import Granter
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.waiting_notes import asked_of
from aexp.domain import layout
from aexp.domain.decisions import Waiting
from aexp.domain.errors import (
    RelayDownError,
    RelayError,
    RelayStorageError,
)
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.polling import console_wait
from aexp.ports.clock import Clock

AGAIN_S = 10.0
"""Seconds after which what was read from the queue is read again although no name has changed."""


class Console:
    """What a person sees and decides; for one thread at a time.

    A look asks the daemon over its line, which costs the file server nothing, lists ``processing/``, and
    reads on in the logs of what runs. The beat is read every 5 s; the trail, then and when something moved.
    Without a line to the daemon ``pending/`` is listed too, and read when its names change.
    """

    def __init__(
        self, queue: RelayQueue, approver: Approver, granter: Granter, clock: Clock
    ) -> None:
        self._queue = queue
        self._approver = approver
        self._granter = granter
        self._line_holds = False
        self._clock = clock
        self._daemon = DaemonWatch(queue, approver, clock)
        self._running = RunningWatch(queue, clock)
        self._history = History(queue.storage)
        self._names: frozenset[str] = frozenset()
        self._reread_due = float("-inf")
        self._previews: dict[tuple[str, str], tuple[float, Preview]] = {}
        self._last = Picture(clock.wall(), Standing(False, "looking"))
        self._serving = ""
        self._stirred = clock.monotonic()

    @property
    def pause_s(self) -> float:
        """Seconds until the next look is worth its price."""
        quiet = self._clock.monotonic() - self._stirred
        return self._queue.storage.profile.poll_scale * console_wait(quiet)

    def look(self, chosen: str | None = None) -> Picture:
        """What there is to show now; what cannot be seen now is as it was, and the picture says so.

        Args:
            chosen: the request whose preview is wanted; by default the oldest.
        """
        try:
            picture = self._look(chosen)
        except RelayError as exc:
            alert = Alert(f"What is shown may be old: {exc.what}", exc.hint)
            picture = replace(self._last, alert=alert)
        else:
            if _stirring(picture) != _stirring(self._last):
                self._stirred = self._clock.monotonic()
        self._last = picture
        return picture

    def show(self, request_id: str) -> Shown:
        """What an approval of the request would be bound to, afresh; as :meth:`Approver.look`."""
        return self._approver.look(request_id)

    def approve(self, shown: Shown) -> None:
        """Let run exactly what was shown; as :meth:`Approver.approve_unchanged`."""
        self._approver.approve_unchanged(shown)
        self._forget(shown.petition.request_id)

    def reject(self, request_id: str, reason: str) -> Waiting:
        """Refuse a request; as :meth:`Approver.reject`."""
        refused = self._approver.reject(request_id, reason)
        self._forget(request_id)
        return refused

    def offer(self, shown: Shown, seconds: float) -> GrantOffer:
        """What it would mean to let this operation run in this folder for a while; nothing is granted.

        Raises:
            RelayError, SettingsError: as :meth:`Granter.grant_preview`.
        """
        return self._granter.grant_preview(shown.petition.op, shown.petition.cwd, seconds)

    def grant(self, offer: GrantOffer) -> GrantLine:
        """Grant what was shown; as :meth:`Granter.grant`."""
        given = self._granter.grant(offer)
        self._stirred = self._clock.monotonic()
        self._last = replace(self._last, grants=(*self._last.grants, given))
        return given

    def _forget(self, request_id: str) -> None:
        self._reread_due = float("-inf")
        self._stirred = self._clock.monotonic()
        self._previews = {key: kept for key, kept in self._previews.items() if key[0] != request_id}

    def _look(self, chosen: str | None) -> Picture:
        beat_due = self._daemon.is_due
        standing = self._daemon.look()
        if self._daemon.daemon != self._serving:
            self._serving = self._daemon.daemon
            self._history.begin_anew()
        waiting = self._waiting()
        running = self._running.look()
        moved = _names(waiting, running) != _names(self._last.waiting, self._last.running)
        grants = self._grants() if moved or beat_due else self._last.grants
        history = self._history.look() if moved or beat_due else self._last.history
        preview = self._preview(waiting, chosen)
        return Picture(self._clock.wall(), standing, waiting, preview, grants, running, history)

    def _waiting(self) -> tuple[Waiting, ...]:
        told = self._approver.told()
        self._line_holds = told is not None
        if told is not None:
            return tuple(told)
        names = frozenset(self._queue.storage.list(layout.PENDING))
        now = self._clock.monotonic()
        if names != self._names or now >= self._reread_due:
            self._names, self._reread_due = names, now + AGAIN_S
            return tuple(waiting_requests(self._queue))
        return self._last.waiting

    def _grants(self) -> tuple[GrantLine, ...]:
        """What is granted, where a daemon can be asked that gives grants."""
        try:
            return tuple(self._granter.grants()) if self._line_holds else ()
        except RelayError:
            return ()

    def _preview(self, waiting: tuple[Waiting, ...], chosen: str | None) -> Preview | None:
        """The preview of the chosen one, asked for once for each digest."""
        ids = [one.request_id for one in waiting]
        if not ids:
            self._previews = {}
            return None
        one = waiting[ids.index(chosen) if chosen in ids else 0]
        key, now = (one.request_id, one.digest), self._clock.monotonic()
        due, kept = self._previews.get(key, (float("-inf"), None))
        if kept is None or now >= due:
            # What could be shown stays as long as its digest does; what could not is asked for again.
            kept, lasts = self._ask(one.request_id)
            self._previews[key] = (float("inf") if lasts else now + AGAIN_S, kept)
        return kept

    def _ask(self, request_id: str) -> tuple[Preview, bool]:
        """The preview, and whether it is all that there is to be had."""
        try:
            shown = self.show(request_id)
        except RelayDownError as exc:
            alert, petition = Alert(exc.what, exc.hint), None
            with suppress(RelayStorageError):
                petition = asked_of(self._queue.storage, request_id)
            lines = petition.lines() if petition and petition.request_id == request_id else []
            return Preview(request_id, tuple(lines), alert), False
        except RelayError as exc:
            return Preview(request_id, (), Alert(exc.what, exc.hint)), False
        told = Alert(shown.warning) if shown.warning else None
        return Preview(request_id, tuple(shown.petition.lines()), told), True


def _names(waiting: tuple[Waiting, ...], running: tuple[Running, ...]) -> list[tuple[str, str]]:
    return [
        *((one.request_id, one.digest) for one in waiting),
        *((one.view.request_id, str(one.view.state)) for one in running),
    ]


def _stirring(picture: Picture) -> tuple[object, ...]:
    """What a person would see change."""
    return picture.standing, picture.waiting, picture.running, picture.history
