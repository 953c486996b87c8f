"""What a serving daemon does every few seconds: the beat with its news, and what people should be told."""

from aexp.airgapped import visits
from aexp.airgapped.audit import Audit
from aexp.airgapped.crew import Crew, Outside
from aexp.domain.errors import RelayStorageError
from aexp.ports.post import Post


class Chores:
    """Keeps a daemon's promises to people between two requests.

    Args:
        post: where its owner finds it on this node, if anywhere.
    """

    def __init__(
        self, crew: Crew, outside: Outside, audit: Audit, post: Post | None = None
    ) -> None:
        self._crew = crew
        self._outside = outside
        self._audit = audit
        self._post = post
        self._told: set[str] = set()
        self._trail: str | None = None

    def begin(self) -> None:
        """It serves from now on: :meth:`tell`, and be found."""
        self.tell()
        if self._post is not None:
            self._post.take()

    def announce(self, *, stays: bool) -> None:
        """Let clients know whether it is to stay."""
        try:
            if stays:
                visits.forget(self._outside.storage)
            else:
                visits.note(self._outside.storage, self._outside.clock)
        except RelayStorageError as exc:
            self._audit.warn("storage-failed", error=exc)

    def end(self) -> None:
        """It serves no longer."""
        if self._post is not None:
            self._post.leave()

    def do(self, trouble: str | None) -> None:
        """Do them once.

        Args:
            trouble: what keeps the daemon from its work, as its loop has seen it.

        Raises:
            RelayStorageError: a part failed; the other parts were done all the same.
        """
        self._audit.retry()
        if self._post is not None:
            self._post.take()
        thorough = self._crew.pace.thorough_due(watching=self._crew.recovery.sees_others)
        if thorough:
            head = self._audit.head
            self._trail = None if head is None else f"{head.count}:{head.digest}"
        self._crew.upkeep.tick(
            thorough=thorough,
            recent=self._crew.publisher.recent,
            running=self._crew.runner.running,
            pending=self._crew.desk.waiting,
            held=self._crew.publisher.held,
            trouble=self._crew.upkeep.distrust
            or trouble
            or self._outside.decisions.trouble
            or self._crew.publisher.trouble
            or self._audit.trouble,
            trail=self._trail,
        )
        self._crew.publisher.forget_marks()
        if thorough:
            self._crew.desk.adopt()
            self.tell()

    def tell(self) -> None:
        """Show where working copies may connect, and log what the login node's owner should know."""
        try:
            for decision in self._outside.workshop.decisions():
                self._audit.note("trusted", what=decision)
            self._crew.admission.publish(self._outside.storage)
        except RelayStorageError as exc:
            # It is for people to look at, and is tried again in a moment.
            self._audit.warn("storage-failed", error=exc)
        for concern in self._outside.workshop.concerns():
            if concern not in self._told:
                self._told.add(concern)
                self._audit.warn("concern", what=concern)
