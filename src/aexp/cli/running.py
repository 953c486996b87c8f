"""Running one operation: submit, wait, tell how it stands, show what came of it."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from aexp.cli.clients import client_of
from aexp.cli.exits import INTERRUPTED, of_operation
from aexp.cli.render import show_end, show_lines, show_result
from aexp.cli.terminal import echo, print_json, show_note
from aexp.domain.consent import State

if TYPE_CHECKING:
    from aexp.airgapped.handle import RelayHandle
    from aexp.ports.storage import QueueStorage

PATIENT_S = 2.0
"""Seconds after which a person at a terminal is told what is being waited for."""


def run(
    op: str,
    args: Sequence[str],
    queue: str | None,
    cwd: str | None,
    timeout: float | None,
    as_json: bool,
    no_wait: bool,
) -> None:
    """Submit, wait, show the output, and end with the operation's own status."""
    client = client_of(queue, cwd=cwd, timeout=timeout)
    handle = client.submit(op, args)
    if no_wait:
        print_json({"request_id": handle.id}) if as_json else echo(handle.id)
        return
    finish(op, handle, client.queue.storage, as_json=as_json)


def finish(op: str, handle: "RelayHandle", storage: "QueueStorage", *, as_json: bool) -> NoReturn:
    """Wait for the answer, show it, and end with the operation's own status.

    A terminal shows the output line by line as it comes; into a pipe it goes as one piece.
    """
    teller = _Teller(op, handle.id, storage)
    live = sys.stdout.isatty() and not as_json
    try:
        if live:
            show_lines(handle.follow(on_state=teller.tell, on_said=show_note))
        result = handle.result(on_state=teller.tell, on_said=show_note)
    except KeyboardInterrupt:
        teller.interrupted()
        sys.exit(INTERRUPTED)
    if live:
        show_end(result)
    else:
        show_result(result, as_json=as_json)
    sys.exit(of_operation(result.returncode))


class _Teller:
    """Tells on standard error how a request stands, while somebody waits for it."""

    def __init__(self, op: str, request_id: str, storage: "QueueStorage") -> None:
        self._op = op
        self._id = request_id
        self._storage = storage
        self._url = storage.url
        self._began = time.monotonic()
        self._told = State.RECEIVED

    def tell(self, state: State) -> None:
        """The request stands like this now; said when it is news, and not yet old news."""
        patient = time.monotonic() - self._began >= PATIENT_S and sys.stderr.isatty()
        if state is self._told or not (patient or state is State.PENDING):
            return
        self._told = state
        if state is State.PENDING:
            told = f"{self._op} waits for consent{self._why}. On the login node: {self._approve}"
            echo(told, err=True)
        elif state is State.APPROVED:
            echo(f"{self._op} waits for its turn; another one runs in this folder", err=True)
        elif state is State.RUNNING:
            echo(f"{self._op} runs as {self._id[:8]}; Ctrl-C leaves it running", err=True)

    def interrupted(self) -> None:
        """The waiting was ended by Ctrl-C."""
        from aexp.airgapped.defaults import queue_flag
        from aexp.airgapped.waiting import show_hint

        stop = f"aexp relay cancel {self._id[:8]}{queue_flag(self._url)}"
        if self._told is State.PENDING:
            echo(f"\n{self._op} still waits for consent as {self._id}.", err=True)
            echo(f"  next: {self._approve} on the login node, or {stop}", err=True)
        else:
            echo(f"\n{self._op} goes on as {self._id}.", err=True)
            echo(f"  next: {show_hint(self._id, self._url)}, or {stop}", err=True)

    @property
    def _why(self) -> str:
        from aexp.airgapped.waiting_notes import asked_of
        from aexp.domain.text import visible

        petition = asked_of(self._storage, self._id)
        return f" ({visible(petition.reason, limit=120)})" if petition and petition.reason else ""

    @property
    def _approve(self) -> str:
        from aexp.airgapped.waiting import approve_hint

        return approve_hint(self._id, self._url)
