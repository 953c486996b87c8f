"""Running what may run: several at once, one at a time for each working copy, never waiting."""

from collections.abc import Callable, Iterator

from aexp.airgapped.audit import Audit
from aexp.airgapped.jobs import Job
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.runlog import RunLog
from aexp.airgapped.runs import Run
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.turns import Turns
from aexp.domain import layout
from aexp.domain.consent import APPROVAL_EXPIRES_S, Event
from aexp.domain.errors import AexpError, RelayStartError, RelayStorageError, StorageFullError
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.executor import Command, Execution, Executor

MOST_AT_ONCE = 4
READ_BYTES = 256 * 1024
RESERVED = 16
"""Small texts that can still be written on a full disk: an answer for each run, and the beats."""
LAST_READS = 64
"""Reads after the end of a command: what it left in its pipe, but not what a grandchild adds for ever."""


class Runner:
    """Starts, watches and ends commands.

    Args:
        most_at_once: commands that may run at the same time.
        lost: told of a request that another daemon has taken from us.
    """

    def __init__(
        self,
        tokens: Tokens,
        publisher: Publisher,
        executor: Executor,
        clock: Clock,
        audit: Audit,
        most_at_once: int = MOST_AT_ONCE,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tokens = tokens
        self._publisher = publisher
        self._executor = executor
        self._clock = clock
        self._audit = audit
        self._most = most_at_once
        self._lost = lost
        self._ready: Turns[Job] = Turns()
        self._runs: list[Run] = []

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits to run."""
        return len(self._ready) == 0 and not self._runs

    @property
    def running(self) -> list[str]:
        """The ids of the requests whose commands run."""
        return [run.job.request_id for run in self._runs]

    def has(self, request_id: str) -> bool:
        """Whether the request runs or waits to run."""
        return self._ready.has(request_id) or request_id in self.running

    def waiting_to_run(self, client: str) -> tuple[int, int]:
        """How many jobs wait to run, in all and of this client."""
        return len(self._ready), self._ready.count(client)

    def add(self, job: Job) -> None:
        """Queue an approved job. Clients take turns; the jobs of one client keep their order."""
        self._ready.add(job)

    def start_ready(self) -> bool:
        """Start what may start now; True when something was started or answered."""
        acted = False
        for job in [*self._startable()]:
            self._ready.remove(job)
            acted = True
            self._start(job)
        return acted

    def watch(self) -> bool:
        """Take in output, enforce limits, answer what has ended; True when something happened."""
        now = self._clock.monotonic()
        acted = False
        for run in [*self._runs]:
            status = run.execution.poll()
            acted |= self._drain(run, ended=status is not None)
            if status is not None:
                self._finish(run, status, now)
                acted = True
            else:
                self._enforce(run, now)
        return acted

    def cancel(self, request_id: str) -> bool:
        """End a request that waits to run or runs; False when it is neither."""
        job = self._ready.get(request_id)
        if job is not None:
            self._ready.remove(job)
            self._cancelled(job)
            return True
        for run in self._runs:
            if run.job.request_id == request_id:
                run.end(Event.CANCEL, self._clock.monotonic())
                return True
        return False

    def waiting(self) -> list[Job]:
        """Take the jobs that have not started out of the runner, for a shutdown."""
        return self._ready.clear()

    def end_all(self) -> None:
        """Begin to end every command, for a shutdown."""
        for run in self._runs:
            run.end(Event.LOSE, self._clock.monotonic())

    def _startable(self) -> Iterator[Job]:
        busy = {run.job.survey.root for run in self._runs}
        free = self._most - len(self._runs)
        for job in self._ready:
            if free <= 0:
                return
            if job.survey.root not in busy:
                free -= 1
                yield job
            # A job that must wait holds its working copy's place: those behind it must not overtake.
            busy.add(job.survey.root)

    def _start(self, job: Job) -> None:
        if self._is_overdue(job):
            return
        try:
            if not self._has_room(job):
                return
            token = self._tokens.start(job.token)
        except RelayStorageError:
            # Whether the token moved is not known. Asking again tells: a move that was made says yes.
            self._ready.put_back(job)
            raise
        if token is None:
            # Another daemon took us for dead and adopted the claim; it is the one that runs it.
            self._audit.warn("fenced", job.request_id)
            self._lost(job.request_id)
            return
        job.token = token
        job.move(Event.START)
        log = RunLog(self._tokens.storage, job.request_id, self._clock, self._audit)
        log.add(f"$ {' '.join(job.argv)}  (cwd={job.valid.cwd})\n".encode())
        began = self._clock.monotonic()
        try:
            execution = self._begin(job)
        except RelayStartError as exc:
            log.add(f"{exc}\n".encode())
            log.close()
            state = job.move(Event.START_FAIL)
            answer = job.answer(state, error=exc.what, hint=exc.hint)
            self._publisher.publish(job.token, answer)
            return
        self._audit.note("started", job.request_id, op=job.valid.op, cwd=job.valid.cwd)
        self._runs.append(Run(job, execution, log, began))

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
            self._publisher.publish(job.token, job.answer(state, error=what, hint=exc.hint))
            return False
        return True

    def _drain(self, run: Run, *, ended: bool) -> bool:
        got = False
        for _ in range(LAST_READS if ended else 1):
            data = run.execution.read(READ_BYTES)
            if not data:
                break
            got = True
            run.output.add(run.log.add(data))
        run.log.flush_if_due()
        return got

    def _enforce(self, run: Run, now: float) -> None:
        if run.killing_at is not None and now >= run.killing_at:
            run.execution.kill()
        elif now - run.started >= run.job.spec.time_limit_s:
            run.end(Event.OVERRUN, now)

    def _finish(self, run: Run, status: int, now: float) -> None:
        run.execution.close()
        run.output.add(run.log.close())
        self._runs.remove(run)
        job = run.job
        state = job.move(run.ending or Event.EXIT)
        error, hint = run.explain(state, now)
        answer = job.answer(
            state,
            error=error,
            hint=hint,
            returncode=status,
            stdout=run.output.text(layout.log(job.request_id)),
            duration_s=now - run.started,
            truncated=run.output.truncated,
        )
        self._publisher.publish(job.token, answer)

    def _cancelled(self, job: Job) -> None:
        state = job.move(Event.CANCEL)
        what = "The request was cancelled before it started."
        answer = job.answer(state, error=what)
        self._publisher.publish(job.token, answer)
