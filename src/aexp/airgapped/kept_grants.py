"""Grants that a daemon kept on this machine, while none stands here: a next one would go on with them."""

from aexp.airgapped.admission import told_places
from aexp.airgapped.audit import Audit
from aexp.domain.errors import RelayBusyError, RelayNotFoundError
from aexp.domain.grant_offers import GrantLine
from aexp.domain.grants import Grant
from aexp.domain.identity import PREFIX
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.grants import GrantMemory
from aexp.ports.post import Post
from aexp.ports.processes import Processes


class KeptGrants:
    """See the module.

    Args:
        post: where the queue's daemon stands on this machine.
        memory: what it kept.
        audit: the queue's trail.

    Raises:
        RelayStorageError: the post or the memory cannot be read or written.
    """

    def __init__(
        self, post: Post, memory: GrantMemory, processes: Processes, clock: Clock, audit: Audit
    ) -> None:
        self._post = post
        self._memory = memory
        self._processes = processes
        self._clock = clock
        self._audit = audit

    @property
    def is_ours(self) -> bool:
        """Whether nobody stands at the post, so that the memory is all that counts here."""
        try:
            return self._post.who() is None
        except RelayBusyError:
            return False

    def live(self) -> list[GrantLine]:
        """Those that would count if a daemon started now, the one that ends first at the head."""
        lines = [self._line(grant) for grant in self._revived()]
        return sorted(lines, key=lambda line: line.ends_in_s)

    def revoke(self, prefix: str) -> GrantLine:
        """Take the one back whose id begins so. Durable on return.

        Raises:
            RelayNotFoundError: there is none, or more than one.
        """
        fits = [one for one in self._revived() if one.id.startswith(prefix)]
        if len(fits) != 1 or not PREFIX.fullmatch(prefix):
            shown = visible(prefix, limit=64, ascii_only=True)
            what = f"{len(fits)} kept grants begin" if len(fits) > 1 else "No kept grant begins"
            raise RelayNotFoundError(f"{what} with {shown}.", "`aexp relay grants` lists them.")
        grant = fits[0]
        self._memory.forget([grant.id])
        me = self._processes.me
        self._audit.note(
            "grant-revoked",
            grant=grant.id,
            op=grant.scope.op,
            cwd=grant.scope.root,
            by=grant.by,
            uses=grant.uses,
            taken_back_by=f"process {me.pid} on {self._processes.hostname}, without a daemon",
        )
        return self._line(grant)

    def _revived(self) -> list[Grant]:
        boot, (now, wall) = self._processes.me.host, self._now()
        revived = (grant.revived(boot, now, wall) for grant in self._memory.all())
        return [grant for grant in revived if grant is not None]

    def _line(self, grant: Grant) -> GrantLine:
        now, wall = self._now()
        told = told_places(grant.scope.destinations, self._audit.redactor)
        return GrantLine.of(grant, told, grant.left_s(now, wall), wall)

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.wall()
