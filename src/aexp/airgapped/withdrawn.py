"""The answer to a request that was taken back before it started."""

import contextlib
from dataclasses import replace

from aexp.airgapped.jobs import asked, refusal
from aexp.airgapped.tokens import mark_replied
from aexp.domain import layout, wire
from aexp.domain.consent import State
from aexp.domain.errors import RelayStorageError, StorageForbiddenError
from aexp.domain.text import visible
from aexp.ports.storage import QueueStorage


def answer_withdrawn(
    storage: QueueStorage, request_id: str, gone: str, why: str, *, writer: str, wall: float
) -> None:
    """Answer "cancelled", and make what is left of the request its mark.

    Args:
        gone: where the withdrawn request lies.
        writer: the process that answers.
        wall: its date, in seconds since 1970.
    """
    try:
        body = wire.decode(storage.read(gone, limit=wire.MAX_BYTES + 1))
    except (wire.WireError, RelayStorageError):
        # The answer matters more than what it repeats of the request.
        body = {}
    op = visible(str(body.get("op", "?")), limit=64)
    answer = refusal(request_id, op, State.CANCELLED, why, details=asked(body))
    signed = replace(answer, writer=writer, answered_at=wall)
    storage.put_new(layout.outbox(request_id), signed.to_bytes())
    mark_replied(storage, request_id, gone)


def say_withdrawn(
    storage: QueueStorage, request_id: str, gone: str, why: str, *, writer: str, wall: float
) -> None:
    """The same for a client: one that may not answer leaves it to a daemon, which finds what lies there."""
    with contextlib.suppress(StorageForbiddenError):
        answer_withdrawn(storage, request_id, gone, why, writer=writer, wall=wall)
