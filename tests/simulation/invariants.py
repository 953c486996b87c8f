"""What must hold when a run has settled. What must hold at every moment is watched by the stage."""

from collections.abc import Iterator

from aexp.domain import layout
from aexp.domain.consent import State
from tests.simulation.clients import outcome_of
from tests.simulation.stage import Fate, Stage

_NEVER_RAN = (State.REJECTED, State.EXPIRED, State.INVALID, State.FAILED_TO_START)
MADE = "made"
"""What a daemon puts into a new folder for a moment; one that stands still just then leaves it."""
_LASTING = (layout.DAEMONS, layout.LEASE, layout.SWEEP)
"""Folders that a living daemon keeps something in."""


def broken(stage: Stage) -> list[str]:
    """Every promise that this run broke."""
    found = [*stage.violations]
    for fate in stage.fates.values():
        found += _of_request(fate)
    for folder in (layout.INBOX, layout.PROCESSING, layout.PENDING):
        left = [entry for entry in stage.disk.list(folder) if entry != MADE]
        if left:
            found.append(f"{folder}/ still holds {left}")
    return found


def unswept(stage: Stage) -> list[str]:
    """What is still there after the days that it may be kept."""
    folders = [name for name in (*layout.FOLDERS, layout.BAD, "tmp") if name not in _LASTING]
    folders += [layout.STARTED] if stage.crowd else []
    left = {folder: [one for one in stage.disk.list(folder) if one != MADE] for folder in folders}
    living = {f"{name}.hb" for name, process in stage.processes.items() if process.is_there}
    left[layout.DAEMONS] = [name for name in stage.disk.list(layout.DAEMONS) if name not in living]
    return [f"{folder}/ was not swept: {names[:5]}" for folder, names in left.items() if names]


def _of_request(fate: Fate) -> Iterator[str]:
    answer, request_id = fate.answer, fate.request_id
    if answer is None:
        told = "accepted" if fate.accepted else "left"
        yield f"{request_id} was {told} and never answered"
        return
    state, starts = answer.final_state, fate.starts
    if fate.followed and fate.outcome != outcome_of(fate):
        yield f"{request_id}: the client got {fate.outcome}, the answer says {outcome_of(fate)}"
    if state in _NEVER_RAN and starts:
        yield f"{request_id} was answered {state} but was started"
    if fate.repeated and state is State.CANCELLED:
        # What was taken back may have been the copy; the first one may have run.
        return
    if state is State.COMPLETED:
        yield from _completed(fate, answer.returncode)
    if state is State.CANCELLED and bool(starts) != (answer.returncode is not None):
        yield f"{request_id} was cancelled, started {len(starts)} times, rc {answer.returncode}"
    if state is State.TIMED_OUT and (len(starts) != 1 or not starts[0].execution.signals):
        yield f"{request_id} was answered timed-out but was not ended by us"
    if fate.withdrawn and not fate.repeated and (state is not State.CANCELLED or starts):
        yield f"{request_id}: cancel said it would never run; {state}, {len(starts)} starts"


def _completed(fate: Fate, returncode: int | None) -> Iterator[str]:
    if len(fate.starts) != 1:
        yield f"{fate.request_id} was answered completed but was started {len(fate.starts)} times"
        return
    execution = fate.starts[0].execution
    if execution.status is None or execution.status != returncode:
        yield f"{fate.request_id} ended with {execution.status}, answered {returncode}"
