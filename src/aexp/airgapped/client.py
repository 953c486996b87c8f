"""The client: what a notebook, a script or an agent on a compute node uses."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aexp.airgapped import defaults
from aexp.airgapped.handle import RelayHandle
from aexp.airgapped.hints import client_hint
from aexp.airgapped.judging import RequestJudge, require_served
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.waiting import patience
from aexp.domain.errors import (
    RelayNotFoundError,
    RelayStorageError,
    StorageFullError,
)
from aexp.domain.identity import is_request_id, new_request_id
from aexp.domain.requests import RelayResult, Request
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.settings import configured

if TYPE_CHECKING:
    from aexp.airgapped.inspection import DaemonView

TTL_S = 24 * 3600.0
"""A request that no daemon has seen within a day expires; it does not run out of the blue."""

QueueLike = str | os.PathLike[str] | QueueStorage | None


class RelayClient:
    """Sends operations of the closed list to the login node.

    Args:
        queue: a path, a URL or a storage object; by default the one that is set, else ``~/.relay``.
        cwd: the working copy to work in; default the current folder, at construction. With a queue on another
            machine, a folder over there: relative to the one in the queue's URL, by default that one itself.
        default_timeout: seconds to wait for an answer where no ``timeout`` is given; by default what is
            set, else 60.
        clock, filesystem, processes: the outside world, for tests.

    Raises:
        SettingsError: the queue, the folder or the timeout cannot be what was given, or what the
            environment or a file of settings says.
    """

    def __init__(
        self,
        *,
        queue: QueueLike = None,
        cwd: str | os.PathLike[str] | None = None,
        default_timeout: float | None = None,
        clock: Clock | None = None,
        filesystem: Filesystem | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._clock = clock or defaults.system_clock()
        self._filesystem = filesystem or defaults.local_filesystem()
        self._processes = processes or defaults.system_processes()
        here = defaults.absolute(cwd or ".")
        settings = configured(here)
        if queue is None or isinstance(queue, str | os.PathLike):
            named = settings.queue if queue is None else queue
            queue = defaults.open_queue(named, self._clock, settings.profile)
        self._queue = RelayQueue(queue, self._processes, self._clock)
        there = None if cwd is None else os.fspath(cwd)
        self.cwd = Path(here if queue.far is None else queue.far.folder(there))
        self.default_timeout = patience(
            settings.default_timeout if default_timeout is None else default_timeout
        )
        self._judge = RequestJudge(queue, self._filesystem, settings.cwd_names)

    def __repr__(self) -> str:
        return f"RelayClient(queue={self._queue.storage.url!r}, cwd={str(self.cwd)!r})"

    @property
    def queue(self) -> RelayQueue:
        """The queue that requests go to."""
        return self._queue

    def pull(self, *, timeout: float | None = None) -> RelayResult:
        """``git pull --ff-only``."""
        return self.request("git_pull", timeout=timeout)

    def push(
        self, branch: str = "HEAD", remote: str = "origin", *, timeout: float | None = None
    ) -> RelayResult:
        """``git push <remote> <branch>``: one branch, never forced, to a remote that has a name."""
        return self.request("git_push", [remote, branch], timeout=timeout)

    def fetch(self, *, timeout: float | None = None) -> RelayResult:
        """``git fetch --all --prune``."""
        return self.request("git_fetch", timeout=timeout)

    def git_status(self, *, timeout: float | None = None) -> RelayResult:
        """``git status --porcelain=v2``, as the login node sees the working copy."""
        return self.request("git_status", timeout=timeout)

    def status(self, *, timeout: float | None = None) -> RelayResult:
        """The same as :meth:`git_status`, by its older name; how the daemon stands says :meth:`daemon`."""
        return self.git_status(timeout=timeout)

    def daemon(self) -> "DaemonView":
        """Who serves the queue, as ``aexp relay status`` says it; up to some seconds for an old beat.

        Raises:
            RelayStorageError: the queue cannot be read.
        """
        from aexp.airgapped.inspection import daemon_view

        return daemon_view(self._queue, self._clock, self._processes)

    def rebase(self, *, timeout: float | None = None) -> RelayResult:
        """``git pull --rebase``."""
        return self.request("git_rebase", timeout=timeout)

    def wandb_sync(self, runs: Sequence[str] = (), *, timeout: float | None = None) -> RelayResult:
        """Upload offline wandb runs, once a person on the login node has approved it.

        Args:
            runs: folders of runs, relative to the working folder; without any, all that are below it and
                were not uploaded yet.
        """
        return self.request("wandb_sync", [*runs], timeout=timeout)

    def request(
        self,
        op: str,
        args: Sequence[str] | None = None,
        timeout: float | None = None,
        *,
        coalesce: bool = True,
    ) -> RelayResult:
        """Submit an operation and wait for its result.

        Args:
            op: a name of ``aexp.airgapped.ALLOWED``.
            args: what the operation takes.
            timeout: seconds to wait; ``default_timeout`` when None.
            coalesce: see :meth:`submit`.

        Returns:
            The result, whatever the program's returncode.

        Raises:
            RelayValidationError: the closed list does not allow it; nothing was sent.
            RelayDownError: no daemon serves the queue.
            RelayRejectedError: a person said no.
            RelayTimeoutError: no answer in time; the request goes on.
            RelayCrashedError: the daemon lost it; whether it took effect is not known.
            RelayError: anything else, all under this root.
        """
        limit = self.default_timeout if timeout is None else patience(timeout)
        return self.submit(op, args, coalesce=coalesce).result(limit)

    def submit(
        self, op: str, args: Sequence[str] | None = None, *, coalesce: bool = True
    ) -> RelayHandle:
        """Submit an operation and return at once.

        Args:
            op: a name of ``aexp.airgapped.ALLOWED``.
            args: what the operation takes.
            coalesce: whether a status or a fetch may share its run with others that ask for the very same
                and have not started either; every other operation always has a run of its own.

        Raises:
            RelayValidationError: the closed list does not allow it; nothing was sent.
            RelayDownError: there is no daemon; nothing was sent.
            RelayStorageError: the request could not be written, or it is not known whether it was; then
                the error has its id.
        """
        request = self._build(op, args, coalesce=coalesce)
        served = require_served(self._queue, self._clock, client_hint)
        request_id = new_request_id()
        try:
            self._queue.submit(request_id, request)
        except StorageFullError:
            raise
        except RelayStorageError as exc:
            doubt = (
                f"{exc.hint} It may have arrived all the same: see `aexp relay show {request_id}`."
            )
            raise exc.about(request_id, doubt.strip()) from exc
        parts = (request_id, self._queue, self._clock, self.default_timeout)
        storage = self._queue.storage
        near = storage.hears and (served.alive is True or storage.profile.one_truth)
        return RelayHandle(*parts, is_new=True, near=near, visited_s=served.visited_s)

    def handle(self, request_id: str) -> RelayHandle:
        """A handle for a request that was submitted earlier, in whatever process.

        Raises:
            RelayNotFoundError: this is not a request id.
        """
        if not is_request_id(request_id):
            raise RelayNotFoundError(
                f"{visible(request_id, limit=64)} is not a request id.",
                "An id is 32 hexadecimal digits; `aexp relay ls` lists them.",
            )
        return RelayHandle(request_id, self._queue, self._clock, self.default_timeout)

    def _build(self, op: str, args: Sequence[str] | None, *, coalesce: bool) -> Request:
        valid = self._judge.validated(op, args, str(self.cwd))
        return Request(
            op=valid.op,
            args=tuple(valid.args),
            cwd=str(valid.cwd),
            submitted_at=self._clock.wall(),
            client=self._queue.me,
            ttl_s=TTL_S,
            # Left out where it says nothing: older daemons do not know the key.
            coalesce=None if coalesce else False,
        )


def request(
    op: str,
    args: Sequence[str] | None = None,
    *,
    queue: QueueLike = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
) -> RelayResult:
    """Run one operation through the relay and wait for its result; see :meth:`RelayClient.request`."""
    return RelayClient(queue=queue, cwd=cwd).request(op, args, timeout=timeout)
