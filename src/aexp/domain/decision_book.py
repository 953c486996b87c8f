"""The petitions that wait, and what people have said of them over the socket."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aexp.domain import wire
from aexp.domain.consent import APPROVAL_EXPIRES_S
from aexp.domain.decisions import MAX_LIST_BYTES, NOT_FOUND, REFUSED, Question, failure, listed
from aexp.domain.identity import PREFIX
from aexp.domain.petition import Petition
from aexp.domain.text import visible


@dataclass
class _Entry:
    petition: Petition
    since: float
    approved: tuple[str, float] | None = None  # how, and when
    rejected: str | None = None


class DecisionBook:
    """Kept in the daemon's memory, where no file can change it. Does no I/O; the caller gives the time."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._decided: set[str] = set()

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._entries

    def park(self, petition: Petition, since: float) -> bool:
        """Let it wait, without any decision; True when there was an approval.

        Args:
            since: when it began to wait, in seconds since 1970.
        """
        earlier = self._entries.get(petition.request_id)
        self._entries[petition.request_id] = _Entry(petition, since)
        self._decided.discard(petition.request_id)
        return earlier is not None and earlier.approved is not None

    def settle(self, request_id: str) -> None:
        """Forget it and every decision on it."""
        self._entries.pop(request_id, None)
        self._decided.discard(request_id)

    def approved(self, waiting: Collection[str], now: float) -> dict[str, str]:
        """Request id to how it was approved, for those whose approval is not too old."""
        oldest = now - APPROVAL_EXPIRES_S
        found = {}
        for request_id in self._decided:
            approved = self._entries[request_id].approved
            if approved is not None and approved[1] >= oldest and request_id in waiting:
                found[request_id] = approved[0]
        return found

    def rejected(self, waiting: Collection[str]) -> dict[str, str]:
        """Request id to the reason."""
        found = {}
        for request_id in self._decided:
            rejected = self._entries[request_id].rejected
            if rejected is not None and request_id in waiting:
                found[request_id] = rejected
        return found

    def answer(self, question: Question, how: str, now: float) -> dict[str, Any]:
        """Act on a question.

        Args:
            how: who asks, in words for the audit trail.
            now: seconds on a clock that never goes back.
        """
        if question.verb == "list":
            return self._list()
        found = self._find(question.request_id, whole=question.verb != "show")
        if not isinstance(found, _Entry):
            return found
        if question.verb == "approve":
            if not _equal(question.digest, found.petition.digest):
                return failure(
                    REFUSED,
                    f"What was approved of {found.petition.request_id} is not what waits; "
                    "nothing was approved.",
                    "Look at it again with `aexp relay approve`; somebody may have changed a file.",
                )
            found.approved = (how, now)
            self._decided.add(found.petition.request_id)
        elif question.verb == "reject":
            found.rejected = question.reason
            self._decided.add(found.petition.request_id)
        return {"ok": True, "petition": found.petition.to_dict()}

    def _list(self) -> dict[str, Any]:
        told: list[dict[str, Any]] = []
        size = 0
        for entry in self._entries.values():
            line = listed(entry.petition, entry.since)
            size += len(wire.encode(line))
            if size > MAX_LIST_BYTES:
                break
            told.append(line)
        return {"ok": True, "waiting": told, "more": len(self._entries) - len(told)}

    def _find(self, request_id: str, *, whole: bool) -> "_Entry | dict[str, Any]":
        if whole and request_id in self._entries:
            return self._entries[request_id]
        fits = [] if whole or not PREFIX.fullmatch(request_id) else [*self._entries]
        fits = [known for known in fits if known.startswith(request_id)]
        if len(fits) == 1:
            return self._entries[fits[0]]
        shown = visible(request_id, limit=64, ascii_only=True)
        if fits:
            what, hint = f"{len(fits)} waiting requests begin with {shown}.", "Give more digits."
        else:
            what = f"No request that begins with {shown} waits for consent."
            hint = "`aexp relay pending` lists what does."
        return failure(NOT_FOUND, what, hint)


def _equal(told: str, known: str) -> bool:
    return hmac.compare_digest(told.encode("utf-8", "replace"), known.encode("ascii"))
