"""Looking at a queue without changing it: who serves it, and how its requests stand."""

import os
from dataclasses import dataclass

from aexp.airgapped.each import DaemonLine, consent_of, fresh_beat_here, line_of, number_in
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.standing import facts_of, judge, next_of
from aexp.domain import layout, wire
from aexp.domain.consent import State
from aexp.domain.errors import RelayAnswerError, RelayStorageError, StorageMissingError
from aexp.domain.requests import MAX_ANSWER_BYTES, Response
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes


@dataclass(frozen=True)
class DaemonView:
    """What can be said about the daemon of a queue.

    Attributes:
        up: whether one serves.
        host, pid, since: what its beat says of it.
        consent: what counts as an approval, with its weakness; what the beat says of it.
        trail: lines and hash of the end of the audit trail, as ``aexp relay audit verify --head`` takes it.
        destinations: where working copies may connect, as the daemon has published it.
        trouble: what keeps the daemon from its work, in its own words.
        profile, filesystem: how the queue's filesystem is treated on this node, and what it is.
        beat_age_s: seconds since the beat, by two clocks that may disagree.
        daemons: each of them, where several may serve; what stands above is then of the one on this node, or
            of the one that beat last.
        there: whether the queue was made; one on a server always is.
    """

    queue: str
    up: bool
    why: str
    host: str | None = None
    pid: int | None = None
    since: float | None = None
    beat_age_s: float | None = None
    consent: str | None = None
    trail: str | None = None
    destinations: tuple[str, ...] = ()
    trouble: str | None = None
    profile: str = ""
    filesystem: str = ""
    waiting: int = 0
    pending: int = 0
    running: int = 0
    daemons: tuple[DaemonLine, ...] = ()
    there: bool = True

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from aexp.domain.notebook import facts_bundle

        return facts_bundle(facts_of(self), next_of(self), good=self.up)


@dataclass(frozen=True)
class RequestView:
    """One request, in words that are safe to show.

    Attributes:
        when: seconds since 1970: submitted, or answered once it is; None when not known.
        waits_for: what an open request that does not run waits for (see :mod:`aexp.airgapped.ahead`); None
            where that was not asked.
        behind: the request that it waits for, where it is one.
    """

    request_id: str
    state: State
    op: str
    args: tuple[str, ...] = ()
    cwd: str = ""
    client: str = ""
    owner: str = ""
    when: float | None = None
    returncode: int | None = None
    duration_s: float | None = None
    error: str | None = None
    hint: str | None = None
    kind: str | None = None
    waits_for: str | None = None
    behind: str | None = None
    notices: tuple[str, ...] = ()


def daemon_view(queue: RelayQueue, clock: Clock, processes: Processes) -> DaemonView:
    """Who serves the queue. Takes up to some seconds when a beat looks old, else no time."""
    # First, since a queue on another machine is known to be shared only once something was asked of it.
    last = queue.beat()
    each = queue.own_beats()
    beat = fresh_beat_here(each, queue, clock) or last
    up, why = judge(queue, beat, clock, processes)
    facts = {} if beat is None else beat.facts
    wall = number_in(facts.get("wall"))
    tokens = layout.tokens_in(queue.storage.list(layout.PROCESSING))
    return DaemonView(
        queue=queue.storage.url,
        up=up,
        why=why,
        host=visible(str(facts["host"]), limit=80) if "host" in facts else None,
        pid=facts["pid"] if isinstance(facts.get("pid"), int) else None,
        since=number_in(facts.get("since")),
        consent=consent_of(facts.get("consent")),
        trail=visible(str(facts["trail"]), limit=100) if facts.get("trail") else None,
        destinations=_destinations(queue),
        trouble=None if beat is None else beat.trouble,
        profile=queue.storage.profile.name,
        filesystem=queue.storage.profile.seen,
        beat_age_s=None if wall is None else round(clock.wall() - wall, 3),
        waiting=len(_ids(queue, layout.INBOX)),
        pending=len(_ids(queue, layout.PENDING)),
        running=sum(1 for token in tokens if token.stage == "run"),
        daemons=tuple(line_of(one, clock) for one in each),
        there=queue.storage.folder is None or os.path.lexists(queue.storage.folder),
    )


def request_views(queue: RelayQueue) -> list[RequestView]:
    """Every request that the queue still knows: the open ones first, then the answered by age."""
    answered = [view for found in _ids(queue, layout.OUTBOX) if (view := _answered(queue, found))]
    known = {view.request_id for view in answered}
    views = [view for view in open_views(queue) if view.request_id not in known]
    views.sort(key=lambda view: view.when or 0.0)
    answered.sort(key=lambda view: view.when or 0.0, reverse=True)
    return views + answered


def request_view(queue: RelayQueue, request_id: str) -> RequestView:
    """One request.

    Raises:
        RelayNotFoundError: the queue knows nothing of it.
    """
    state = queue.state(request_id)
    view = _answered(queue, request_id) if queue.answer(request_id) is not None else None
    found = (view for view in open_views(queue) if view.request_id == request_id)
    return view or next(found, None) or RequestView(request_id, state, "?")


def token_view(queue: RelayQueue, token: layout.Token) -> RequestView | None:
    """One request that a daemon owns, by its token; None when it has moved on."""
    state = State.RUNNING if token.stage == "run" else State.APPROVED
    return _opened(queue, token.name, token.request_id, state, token.owner)


def open_views(queue: RelayQueue) -> list[RequestView]:
    """The requests that are not seen as answered: where their files lie tells the state."""
    views = [
        _opened(queue, f"{folder}/{request_id}.json", request_id, state)
        for folder, state in ((layout.INBOX, State.RECEIVED), (layout.PENDING, State.PENDING))
        for request_id in _ids(queue, folder)
    ]
    tokens = layout.tokens_in(queue.storage.list(layout.PROCESSING))
    views += [token_view(queue, token) for token in tokens]
    return [view for view in views if view is not None]


def _opened(
    queue: RelayQueue, name: str, request_id: str, state: State, owner: str = ""
) -> RequestView | None:
    try:
        body = wire.decode(queue.storage.read(name, limit=wire.MAX_BYTES + 1))
    except StorageMissingError:
        return None
    except (wire.WireError, RelayStorageError) as exc:
        return RequestView(request_id, state, "?", owner=owner, error=visible(str(exc)))
    return RequestView(
        request_id=request_id,
        state=state,
        op=visible(str(body.get("op", "?")), limit=64),
        args=_texts(body.get("args")),
        cwd=visible(str(body.get("cwd", "")), limit=400),
        client=visible(str(body.get("client", "")), limit=120),
        owner=owner,
        when=number_in(body.get("submitted_at")),
    )


def _answered(queue: RelayQueue, request_id: str) -> RequestView | None:
    try:
        answer: Response | None = queue.read_answer(request_id, listed=True)
    except RelayAnswerError as exc:
        return RequestView(request_id, State.CRASHED, "?", error=visible(str(exc), limit=400))
    if answer is None:
        return None
    return RequestView(
        request_id=request_id,
        state=answer.final_state,
        op=visible(answer.op, limit=64),
        args=_texts(answer.details.get("args")),
        cwd=visible(str(answer.details.get("cwd", "")), limit=400),
        when=number_in(answer.answered_at),
        returncode=answer.returncode,
        duration_s=answer.duration_s,
        error=None if answer.error is None else visible(answer.error, limit=2000),
        hint=None if answer.hint is None else visible(answer.hint, limit=2000),
        kind=None if answer.kind is None else visible(answer.kind, limit=40),
        notices=tuple(visible(notice, limit=400) for notice in answer.notices),
    )


def _destinations(queue: RelayQueue) -> tuple[str, ...]:
    """What the daemon has published for people; only as trustworthy as the queue."""
    if layout.DESTINATIONS not in queue.storage.list(""):
        return ()
    try:
        data = queue.storage.read(layout.DESTINATIONS, limit=MAX_ANSWER_BYTES + 1)
        found = wire.decode(data, max_bytes=MAX_ANSWER_BYTES).get("destinations")
    except (wire.WireError, RelayStorageError):
        return ()
    return _texts(found)


def _ids(queue: RelayQueue, folder: str) -> list[str]:
    return layout.requests_in(queue.storage.list(folder))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(visible(str(item)) for item in value) if isinstance(value, list) else ()
