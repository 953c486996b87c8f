"""What follows from a person's decision, once the request is in the daemon's hands again."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from aexp.airgapped.audit import Audit
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.intake import Intake
from aexp.airgapped.jobs import Job
from aexp.airgapped.parked import Parked
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.waiting_notes import digest
from aexp.domain import wire
from aexp.domain.consent import CANCELLED, CONSENT_EXPIRES_S, Event, State
from aexp.domain.errors import RelayStorageError
from aexp.domain.layout import Token
from aexp.domain.text import age, visible
from aexp.ports.clock import Clock
from aexp.ports.consent import Verdicts


class Rulings:
    """Turns a decision into a job that may run, or into the answer that it may not."""

    def __init__(
        self,
        tokens: Tokens,
        intake: Intake,
        publisher: Publisher,
        grants: GrantBook,
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._grants = grants
        self._tokens = tokens
        self._intake = intake
        self._publisher = publisher
        self._clock = clock
        self._audit = audit

    def crowded(self, job: Job, too_many: str) -> None:
        """Answer that too much waits for people already for one more to begin to."""
        what = f"{job.valid.op} was refused: {too_many}."
        hint = "Have some decided on the login node (`aexp relay pending`), or cancel some."
        self._publisher.publish(
            job.token, job.answer(job.move(Event.REJECT), error=what, hint=hint)
        )

    def with_grants(
        self,
        verdicts: Verdicts,
        waiting: Mapping[str, Parked],
        collect: Callable[[Collection[str]], Verdicts],
    ) -> Verdicts:
        """The verdicts, and what may go under a grant. When something may, people are heard once more.

        Args:
            collect: gives the decisions on some requests, also those that people leave in the queue.
        """
        granted = self._granted(waiting)
        if not granted:
            return verdicts
        # A rejection may lie in the queue, and wins.
        again = collect(waiting)
        return replace(again, ignored={**verdicts.ignored, **again.ignored}, granted=granted)

    def _granted(self, waiting: Mapping[str, Parked]) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._grants.is_empty:
            return found
        for request_id, one in waiting.items():
            asked = one.petition
            grant = self._grants.covering(asked.op, Path(asked.root), one.destinations)
            if grant is not None:
                found[request_id] = grant.told(self._grants.ends_at(grant))
        return found

    def approved(self, token: Token, parked: Parked, *, granted: bool = False) -> Job | None:
        """The job, if the request and what it would do are still what was approved.

        Args:
            granted: whether it is a grant that lets it go: then that must cover it as it is now.
        """
        data = self.body(token.name)
        if data is None:
            # Unreadable for now: the recovery finds the claim, and it is asked for again.
            return None
        if digest(data) != parked.note.file:
            what = "The request was changed while it waited for consent; it was not run."
            answer = parked.refusal(State.REJECTED, what)
            self._publisher.publish(token, answer)
            return None
        job = self._intake.admit(token, data, decided=True)
        if job is None or job.petition is None:
            return job
        shown = parked.petition
        changed = replace(job.petition, nonce=shown.nonce).digest != shown.digest
        if changed or (granted and not self._grants.allows(job)):
            what = "What the request would do has changed since it was shown; it was not run."
            hint = "Submit it again, and have it approved as it is now."
            answer = job.answer(job.move(Event.REJECT), error=what, hint=hint)
            self._publisher.publish(job.token, answer)
            return None
        job.move(Event.APPROVE)
        if granted:
            # Asked about again right before it starts, and told by what people saw of it.
            job.petition = shown
        else:
            job.approved_at = self._clock.monotonic()
        return job if self._intake.will_run(job) else None

    def refused(self, token: Token, parked: Parked, event: Event, reason: str) -> None:
        """Answer that a person said no, or that nobody said anything in time."""
        if event is Event.REJECT:
            why = f": {visible(reason.strip(), limit=400)}" if reason.strip() else ""
            what = f"A person on the login node rejected {parked.op}{why}."
            hint = "Talk to them before you submit it again."
            answer = parked.refusal(State.REJECTED, what, hint)
        else:
            within = age(CONSENT_EXPIRES_S)
            what = f"Nobody decided on {parked.op} within {within}; it was not run."
            hint = "Submit it again and have it approved with relay-approve."
            answer = parked.refusal(State.EXPIRED, what, hint)
        self._publisher.publish(token, answer)

    def cancelled(self, token: Token, parked: Parked) -> None:
        """Answer that its client took it back."""
        self._audit.note("cancel", token.request_id)
        self._publisher.publish(token, parked.refusal(State.CANCELLED, CANCELLED, None))

    def body(self, name: str) -> bytes | None:
        """The bytes of a request's file; None when they cannot be read now."""
        try:
            return self._tokens.storage.read(name, limit=wire.MAX_BYTES + 1)
        except RelayStorageError as exc:
            self._audit.warn("unreadable", error=exc)
            return None
