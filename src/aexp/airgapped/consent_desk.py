"""Requests that wait for a person."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

from aexp.airgapped.adoption import Adoption
from aexp.airgapped.audit import Audit
from aexp.airgapped.crowding import Crowding
from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.folder_watch import FolderWatch
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.intake import Intake
from aexp.airgapped.jobs import Job
from aexp.airgapped.neighbours import Neighbours, Whose
from aexp.airgapped.notices import Notices
from aexp.airgapped.pace import Pace
from aexp.airgapped.parked import Parked, ParkedRequests, drawn
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.rulings import Rulings
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.waiting_notes import WaitingNotes
from aexp.domain import layout, wire
from aexp.domain.consent import CONSENT_EXPIRES_S, Event, decide
from aexp.domain.errors import RelayStorageError
from aexp.domain.layout import Token
from aexp.domain.limits import Limits
from aexp.domain.petition import Petition
from aexp.ports.clock import Clock
from aexp.ports.consent import Decisions, Verdicts


class ConsentDesk:
    """Parks requests, hears decisions, lets expire what nobody decides on."""

    def __init__(
        self,
        tokens: Tokens,
        intake: Intake,
        publisher: Publisher,
        decisions: Decisions,
        notices: Notices,
        clock: Clock,
        audit: Audit,
        flood: FloodAudit,
        limits: Limits,
        pace: Pace,
        grants: GrantBook,
        neighbours: Neighbours,
    ) -> None:
        self._pace = pace
        self._tokens = tokens
        self._intake = intake
        self._publisher = publisher
        self._decisions = decisions
        self._notices = notices
        self._clock = clock
        self._audit = audit
        self._crowding = Crowding(tokens.storage, limits)
        self._notes = WaitingNotes(tokens.storage, tokens.me, decisions.mode, clock)
        self._adoption = Adoption(tokens, intake, self._notes, clock, flood, neighbours)
        self._rulings = Rulings(tokens, intake, publisher, grants, clock, audit)
        self._parked = ParkedRequests()
        self._pending = FolderWatch(tokens.storage, layout.PENDING)

    @property
    def waiting(self) -> int:
        """How many requests wait for a person."""
        return len(self._parked)

    def parked(self) -> Collection[Parked]:
        """The requests that wait for a person, as they were when they began to."""
        return self._parked.values()

    def tell(self) -> None:
        """Let people be told what waits by now."""
        self._notices.turn(self._parked.keys())

    def has(self, request_id: str) -> bool:
        """Whether the request waits here, even if its token is just on the move."""
        return request_id in self._parked

    def park(self, job: Job) -> None:
        """Let a request wait, and tell people."""
        petition = job.petition
        if petition is None:
            raise ValueError(f"{job.request_id} has nothing to ask a person")
        petition = drawn(petition)
        too_many = self._crowding.too_many(petition, self.parked())
        if too_many is not None:
            self._rulings.crowded(job, too_many)
            return
        data = self._tokens.storage.read(job.token.name, limit=wire.MAX_BYTES + 1)
        if not self._forget_earlier(job, petition):
            return
        # Known before the move: a move that was made although it seemed to fail is noticed then.
        note = self._notes.begin(petition, data)
        self._parked[job.request_id] = Parked(petition, note, job.survey.destinations)
        if not self._tokens.park(job.token):
            del self._parked[job.request_id]
            return
        facts = {"op": petition.op, "cwd": petition.cwd, "digest": petition.digest}
        self._audit.note("pending", job.request_id, **facts, why=petition.reason)
        self._notices.began(petition)
        if job.request_id in self._tokens.storage.list(layout.CANCEL):
            self._cancel(job.request_id)

    def _cancel(self, request_id: str) -> None:
        """Its client asked to end it after it had left the inbox and before it could be seen here.

        A client leaves its mark first and then looks for the request here once more, and we look for the mark
        after it has come: one of the two finds the other.
        """
        token = self._tokens.unpark(request_id)
        if token is None:
            self._withdrawn(request_id)
            return
        self._rulings.cancelled(token, self._parked.pop(request_id))
        self._tokens.storage.remove(f"{layout.CANCEL}/{request_id}")
        self._tidy(request_id)

    def _forget_earlier(self, job: Job, petition: Petition) -> bool:
        """Remove an approval that was there before the request; False when that cannot be done."""
        try:
            if self._decisions.park(petition):
                self._audit.warn("earlier-approval-ignored", job.request_id)
        except RelayStorageError as exc:
            # To let it wait now would let that approval decide.
            what = (
                f"An approval of {job.valid.op} was there before the request and cannot be removed."
            )
            self._publisher.publish(
                job.token, job.answer(job.move(Event.REJECT), error=what, hint=str(exc))
            )
            return False
        return True

    def adopt(self, *, at_start: bool = False) -> None:
        """Compare with ``pending/``: what was waiting before this daemon, and what has gone. Repeatable.

        A decision that came since another daemon showed the request counts.

        Args:
            at_start: whether they can have been shown under an earlier daemon. What turns up later without
                another daemon's name was put there by somebody else.
        """
        if not self._parked.agreed:
            self._pending.forget()
        entries = self._pending.news()
        if entries is None:
            return
        self._parked.agreed = False
        there = layout.requests_in(entries)
        self._miss(self._parked.keys() - set(there))
        too_many = partial(self._crowding.too_many_here, parked=self.parked())
        for found in self._adoption.found(there, self._parked, too_many):
            petition, beside = drawn(found.petition), found.whose is Whose.ANOTHER
            try:
                note_it = self._notes.beside if beside else self._notes.begin
                note = note_it(petition, found.data)
            except RelayStorageError as exc:
                # Without its note a changed file could not be told; the next look asks again.
                self._audit.warn("not-adopted", petition.request_id, error=exc)
                continue
            goes_on = at_start or found.whose is not Whose.NOBODY
            if goes_on:
                self._decisions.resume(petition, note.since)
            else:
                self._decisions.park(petition)
            self._parked[petition.request_id] = Parked(petition, note, found.destinations)
            self._audit.note("still-pending", petition.request_id, op=petition.op)
        self._parked.agreed = self._parked.keys() == set(there)

    def _miss(self, missing: Collection[str]) -> None:
        """See to the requests that do not lie where people can see them."""
        for request_id in missing:
            if self._tokens.holds(request_id):
                # A move to pending/ that failed, or that was made after all.
                self._tokens.park(Token(request_id, self._tokens.me, "claim"))
            else:
                self._withdrawn(request_id)

    def hear(self) -> Iterator[Job]:
        """Act on what has been decided; gives the jobs that were approved, each as soon as it is ours."""
        # Also when nothing waits: somebody may have come to ask what does.
        verdicts = self._decisions.collect(self._parked, files=self._pace.markers_due())
        if not self._parked:
            return
        verdicts = self._rulings.with_grants(verdicts, self._parked, self._decisions.collect)
        self._explain(verdicts.ignored)
        for request_id in self._due(verdicts):
            event = self._event(request_id, verdicts)
            job = self._decided(request_id, event, verdicts) if event is not None else None
            if job is not None:
                yield job

    def _due(self, verdicts: Verdicts) -> list[str]:
        """The waiting requests that were decided on, and those that have expired."""
        decided = verdicts.approved.keys() | verdicts.rejected.keys() | verdicts.granted.keys()
        decided = decided.union(self._parked.since_before(self._clock.wall() - CONSENT_EXPIRES_S))
        return [one for one in self._parked if one in decided] if decided else []

    def _event(self, request_id: str, verdicts: Verdicts) -> Event | None:
        expired = self._clock.wall() - self._parked[request_id].note.since > CONSENT_EXPIRES_S
        return decide(
            approved=request_id in verdicts.approved or request_id in verdicts.granted,
            rejected=request_id in verdicts.rejected,
            expired=expired,
        )

    def _decided(self, request_id: str, event: Event, verdicts: Verdicts) -> Job | None:
        token = self._tokens.unpark(request_id)
        if token is None:
            self._withdrawn(request_id)
            return None
        parked = self._parked.pop(request_id)
        how, granted = verdicts.approved.get(request_id), verdicts.granted.get(request_id)
        told = (how or granted) if event is Event.APPROVE else None
        facts = {"op": parked.op, "digest": parked.petition.digest}
        self._audit.note(event.value, request_id, **facts, how=told)
        job = None
        if event is Event.APPROVE:
            job = self._rulings.approved(token, parked, granted=how is None)
        else:
            self._rulings.refused(token, parked, event, verdicts.rejected.get(request_id, ""))
        if not self._publisher.holds(request_id):
            # A rejection stays until its answer is there: should we die first, it is heard again.
            self._tidy(request_id)
        return job

    def _explain(self, ignored: Mapping[str, str]) -> None:
        """Tell the log and the waiting clients why an approval does not count."""
        for request_id, why in ignored.items():
            parked = self._parked.get(request_id)
            if parked is None:
                continue
            self._audit.warn("approval-ignored", request_id, why=why)
            note = self._notes.say(parked.petition, parked.note, why)
            self._parked[request_id] = replace(parked, note=note)

    def _withdrawn(self, request_id: str) -> None:
        self._parked.pop(request_id, None)
        self._intake.forget(request_id)
        if self._tokens.is_answered(request_id):
            # Otherwise another daemon may have it, who needs the note and the decisions.
            self._tidy(request_id)
        # Where several serve, another daemon may have decided on it: that one's trail tells.
        self._audit.note("gone" if self._tokens.storage.shared else "withdrawn", request_id)

    def _tidy(self, request_id: str) -> None:
        try:
            self._decisions.settle(request_id)
            self._notes.end(request_id)
        except RelayStorageError as exc:
            # The decision stands; what is left behind is swept with the rest.
            self._audit.warn("untidy", request_id, error=exc)
