"""Finding the requests that were waiting for a person before this daemon."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.intake import Intake
from aexp.airgapped.neighbours import Neighbours, Whose
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.waiting_notes import WaitingNotes
from aexp.domain import layout, wire
from aexp.domain.destinations import Destination
from aexp.domain.errors import (
    ProgramMissingError,
    RelayStorageError,
    RelayValidationError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.domain.petition import Petition
from aexp.ports.clock import Clock

ADOPTING_S = 1.0
"""Seconds that one look may take; the next one goes on."""
AGAIN_S = 60.0
"""Seconds until a request is looked at again for which a program is missing here: it may be there by then."""


@dataclass(frozen=True)
class Found:
    """A request that waits and was not known.

    Attributes:
        petition: what a person must be asked.
        destinations: where it leads.
        data: the bytes of its file.
        whose: who else sees to it.
    """

    petition: Petition
    destinations: tuple[Destination, ...]
    data: bytes
    whose: Whose


class Adoption:
    """Looks through ``pending/``, where a requester may have put anything."""

    def __init__(
        self,
        tokens: Tokens,
        intake: Intake,
        notes: WaitingNotes,
        clock: Clock,
        flood: FloodAudit,
        neighbours: Neighbours,
    ) -> None:
        self._neighbours = neighbours
        self._tokens = tokens
        self._intake = intake
        self._clock = clock
        self._flood = flood
        self._notes = notes
        self._left: dict[str, float] = {}

    def found(
        self,
        there: Iterable[str],
        known: Collection[str],
        too_many: Callable[[Petition], object],
    ) -> Iterator[Found]:
        """Each request that is not known, and that this daemon is to hear people on.

        A request that nobody needs to be asked about, or that is one too many, goes back to the inbox. One
        that lacks nothing but a program on this daemon stays where it is, for a daemon that has it; so does
        each that another daemon sees to.

        Args:
            there: the ids that lie in ``pending/``.
            too_many: whether no more may wait beside a request.
        """
        began = self._clock.monotonic()
        ids = list(there)
        self._left = {one: self._left[one] for one in ids if one in self._left}
        beating = self._neighbours.look(ids)
        for request_id in ids:
            if request_id in known or began < self._left.get(request_id, began):
                continue
            if self._clock.monotonic() - began > ADOPTING_S:
                return
            whose = self._neighbours.whose(request_id, beating)
            if whose is Whose.ANOTHER and not self._neighbours.joins:
                continue
            data = self._body(request_id, whose)
            found = None if data is None else self._asked(request_id, data, too_many, whose)
            if found is not None:
                yield found

    def _asked(
        self, request_id: str, data: bytes, too_many: Callable[[Petition], object], whose: Whose
    ) -> Found | None:
        self._intake.remember(request_id)
        try:
            admitted = self._intake.examine(request_id, data)
        except ProgramMissingError as exc:
            self._leave(request_id, exc, told=whose is not Whose.ANOTHER)
            return None
        except RelayValidationError:
            admitted = None
        except RelayStorageError as exc:
            self._flood.warn("not-adopted", request_id, error=exc)
            return None
        petition = None if admitted is None else admitted.petition
        if admitted is not None and petition is not None and not too_many(petition):
            return Found(petition, admitted.survey.destinations, data, whose)
        if whose is Whose.ANOTHER:
            # That one asked people about it, and will hear them.
            self._left[request_id] = self._clock.monotonic() + AGAIN_S
            return None
        token = self._tokens.unpark(request_id)
        if token is not None:
            self._intake.forget(request_id)
            self._tokens.give_back(token)
        return None

    def _leave(self, request_id: str, why: ProgramMissingError, *, told: bool) -> None:
        if request_id not in self._left:
            self._flood.warn("left-pending", request_id, error=why)
        self._left[request_id] = self._clock.monotonic() + AGAIN_S
        if not told:
            return
        try:
            self._notes.remark(
                request_id,
                f"The daemon that serves now cannot run it: {why.what} It is left for one that can.",
            )
        except RelayStorageError as exc:
            # Whoever waits is told a little later.
            self._flood.warn("untold", request_id, error=exc)

    def _body(self, request_id: str, whose: Whose) -> bytes | None:
        try:
            return self._tokens.storage.read(layout.pending(request_id), limit=wire.MAX_BYTES + 1)
        except StorageMissingError:
            return None
        except StorageUnfitError as exc:
            if whose is not Whose.ANOTHER:
                self._flood.warn("set-aside", request_id, error=exc)
                self._tokens.set_aside_parked(request_id)
        except RelayStorageError as exc:
            self._flood.warn("unreadable", request_id, error=exc)
        return None
