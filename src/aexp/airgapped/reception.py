"""Where a request goes once it is ours: to the desk of those that wait for a person, or to the runner."""

from collections.abc import Callable, Sequence

from aexp.airgapped.audit import Audit
from aexp.airgapped.claiming import Room
from aexp.airgapped.consent_desk import ConsentDesk
from aexp.airgapped.intake import Intake
from aexp.airgapped.jobs import Job
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.runner import Runner
from aexp.airgapped.tokens import Tokens
from aexp.domain import layout
from aexp.domain.consent import Event, State
from aexp.domain.errors import RelayStorageError
from aexp.domain.layout import Token
from aexp.domain.limits import Limits


class Reception:
    """Takes requests in, hears decisions and cancellations, and passes each request on.

    Args:
        pulse: beats if it is time; called between any two requests, so that a slow storage does not
            make a daemon that works look dead.
    """

    def __init__(
        self,
        tokens: Tokens,
        intake: Intake,
        desk: ConsentDesk,
        runner: Runner,
        publisher: Publisher,
        pulse: Callable[[], None],
        audit: Audit,
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._tokens = tokens
        self._intake = intake
        self._desk = desk
        self._runner = runner
        self._publisher = publisher
        self._pulse = pulse
        self._audit = audit

    @property
    def folders(self) -> Sequence[str]:
        """The folders of the queue in which something comes in."""
        markers = (layout.PENDING, layout.APPROVED, layout.REJECTED) if self._desk.waiting else ()
        return (layout.INBOX, layout.CANCEL, *markers)

    def take_in(self) -> bool:
        """Do what has come in since the last look; True when something had.

        Raises:
            RelayStorageError: the storage failed; what had come in before is in its place.
        """
        jobs, acted = self._intake.take(self._pulse, self._room)
        self._pulse()
        for job in jobs:
            self._place(job)
            self._pulse()
        for job in self._desk.hear():
            acted = True
            # A person said yes to it: no cap stands above that.
            self._runner.add(job)
            self._pulse()
        if not self._runner.idle:
            acted |= self._hear_cancellations()
        return acted

    @property
    def _room(self) -> Room | None:
        """How many may be taken; None where nobody else could take them."""
        return self._room_among if self._tokens.storage.shared else None

    def _room_among(self, waiting: int) -> int:
        # More than may wait at all are taken in and refused.
        return waiting if waiting > self._limits.ready else self._runner.room

    def readmit(self, token: Token, data: bytes) -> None:
        """Take in a request that is ours already: a dead daemon's claim, or one that we lost sight of."""
        job = self._intake.admit(token, data)
        if job is not None:
            self._place(job)

    def ask_again(self, job: Job) -> None:
        """Let a request wait for a person: the grant under which it would have run has ended."""
        job.grant = None
        job.move(Event.ASK)
        self._place(job)

    def has(self, request_id: str) -> bool:
        """Whether the request's token in ``processing/`` is being dealt with."""
        return (
            self._runner.has(request_id)
            or self._publisher.holds(request_id)
            or self._desk.has(request_id)
        )

    def give_back(self) -> None:
        """Return what has not started to the inbox, for the next daemon."""
        for job in self._runner.waiting():
            self._tokens.give_back(job.token)
            self._audit.note("given-back", job.request_id)

    def _place(self, job: Job) -> None:
        if job.state is not State.PENDING:
            if not self._is_too_much(job):
                self._runner.add(job)
            return
        try:
            self._desk.park(job)
        except RelayStorageError as exc:
            # The recovery finds its token in a moment and brings it here again.
            self._audit.warn("not-parked", job.request_id, error=exc)

    def _is_too_much(self, job: Job) -> bool:
        """Whether too many wait to run already; then the request is answered so."""
        too_many = self._limits.too_many_ready(*self._runner.waiting_to_run(job.client))
        if too_many is None:
            return False
        what = f"{job.valid.op} was refused: {too_many}."
        hint = "Nothing was run. Wait until some are done, or cancel some (`aexp relay cancel`)."
        answer = job.answer(job.move(Event.REJECT), error=what, hint=hint)
        self._publisher.publish(job.token, answer)
        return True

    def _hear_cancellations(self) -> bool:
        acted = False
        for request_id in self._tokens.storage.list(layout.CANCEL):
            if self._runner.has(request_id) and self._runner.cancel(request_id):
                self._tokens.storage.remove(f"{layout.CANCEL}/{request_id}")
                self._audit.note("cancel", request_id)
                acted = True
        return acted
