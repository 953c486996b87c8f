"""What is over, by the end of the trail's copy in the queue: one file, whatever a week has left behind."""

import datetime as dt
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aexp.airgapped.console.growing import GrowingEnd
from aexp.airgapped.console.picture import Past
from aexp.domain import layout
from aexp.domain.chain import ChainError, Entry
from aexp.domain.consent import State
from aexp.domain.errors import RelayStorageError
from aexp.domain.text import visible
from aexp.ports.storage import QueueStorage

MOST_PAST = 100
MOST_OPEN = 1000
MOST_TRAILS = 64
_KEPT = ("op", "args", "cwd", "how")


class History:
    """The last requests that ended, for looking: whoever can write the queue can change that copy."""

    def __init__(self, storage: QueueStorage) -> None:
        self._storage = storage
        self.begin_anew()

    def begin_anew(self) -> None:
        """Another daemon serves: its copy of the trail may be another one."""
        self._ends: dict[str, GrowingEnd] = {}
        self._torn: dict[str, bytes] = {}
        self._open: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._past: deque[Past] = deque(maxlen=MOST_PAST)

    def look(self) -> tuple[Past, ...]:
        """The latest first. What cannot be read now is read later."""
        with suppress(RelayStorageError):
            self._read_on()
        return tuple(reversed(self._past))

    def _read_on(self) -> None:
        if not self._ends or self._storage.shared:
            # Listed before it is opened, as everywhere. Where several serve, each node has its own.
            for name in sorted(filter(layout.is_trail_copy, self._storage.list("")))[:MOST_TRAILS]:
                if self._storage.shared or name == layout.TRAIL_COPY:
                    self._ends.setdefault(name, GrowingEnd(self._storage, name))
        for name, end in self._ends.items():
            self._read_end(name, end)

    def _read_end(self, name: str, end: GrowingEnd) -> None:
        data, skipped = end.read()
        held = b"" if skipped else self._torn.get(name, b"")
        *whole, self._torn[name] = (held + data).split(b"\n")
        for line in whole[1:] if skipped else whole:
            try:
                self._take(Entry.from_line(line))
            except ChainError:
                # `aexp relay audit verify` is what tells of such a line.
                continue

    def _take(self, entry: Entry) -> None:
        known = self._open.pop(entry.request, {})
        facts = {key: value for key, value in entry.facts.items() if value is not None}
        if entry.event == "done" or (entry.event == "crashed" and facts.get("answered")):
            self._past.append(_past(entry, {**known, **facts}))
            return
        if entry.request == "-":
            return
        self._open[entry.request] = {**known, **{key: facts[key] for key in _KEPT if key in facts}}
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)


def _past(entry: Entry, facts: Mapping[str, Any]) -> Past:
    returncode = facts.get("returncode")
    told = "crashed" if entry.event == "crashed" else str(facts.get("state"))
    return Past(
        request_id=visible(entry.request, limit=36),
        at=_seconds(entry.at),
        state=State(told) if told in [*State] else None,
        op=_text(facts, "op", 64) or "?",
        args=_text(facts, "args", 200),
        cwd=_text(facts, "cwd", 400),
        decided=_text(facts, "how", 80),
        returncode=returncode if type(returncode) is int else None,
        error=_text(facts, "error", 400),
    )


def _text(facts: Mapping[str, Any], key: str, limit: int) -> str:
    return visible(str(facts.get(key, "")), limit=limit)


def _seconds(at: str) -> float | None:
    try:
        return dt.datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):
        return None
