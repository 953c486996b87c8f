"""From jobs that may run to a command that runs."""

from collections.abc import Callable, Iterable, Sequence

from aexp.airgapped.audit import Audit
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.jobs import Job
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.runlog import RunLog
from aexp.airgapped.runs import Run
from aexp.airgapped.tokens import Tokens
from aexp.domain.consent import APPROVAL_EXPIRES_S, Event
from aexp.domain.errors import AexpError, RelayStartError, RelayStorageError, StorageFullError
from aexp.domain.failure_rules import Kind
from aexp.domain.failures import kind_of_refusal
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.executor import Command, Execution, Executor

RESERVED = 16
"""Small texts that can still be written on a full disk: an answer for each run, and the beats."""
MOST_SHARED = 64
"""Requests that one run may answer."""


def sharing(job: Job, ready: Iterable[Job]) -> list[Job]:
    """The other jobs that wait and that the run of this one answers as well.

    They ask for the very same, have not started, and do no harm by being answered together: what changes a
    working copy or a remote never shares, nor does what a person was asked about.
    """
    if not _may_share(job):
        return []
    found = []
    for other in ready:
        if other is not job and _may_share(other) and _asks_the_same(job, other):
            found.append(other)
            if len(found) == MOST_SHARED - 1:
                break
    return found


def _may_share(job: Job) -> bool:
    return job.spec.shares and job.petition is None and job.request.coalesce is not False


def _asks_the_same(one: Job, other: Job) -> bool:
    return one.valid == other.valid and one.survey == other.survey


class Starter:
    """Starts the command of a job, at most once, and answers where that cannot be done.

    Args:
        lost: told of a request that another daemon has taken from us.
    """

    def __init__(
        self,
        tokens: Tokens,
        publisher: Publisher,
        executor: Executor,
        clock: Clock,
        audit: Audit,
        grants: GrantBook,
        lost: Callable[[str], None],
    ) -> None:
        self._grants = grants
        self._tokens = tokens
        self._publisher = publisher
        self._executor = executor
        self._clock = clock
        self._audit = audit
        self._lost = lost

    def start(self, job: Job, others: Sequence[Job]) -> tuple[Run | None, list[Job]]:
        """Start it for all of them.

        Returns:
            The run, None when there is none; and those of the others that are seen to by now.

        Raises:
            RelayStorageError: whether the job's token moved is not known; nothing was started. Call it again.
        """
        if self._is_overdue(job) or not self._has_room(job):
            return None, []
        jobs = [job] if self._own(job) else []
        taken = []
        for other in others:
            try:
                ours = self._own(other)
            except RelayStorageError as exc:
                # It waits for its next turn, where this is asked again.
                self._audit.warn("not-shared", other.request_id, error=exc)
                break
            taken.append(other)
            jobs += [other] if ours else []
        return (self._run(jobs) if jobs else None), taken

    def _own(self, job: Job) -> bool:
        """Note that it runs from now on; False when another daemon has it."""
        # Whether the token moved is not always known. Asking again tells: a move that was made says yes.
        token = self._tokens.start(job.token, durable=job.spec.starts_once)
        if token is None:
            # Another daemon took us for dead and adopted the claim; it is the one that runs it.
            self._audit.warn("fenced", job.request_id)
            self._lost(job.request_id)
            return False
        job.token = token
        job.move(Event.START)
        return True

    def _run(self, jobs: list[Job]) -> Run | None:
        first = jobs[0]
        notice = self._grants.used(first)
        log = RunLog(self._tokens.storage, first.request_id, self._clock, self._audit)
        log.add(f"$ {' '.join(first.argv)}  (cwd={first.valid.cwd})\n".encode())
        began = self._clock.monotonic()
        try:
            execution = self._begin(first)
        except RelayStartError as exc:
            log.add(f"{exc}\n".encode())
            log.end()
            for job in jobs:
                state = job.move(Event.START_FAIL)
                kind = kind_of_refusal(exc.what)
                answer = job.answer(state, error=exc.what, hint=exc.hint, kind=kind)
                self._publisher.publish(job.token, answer)
            log.flush()
            return None
        first.notice = notice
        for job in jobs:
            shared = None if job is first else first.request_id
            told = {"op": job.valid.op, "cwd": job.valid.cwd, "in_the_run_of": shared}
            self._audit.note("started", job.request_id, **told)
        return Run(jobs, execution, log, began)

    def _begin(self, job: Job) -> Execution:
        command = Command(job.argv, job.valid.cwd, job.request_id, job.valid.op, job.survey)
        try:
            return self._executor.start(command)
        except AexpError:
            raise
        except Exception as exc:
            # A defect of ours, met by what one working copy holds, must not end the daemon for all.
            self._audit.defect(job.request_id, exc)
            raise RelayStartError(
                f"{job.valid.op} met a defect of the relay ({type(exc).__name__}); nothing was run.",
                "Please report what daemon.log says.",
            ) from exc

    def _is_overdue(self, job: Job) -> bool:
        """Whether its approval is too old to count by now; then the request is answered so."""
        now = self._clock.monotonic()
        if job.approved_at is None or now - job.approved_at <= APPROVAL_EXPIRES_S:
            return False
        waited = age(now - job.approved_at)
        what = f"{job.valid.op} did not come to its turn within {waited} of its approval; it was not run."
        hint = "Submit it again, and have it approved again."
        answer = job.answer(job.move(Event.EXPIRE), error=what, hint=hint)
        self._publisher.publish(job.token, answer)
        return True

    def _has_room(self, job: Job) -> bool:
        """Keep space for the answer before anything runs: the command itself may fill the disk."""
        try:
            self._tokens.storage.reserve(RESERVED)
        except StorageFullError as exc:
            state = job.move(Event.START_FAIL)
            what = f"There is no room left for an answer, so {job.valid.op} was not run. {exc.what}"
            answer = job.answer(state, error=what, hint=exc.hint, kind=Kind.DISK_FULL)
            self._publisher.publish(job.token, answer)
            return False
        return True
