"""Running what may run: several at once, one at a time for each working copy, never waiting."""

from collections.abc import Callable, Iterator

from aexp.airgapped.copies import Copies
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.jobs import Job
from aexp.airgapped.publisher import Publisher
from aexp.airgapped.runs import Run
from aexp.airgapped.starting import Starter, sharing
from aexp.airgapped.turns import Turns
from aexp.domain.consent import CANCELLED, Event
from aexp.domain.errors import RelayStorageError
from aexp.ports.clock import Clock

READ_BYTES = 64 * 1024
"""What a pipe holds: more is never there at once."""
LAST_READS = 64
"""Reads after the end of a command: what it left in its pipe, but not what a grandchild adds for ever."""


class Runner:
    """Starts, watches and ends commands.

    Args:
        starter: starts the command of a job.
        most_at_once: commands that may run at the same time.
        grants: what is granted; a job whose grant has ended does not start.
        ask_again: lets such a job wait for a person.
        copies: the working copies in which it may work now.
    """

    def __init__(
        self,
        starter: Starter,
        publisher: Publisher,
        clock: Clock,
        most_at_once: int,
        grants: GrantBook,
        ask_again: Callable[[Job], None],
        copies: Copies,
    ) -> None:
        self._copies = copies
        self._grants = grants
        self._ask_again = ask_again
        self._grants_seen = grants.version
        self._publisher = publisher
        self._clock = clock
        self._most = most_at_once
        self._starter = starter
        self._ready: Turns[Job] = Turns()
        self._runs: list[Run] = []

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits to run."""
        return len(self._ready) == 0 and not self._runs

    @property
    def running(self) -> list[str]:
        """The ids of the requests whose commands run."""
        return [job.request_id for run in self._runs for job in run.jobs]

    @property
    def room(self) -> int:
        """How many more could start at once; what must wait for its working copy takes no place."""
        busy = {run.jobs[0].survey.root for run in self._runs}
        others = {job.survey.root for job in self._ready} - busy
        startable = sum(1 for root in others if self._copies.may_try(root))
        return max(self._most - len(self._runs) - startable, 0)

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
        acted = self._look_at_grants()
        for job in [*self._startable()]:
            if not self._ready.has(job.request_id):
                continue
            if job.grant is not None and not self._grants.allows(job):
                self._ready.remove(job)
                self._ask_again(job)
            elif self._copies.enter(job.survey.root):
                self._ready.remove(job)
                self._start(job)
            else:
                continue
            acted = True
        return acted

    def _look_at_grants(self) -> bool:
        """Take out the jobs whose grant has ended, so that people see at once that they wait."""
        self._grants.expire()
        if self._grants.version == self._grants_seen:
            return False
        self._grants_seen = self._grants.version
        over = [job for job in self._ready if job.grant and not self._grants.allows(job)]
        for job in over:
            self._ready.remove(job)
            self._ask_again(job)
        return bool(over)

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
            for job in run.jobs:
                if job.request_id == request_id:
                    self._cancel_in(run, job)
                    return True
        return False

    def _cancel_in(self, run: Run, job: Job) -> None:
        """End a run, or let one of several who share it go."""
        if len(run.jobs) == 1:
            run.end(Event.CANCEL, self._clock.monotonic())
            return
        run.jobs.remove(job)
        self._cancelled(
            job, "The request was cancelled; the run goes on for others that asked for the same."
        )

    def waiting(self) -> list[Job]:
        """Take the jobs that have not started out of the runner, for a shutdown."""
        return self._ready.clear()

    def end_all(self) -> None:
        """Begin to end every command, for a shutdown."""
        for run in self._runs:
            run.end(Event.LOSE, self._clock.monotonic())

    def _startable(self) -> Iterator[Job]:
        busy = {run.jobs[0].survey.root for run in self._runs}
        free = self._most - len(self._runs)
        for job in self._ready:
            if free <= 0:
                return
            if job.survey.root not in busy and self._copies.may_try(job.survey.root):
                free -= 1
                yield job
            # A job that must wait holds its working copy's place: those behind it must not overtake.
            busy.add(job.survey.root)

    def _start(self, job: Job) -> None:
        others = sharing(job, self._ready)
        try:
            run, taken = self._starter.start(job, others)
        except RelayStorageError:
            self._ready.put_back(job)
            self._copies.leave(job.survey.root)
            raise
        for other in taken:
            self._ready.remove(other)
        if run is not None:
            self._runs.append(run)
        else:
            self._copies.leave(job.survey.root)

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
        elif now - run.started >= run.jobs[0].spec.time_limit_s:
            run.end(Event.OVERRUN, now)

    def _finish(self, run: Run, status: int, now: float) -> None:
        run.execution.close()
        run.output.add(run.log.end())
        run.output.close()
        if run.output.truncated:
            # The answer leaves the rest to the log, so that must be there first.
            run.log.flush()
        self._runs.remove(run)
        self._copies.leave(run.jobs[0].survey.root)
        for job in run.jobs:
            self._publisher.publish(job.token, run.answer(job, status, now))
        run.log.flush()

    def _cancelled(self, job: Job, what: str = CANCELLED) -> None:
        self._publisher.publish(job.token, job.answer(job.move(Event.CANCEL), error=what))
