"""Running one operation: submit, wait, tell how it stands, show what came of it."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from aexp.cli.clients import client_of
from aexp.cli.exits import INTERRUPTED, of_operation
from aexp.cli.render import show_end, show_lines, show_result
from aexp.cli.telling import Teller, Voice
from aexp.cli.terminal import echo, is_terminal, print_json
from aexp.domain.consent import FINAL

if TYPE_CHECKING:
    from aexp.airgapped.handle import RelayHandle
    from aexp.airgapped.inspection import RequestView
    from aexp.airgapped.queue import RelayQueue


def run(
    op: str,
    args: Sequence[str],
    queue: str | None,
    cwd: str | None,
    timeout: float | None,
    as_json: bool,
    no_wait: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Submit, wait, show the output, and end with the operation's own status."""
    client = client_of(queue, cwd=cwd, timeout=timeout)
    handle = client.submit(op, args)
    voice = Voice.of(quiet=quiet, verbose=verbose)
    if voice is Voice.VERBOSE:
        echo(f"{handle.id} submitted: {' '.join([op, *args])} in {client.cwd}", err=True)
    if handle.visited_s is not None and voice is not Voice.QUIET:
        _tell_visited(handle.id, handle.visited_s, client.queue)
    if no_wait:
        print_json({"request_id": handle.id}) if as_json else echo(handle.id)
        return
    finish(op, handle, client.queue, as_json=as_json, voice=voice)


def finish(
    op: str,
    handle: "RelayHandle",
    queue: "RelayQueue",
    *,
    as_json: bool,
    voice: Voice,
    older_s: float = 0.0,
) -> NoReturn:
    """Wait for the answer, show it, and end with the operation's own status.

    A terminal shows the output line by line as it comes; into a pipe it goes as one piece.

    Args:
        older_s: how long ago it was submitted, in seconds.
    """
    live = is_terminal(sys.stdout) and not as_json
    teller = Teller(queue, handle.id, op, voice, older_s)
    try:
        with teller:
            if live or teller.draws:
                lines = handle.follow(
                    on_state=teller.tell, on_said=teller.note, on_progress=teller.progress
                )
                if live:
                    show_lines(teller.above(lines))
                else:
                    # For its progress. The output itself goes out in one piece.
                    for _ in lines:
                        pass
            result = handle.result(on_state=teller.tell, on_said=teller.note)
    except KeyboardInterrupt:
        _tell_interrupted(op, handle.id, queue, pending=teller.is_pending)
        sys.exit(INTERRUPTED)
    if live:
        show_end(result, voice, queue.storage.url)
    else:
        show_result(result, as_json=as_json, voice=voice, url=queue.storage.url)
    sys.exit(of_operation(result.returncode))


def older_s(view: "RequestView") -> float:
    """Seconds since a request was submitted, by two clocks that may disagree; 0 where that is not known."""
    return 0.0 if view.when is None or view.state in FINAL else max(time.time() - view.when, 0.0)


def _tell_visited(request_id: str, since_s: float, queue: "RelayQueue") -> None:
    """Nobody takes it up before the next visit."""
    from aexp.airgapped.hints import cancel_hint
    from aexp.domain.text import age

    back = f"`{cancel_hint(request_id, queue.storage.url)}` takes it back."
    last = f"note: no daemon stays; the last visit was {age(since_s)} ago."
    echo(f"{last} The request is left in the queue; {back}", err=True)


def _tell_interrupted(op: str, request_id: str, queue: "RelayQueue", *, pending: bool) -> None:
    """The waiting was ended by Ctrl-C."""
    from aexp.airgapped.hints import approve_hint, approve_place, cancel_hint, wait_hint

    url = queue.storage.url
    stop = cancel_hint(request_id, url)
    if pending:
        echo(f"\n{op} still waits for consent as {request_id}.", err=True)
        where = approve_place(queue.storage, request_id)
        echo(f"  next: {approve_hint(request_id, url)} {where}, or {stop}", err=True)
    else:
        echo(f"\n{op} goes on as {request_id}.", err=True)
        echo(f"  next: {wait_hint(request_id, url)}, or {stop}", err=True)
