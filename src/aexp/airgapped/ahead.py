"""Who waits on whom: what the queue shows of the requests that have not started.

Nothing is written for it and the daemon does nothing for it: the tokens in ``processing/``, the requests in
them and what the beat says of the daemon tell it.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from aexp.airgapped.inspection import RequestView, open_views, request_view
from aexp.airgapped.queue import RelayQueue
from aexp.domain.consent import FINAL, State
from aexp.domain.errors import FilesystemError
from aexp.domain.limits import MOST_AT_ONCE
from aexp.domain.validation import working_copy
from aexp.ports.filesystem import Filesystem


class WaitsFor(StrEnum):
    """What an open request that does not run waits for."""

    PERSON = "person"  # a person's consent
    REQUEST = "request"  # an earlier one in the same working copy
    SLOT = "slot"  # as many run as may
    DAEMON = "daemon"  # its next look at the queue


def open_requests(queue: RelayQueue, filesystem: Filesystem) -> list[RequestView]:
    """The open requests, the oldest first, each with what it waits for.

    Raises:
        RelayStorageError: the queue cannot be read.
    """
    views = sorted(open_views(queue), key=_age)
    return waits_in(queue, views, filesystem)


def waits_in(
    queue: RelayQueue, views: Iterable[RequestView], filesystem: Filesystem
) -> list[RequestView]:
    """The same requests of a queue in the same order, each open one with what it waits for."""
    shared, most = queue.storage.shared, most_at_once(queue)
    return with_waits(views, copy_of(filesystem), most, left_till_free=shared)


def most_at_once(queue: RelayQueue) -> int:
    """Operations that run at the same time, as the beats of those that serve say."""
    beat = queue.beat()
    beats = queue.own_beats() or [*filter(None, [beat])]
    told = [beat.facts.get("most_at_once") for beat in beats]
    return sum(one if isinstance(one, int) else MOST_AT_ONCE for one in told) or MOST_AT_ONCE


def request_of(queue: RelayQueue, request_id: str, filesystem: Filesystem) -> RequestView:
    """One request, with what it waits for if it does.

    Raises:
        RelayNotFoundError: the queue knows nothing of it.
    """
    view = request_view(queue, request_id)
    if view.state in FINAL or view.state is State.RUNNING:
        return view
    found = (one for one in open_requests(queue, filesystem) if one.request_id == request_id)
    return next(found, view)


def with_waits(
    views: Iterable[RequestView],
    copy: Callable[[str], str],
    most: int,
    *,
    left_till_free: bool = False,
) -> list[RequestView]:
    """The same requests in the same order, each open one with what it waits for.

    Args:
        copy: the root of the working copy that a folder lies in.
        most: operations that may run at the same time.
        left_till_free: whether daemons leave requests where they are until one of them could start them.
    """
    views = [*views]
    running = [view for view in views if view.state is State.RUNNING]
    approved = sorted((view for view in views if view.state is State.APPROVED), key=_age)
    # Requests that share a run are several tokens and take one place.
    full = len({_asked(view) for view in running}) >= most
    first: dict[str, str] = {copy(view.cwd): view.request_id for view in running}
    found: dict[str, tuple[WaitsFor, str | None]] = {}
    for view in approved:
        behind = first.setdefault(copy(view.cwd), view.request_id)
        if behind != view.request_id:
            found[view.request_id] = (WaitsFor.REQUEST, behind)
        else:
            found[view.request_id] = (WaitsFor.SLOT if full else WaitsFor.DAEMON, None)
    for view in views:
        if view.state is State.PENDING:
            found[view.request_id] = (WaitsFor.PERSON, None)
        elif view.state is State.RECEIVED:
            left = full and left_till_free
            found[view.request_id] = (WaitsFor.SLOT if left else WaitsFor.DAEMON, None)
    return [_with(view, *found.get(view.request_id, (None, None))) for view in views]


def copy_of(filesystem: Filesystem) -> Callable[[str], str]:
    """The root of the working copy that a folder lies in, as this node sees it; each is looked up once."""
    home, known = Path(filesystem.resolve(os.path.expanduser("~"))), dict[str, str]()

    def exists(path: str) -> bool:
        try:
            return filesystem.kind(path) is not None
        except FilesystemError:
            # What cannot be looked at from here is told apart by its folder.
            return False

    def root(cwd: str) -> str:
        if cwd not in known:
            known[cwd] = str(working_copy(Path(cwd), home, exists))
        return known[cwd]

    return root


def _with(view: RequestView, waits_for: WaitsFor | None, behind: str | None) -> RequestView:
    return replace(view, waits_for=waits_for, behind=behind)


def _age(view: RequestView) -> tuple[float, str]:
    return view.when or 0.0, view.request_id


def _asked(view: RequestView) -> tuple[str, ...]:
    from aexp.domain.operations import ALLOWED

    spec = ALLOWED.get(view.op)
    shares = spec is not None and spec.shares
    return (view.op, view.cwd, *view.args) if shares else (view.request_id,)
