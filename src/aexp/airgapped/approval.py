"""What waits for consent, as the queue tells it, and decisions by files in the queue.

What lies in the queue can be written by whoever can write the queue. It is for looking; what an approval is
bound to is in :mod:`aexp.airgapped.approver`.
"""

import os
from typing import Any

from aexp.airgapped.hints import approve_hint, approve_where
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.waiting_notes import read_note
from aexp.domain import layout, wire
from aexp.domain.consent import Mode
from aexp.domain.decisions import MAX_REASON_CHARS, Waiting, waiting_of
from aexp.domain.errors import (
    RelayNotFoundError,
    RelayStorageError,
    StorageForbiddenError,
    StorageMissingError,
)
from aexp.domain.petition import Petition
from aexp.domain.prefixes import the_one
from aexp.domain.text import visible
from aexp.ports.clock import Clock

__all__ = ["Waiting", "approve", "reject", "waiting_requests"]


def waiting_requests(queue: RelayQueue) -> list[Waiting]:
    """Every request that waits for consent, the oldest first."""
    ids = layout.requests_in(queue.storage.list(layout.PENDING))
    noted = frozenset(queue.storage.list(layout.WAITING))
    found = [one for request_id in ids if (one := _waiting(queue, request_id, noted)) is not None]
    return sorted(found, key=lambda one: (one.since or 0.0, one.request_id))


def approve(queue: RelayQueue, prefix: str, clock: Clock) -> Waiting:
    """Let the request run whose id begins with ``prefix``, where a file in the queue decides.

    Raises:
        RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
        RelayStorageError: the decision could not be written.
    """
    one = find_waiting(queue, prefix)
    mark_approved(queue, one.request_id, f"{queue.me} {clock.wall():.3f}\n".encode())
    return one


def reject(queue: RelayQueue, prefix: str, reason: str = "") -> Waiting:
    """Refuse the request whose id begins with ``prefix``; the reason is shown to the requester.

    Raises:
        RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
        RelayStorageError: the decision could not be written.
    """
    one = find_waiting(queue, prefix)
    told = visible(reason, limit=MAX_REASON_CHARS) + "\n"
    queue.storage.put(f"{layout.REJECTED}/{one.request_id}", told.encode())
    return one


def mark_approved(queue: RelayQueue, request_id: str, content: bytes) -> None:
    """Leave a file in ``approved/``: what it must hold depends on the daemon's mode."""
    queue.storage.put(f"{layout.APPROVED}/{request_id}", content)


def find_waiting(queue: RelayQueue, prefix: str) -> Waiting:
    """The one request in ``pending/`` whose id begins with ``prefix``.

    Raises:
        RelayNotFoundError: none, or more than one.
    """
    waiting = {one.request_id: one for one in waiting_requests(queue)}
    if not any(request_id.startswith(prefix) for request_id in waiting):
        request_id = the_one(prefix, queue.known_ids())
        raise RelayNotFoundError(
            f"{request_id} does not wait for consent: it is {queue.state(request_id)}.",
            "`aexp relay pending` lists what does.",
            request_id,
        )
    return waiting[the_one(prefix, waiting)]


def note_of(queue: RelayQueue, request_id: str) -> dict[str, Any]:
    """What the daemon published of a waiting request; empty when there is nothing sensible."""
    try:
        return read_note(queue.storage, request_id)
    except (RelayStorageError, wire.WireError):
        return {}


def noted_petition(note: dict[str, Any], request_id: str) -> Petition | None:
    """The petition in a note, None when there is none of this request."""
    found = note.get("petition")
    try:
        petition = Petition.from_dict(found) if isinstance(found, dict) else None
    except ValueError:
        return None
    return petition if petition and petition.request_id == request_id else None


def refuse_powerless(queue: RelayQueue, request_id: str) -> None:
    """Make sure that the storage lets this user approve, before a person reads what it would be.

    Tried on a name that no request has, so nothing is changed.

    Raises:
        StorageForbiddenError: it does not.
        RelayStorageError: that could not be tried.
    """
    url = queue.storage.url
    try:
        queue.storage.remove(f"{layout.APPROVED}/{os.urandom(16).hex()}")
    except StorageForbiddenError as exc:
        raise StorageForbiddenError(
            "This user of the queue may not approve (consent: acl); nothing was approved.",
            f"Type, {approve_where(Mode.ACL, url)}: {approve_hint(request_id, url)}",
            request_id,
        ) from exc


def bare_petition(one: Waiting) -> Petition:
    """A petition from the request's file alone, for a daemon that publishes no more than that."""
    return Petition(one.request_id, one.op, one.args, one.cwd, root="", client=one.client)


def _waiting(queue: RelayQueue, request_id: str, noted: frozenset[str]) -> Waiting | None:
    try:
        body = wire.decode(queue.storage.read(layout.pending(request_id), limit=wire.MAX_BYTES + 1))
    except StorageMissingError:
        return None
    except (wire.WireError, RelayStorageError) as exc:
        body = {"op": f"unreadable ({exc})"}
    note = note_of(queue, request_id) if request_id in noted else {}
    petition = noted_petition(note, request_id)
    if petition is not None:
        return waiting_of(petition, note.get("since"))
    told: dict[str, Any] = {
        key: body[key] for key in ("op", "args", "cwd", "client") if key in body
    }
    return Waiting.of({**told, "since": note.get("since")}, request_id)
