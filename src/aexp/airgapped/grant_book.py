"""The grants of a serving daemon: what may start under one, how each ends, and what the trail says of it."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from aexp.airgapped.audit import Audit
from aexp.airgapped.jobs import Job
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayNotFoundError, RelayStorageError
from aexp.domain.grants import Grant, Grants, Scope, moment
from aexp.domain.identity import PREFIX
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.grants import GrantMemory
from aexp.ports.workshop import Workshop

TIDY_EVERY_S = 5.0
"""Seconds between two attempts to forget what the memory would not forget."""


class GrantBook:
    """What is granted. Whether a grant still counts is asked again right before an operation starts.

    Args:
        memory: where grants that outlive a daemon are remembered.
        boot: this machine and its boot, whose monotonic clock counts.
    """

    def __init__(
        self, workshop: Workshop, memory: GrantMemory, clock: Clock, audit: Audit, boot: str
    ) -> None:
        self._workshop = workshop
        self._memory = memory
        self._clock = clock
        self._audit = audit
        self._boot = boot
        self._grants = Grants()
        self._forgotten: set[str] = set()
        self._tidy_due = float("-inf")

    @property
    def version(self) -> int:
        """Changes whenever a grant comes or goes."""
        return self._grants.version

    @property
    def is_empty(self) -> bool:
        """Whether nothing is granted: ten thousand may wait, and none of them need be looked at."""
        return len(self._grants) == 0

    @property
    def is_full(self) -> bool:
        """Whether as many are live as may be."""
        self.expire()
        return self._grants.is_full

    def open(self, *, heard: bool) -> None:
        """Take over what an earlier daemon kept, and tell what was lost with it.

        Args:
            heard: whether people can give grants here; where they cannot, none outlives a restart.
        """
        try:
            known = self._memory.all()
        except RelayStorageError as exc:
            self._audit.warn("grants-unreadable", error=exc)
            return
        lost = []
        for grant in known:
            revived = grant.revived(self._boot, *self._now()) if heard else None
            if revived is not None and self._is_noted(revived, grant):
                self._grants.add(revived)
                self._told("grant-kept", revived)
                continue
            lost.append(grant)
            ended = grant.keep and heard and revived is None
            self._told("grant-expired" if ended else "grant-lost", grant)
        self._forget(lost)

    def _is_noted(self, revived: Grant, known: Grant) -> bool:
        """Whether the memory has it as it is from now on: it must not get its time a second time."""
        try:
            if revived != known:
                self._memory.remember(revived)
        except RelayStorageError as exc:
            self._audit.warn("grants-untidy", error=exc)
            return False
        return True

    def close(self) -> None:
        """The daemon ends: what was not to be kept is lost."""
        lost = [grant for grant in self._grants.live(*self._now()) if not grant.keep]
        self._grants.remove(grant.id for grant in lost)
        for grant in lost:
            self._told("grant-lost", grant)
        self._forget(lost)

    def add(self, scope: Scope, seconds: float, ends: float, *, keep: bool, by: str) -> Grant:
        """Grant it.

        Args:
            ends: when it ends, on the monotonic clock.

        Raises:
            RelayStorageError: it cannot be remembered; nothing is granted.
        """
        now, wall = self._now()
        grant = Grant(
            id=secrets.token_hex(8),
            scope=scope,
            seconds=seconds,
            ends=ends,
            ends_wall=wall + ends - now,
            boot=self._boot,
            by=by,
            keep=keep,
        )
        self._memory.remember(grant)
        self._grants.add(grant)
        return grant

    def covering(self, op: str, root: Path, destinations: Sequence[Destination]) -> Grant | None:
        """The grant under which an operation may run there now; None when a person must be asked."""
        if not self._grants.concerns(op, str(root)):
            return None
        asked = Scope(op, str(root), self._workshop.identity(root), tuple(destinations))
        return self._grants.covering(asked, *self._now())

    def allows(self, job: Job) -> bool:
        """Whether the job may run under a grant now; notes under which."""
        survey = job.survey
        job.grant = self.covering(job.valid.op, survey.root, survey.destinations)
        return job.grant is not None

    def used(self, job: Job) -> str:
        """The job is about to start under its grant: count it, and tell the trail.

        Returns:
            What the client is told when it has started; empty without a grant.
        """
        grant = None if job.grant is None else self._grants.used(job.grant.id)
        if grant is None or job.petition is None:
            return ""
        until = self.ends_at(grant)
        sends = job.petition.inventory
        self._audit.note(
            "grant-used",
            job.request_id,
            grant=grant.id,
            op=job.valid.op,
            cwd=job.valid.cwd,
            digest=job.petition.digest,
            sends=sends[0] if sends else None,
            lines=len(sends),
            by=grant.by,
            until=moment(until),
            uses=grant.uses,
        )
        if grant.keep:
            try:
                self._memory.remember(grant)
            except RelayStorageError as exc:
                # Only the count of uses is behind.
                self._audit.warn("grant-not-counted", job.request_id, error=exc)
        return f"ran under {grant.told(until)}"

    def live(self) -> list[Grant]:
        """What is granted now, the one that ends first at the head."""
        return self._grants.live(*self._now())

    def left_s(self, grant: Grant) -> float:
        """Seconds until it ends."""
        return grant.left_s(*self._now())

    def ends_at(self, grant: Grant) -> float:
        """When it ends, in seconds since 1970, as the clocks stand now."""
        return self._clock.wall() + self.left_s(grant)

    def revoke(self, prefix: str, by: str) -> Grant:
        """Take back the one grant whose id begins so.

        Raises:
            RelayNotFoundError: there is none, or more than one.
            RelayStorageError: nothing starts under it any more, but it may count again after a restart.
        """
        self.expire()
        fits = self._grants.begin_with(prefix) if PREFIX.fullmatch(prefix) else []
        if len(fits) != 1:
            shown = visible(prefix, limit=64, ascii_only=True)
            what = f"{len(fits)} grants begin" if fits else "No grant begins"
            raise RelayNotFoundError(f"{what} with {shown}.", "`aexp relay grants` lists them.")
        grant = fits[0]
        self._grants.remove([grant.id])
        self._told("grant-revoked", grant, taken_back_by=by)
        problem = self._forget([grant])
        if problem is not None and grant.keep:
            raise RelayStorageError(
                f"Grant {grant.id} is taken back, but its file could not be changed: {problem.what} "
                "Unless that succeeds later, it counts again after a restart of the daemon.",
                problem.hint,
            )
        return grant

    def expire(self) -> None:
        """Tell the trail of those that have ended. They count no more before that."""
        over = self._grants.expire(*self._now())
        for grant in over:
            self._told("grant-expired", grant)
        if over or (self._forgotten and self._clock.monotonic() >= self._tidy_due):
            self._forget(over)

    def _forget(self, grants: Iterable[Grant]) -> RelayStorageError | None:
        self._forgotten.update(grant.id for grant in grants)
        if not self._forgotten:
            return None
        self._tidy_due = self._clock.monotonic() + TIDY_EVERY_S
        try:
            self._memory.forget([*self._forgotten])
        except RelayStorageError as exc:
            self._audit.warn("grants-untidy", error=exc)
            return exc
        self._forgotten.clear()
        return None

    def _told(self, event: str, grant: Grant, **more: object) -> None:
        scope = grant.scope
        facts = {"grant": grant.id, "op": scope.op, "cwd": scope.root, "by": grant.by}
        self._audit.note(event, "-", **facts, uses=grant.uses, **more)

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.wall()
