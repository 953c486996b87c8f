"""Notices in ``consent.log`` in the queue, for people who watch it with ``tail -f``."""

import datetime as dt

from aexp.domain import layout
from aexp.domain.requests import Request
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier
from aexp.ports.storage import QueueStorage


class ConsentLogNotifier(Notifier):
    """Appends one line for each request that begins to wait. Nothing in it acts on a terminal."""

    def __init__(self, storage: QueueStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def consent_needed(self, request_id: str, request: Request) -> None:
        moment = dt.datetime.fromtimestamp(self._clock.wall(), dt.UTC)
        asked = visible(" ".join([request.op, *request.args]), limit=200, ascii_only=True)
        cwd = visible(request.cwd, limit=400, ascii_only=True)
        short = visible(request_id, limit=9, ascii_only=True)[:8]
        line = (
            f"{moment:%Y-%m-%dT%H:%M:%SZ} {asked} in {cwd} waits for consent: "
            f"relay-approve {short}  or  relay-reject {short}\n"
        )
        self._storage.append(layout.CONSENT_LOG, line.encode())
