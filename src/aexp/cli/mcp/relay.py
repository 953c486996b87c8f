"""The relay as the tools use it: one queue for the life of the server. Every call may block for a moment."""

import os

from aexp.airgapped import defaults
from aexp.airgapped.ahead import open_requests, waits_in
from aexp.airgapped.client import RelayClient
from aexp.airgapped.handle import RelayHandle
from aexp.airgapped.inspection import (
    DaemonView,
    RequestView,
    daemon_view,
    request_view,
    request_views,
)
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.visits import last_visit_s, told
from aexp.airgapped.waiting_notes import asked_of
from aexp.domain.consent import FINAL
from aexp.domain.petition import Petition
from aexp.domain.requests import Response
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.settings import configured


class Relay:
    """One queue, and the working copy that is meant where none is named.

    Args:
        cwd: the working copy; without it, the current folder of each moment, or with a queue on another
            machine the one in its URL.
    """

    def __init__(
        self,
        storage: QueueStorage,
        clock: Clock,
        processes: Processes,
        filesystem: Filesystem,
        cwd: str | None = None,
    ) -> None:
        self.clock = clock
        self.cwd = cwd
        self.queue = RelayQueue(storage, processes, clock)
        self._storage = storage
        self._processes = processes
        self._filesystem = filesystem

    @classmethod
    def of(cls, queue: str | None, cwd: str | None) -> "Relay":
        """The relay that the options, the environment and the files of settings ask for.

        Raises:
            SettingsError: a setting cannot be used.
        """
        folder = None if cwd is None else defaults.absolute(cwd)
        clock, settings = defaults.system_clock(), configured(folder, queue=queue)
        storage = defaults.open_queue(settings.queue, clock, settings.profile)
        parts = (clock, defaults.system_processes(), defaults.local_filesystem())
        # Where requests work on another machine, the folder is where the sandboxes are, and no other.
        return cls(storage, *parts, cwd=folder if storage.far is None else None)

    @property
    def url(self) -> str:
        """The queue's URL, for what a person types."""
        return self._storage.url

    def submit(self, op: str, args: list[str], cwd: str | None, *, coalesce: bool) -> RelayHandle:
        """Leave a request; raises as :meth:`~aexp.airgapped.client.RelayClient.submit` does."""
        return self._client(cwd).submit(op, args, coalesce=coalesce)

    def handle(self, request_id: str) -> RelayHandle:
        """The request with this id; its first digits will do.

        Raises:
            RelayNotFoundError: none, or more than one.
        """
        return self._client(None).handle(self.queue.find(request_id.strip().lower()))

    def view(self, request_id: str) -> RequestView:
        """How a request stands.

        Raises:
            RelayNotFoundError: the queue knows nothing of it.
        """
        view = request_view(self.queue, request_id)
        if view.state in FINAL:
            return view
        found = (one for one in self.open() if one.request_id == request_id)
        return next(found, view)

    def answer(self, request_id: str) -> Response | None:
        """The answer, once there is one."""
        return self.queue.answer(request_id)

    def asked(self, request_id: str) -> Petition | None:
        """What a person is asked about a request that waits."""
        return asked_of(self._storage, request_id)

    @property
    def visit(self) -> str:
        """When a daemon that does not stay last looked in; empty where one stays, or none is expected."""
        since = last_visit_s(self._storage, self.clock)
        return "" if since is None else told(since)

    def open(self) -> list[RequestView]:
        """The open requests, the oldest first, each with what it waits for."""
        return open_requests(self.queue, self._filesystem)

    def all(self) -> list[RequestView]:
        """All requests: the open ones, then the answered, the latest first."""
        return waits_in(self.queue, request_views(self.queue), self._filesystem)

    def below(self, folder: str) -> str:
        """A folder as requests name it: absolute, without links.

        Raises:
            RelayValidationError: nothing may work there, on another machine.
        """
        far = self._storage.far
        if far is not None:
            return far.place(far.folder(folder))
        return self._filesystem.resolve(defaults.absolute(os.path.expanduser(folder)))

    def daemon(self) -> DaemonView:
        """Who serves; up to some seconds for an old beat."""
        return daemon_view(self.queue, self.clock, self._processes)

    def _client(self, cwd: str | None) -> RelayClient:
        return RelayClient(
            queue=self._storage,
            cwd=cwd or self.cwd,
            clock=self.clock,
            filesystem=self._filesystem,
            processes=self._processes,
        )
