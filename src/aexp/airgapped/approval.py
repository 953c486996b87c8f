"""The person's side of consent: what waits, and the decision on it."""

from dataclasses import dataclass

from aexp.airgapped.queue import RelayQueue
from aexp.domain import layout, wire
from aexp.domain.errors import RelayNotFoundError, RelayStorageError, StorageMissingError
from aexp.domain.text import visible
from aexp.ports.clock import Clock

MAX_REASON_CHARS = 400


@dataclass(frozen=True)
class Waiting:
    """A request that waits for consent, in words that are safe to show.

    Attributes:
        since: when it began to wait, in seconds since 1970; None when that is not known.
    """

    request_id: str
    op: str
    args: tuple[str, ...]
    cwd: str
    client: str
    since: float | None


def waiting_requests(queue: RelayQueue) -> list[Waiting]:
    """Every request that waits for consent, the oldest first."""
    ids = layout.requests_in(queue.storage.list(layout.PENDING))
    found = [one for request_id in ids if (one := _waiting(queue, request_id)) is not None]
    return sorted(found, key=lambda one: (one.since or 0.0, one.request_id))


def approve(queue: RelayQueue, prefix: str, clock: Clock) -> Waiting:
    """Let the request run whose id begins with ``prefix``.

    Raises:
        RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
        RelayStorageError: the decision could not be written.
    """
    return _decide(queue, prefix, layout.APPROVED, f"{queue.me} {clock.wall():.3f}\n")


def reject(queue: RelayQueue, prefix: str, reason: str = "") -> Waiting:
    """Refuse the request whose id begins with ``prefix``; the reason is shown to the requester.

    Raises:
        RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
        RelayStorageError: the decision could not be written.
    """
    return _decide(queue, prefix, layout.REJECTED, visible(reason, limit=MAX_REASON_CHARS) + "\n")


def _decide(queue: RelayQueue, prefix: str, folder: str, content: str) -> Waiting:
    waiting = {one.request_id: one for one in waiting_requests(queue)}
    if not any(request_id.startswith(prefix) for request_id in waiting):
        request_id = queue.find(prefix, queue.known_ids())
        raise RelayNotFoundError(
            f"{request_id} does not wait for consent: it is {queue.state(request_id)}.",
            "`aexp relay pending` lists what does.",
            request_id,
        )
    request_id = queue.find(prefix, [*waiting])
    queue.storage.put(f"{folder}/{request_id}", content.encode())
    return waiting[request_id]


def _waiting(queue: RelayQueue, request_id: str) -> Waiting | None:
    try:
        body = wire.decode(queue.storage.read(layout.pending(request_id), limit=wire.MAX_BYTES + 1))
    except StorageMissingError:
        return None
    except (wire.WireError, RelayStorageError) as exc:
        body = {"op": f"unreadable ({exc})"}
    args = body.get("args")
    return Waiting(
        request_id=request_id,
        op=visible(str(body.get("op", "?")), limit=64),
        args=tuple(visible(str(arg)) for arg in args) if isinstance(args, list) else (),
        cwd=visible(str(body.get("cwd", "?")), limit=400),
        client=visible(str(body.get("client", "?")), limit=120),
        since=_since(queue, request_id),
    )


def _since(queue: RelayQueue, request_id: str) -> float | None:
    if request_id not in queue.storage.list(layout.WAITING):
        return None
    try:
        return float(queue.storage.read(layout.waiting(request_id), limit=64).split()[0])
    except (RelayStorageError, ValueError, IndexError):
        return None
