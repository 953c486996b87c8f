"""``aexp relay up``: start a daemon where it outlives the shell, and see that it serves."""

from dataclasses import dataclass

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.elsewhere import refuse_elsewhere
from aexp.airgapped.hints import restart_command, resume_hint
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.standing import judge
from aexp.domain import layout
from aexp.domain.errors import RelayBusyError, RelayDownError, RelayStartError, RelayTimeoutError
from aexp.domain.identity import ProcessId
from aexp.domain.serving import session_name
from aexp.ports.clock import Clock
from aexp.ports.post import Post, Posted
from aexp.ports.processes import Processes
from aexp.ports.terminals import Job, Pane, Terminals

SERVES_WITHIN_S = 75.0
"""Seconds until a daemon serves, at most: it may have to see whether one on another node lives (45)."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Up:
    """What came of starting a daemon.

    Attributes:
        state: ``started``, ``already`` (it served before), ``standby`` (it waits for the one on another
            node to end), or ``died``.
        pid: its process on this machine.
        session: the terminal that it is in; None when it was started in another way.
        status: for ``died``: its exit status; None when a signal ended it.
        said: for ``died``: the last lines that it printed.
    """

    state: str
    pid: int
    session: str | None = None
    status: int | None = None
    said: tuple[str, ...] = ()


class Bringer:
    """Starts the daemon of one queue on this machine, where it outlives the shell.

    Attributes:
        session: what its terminal is called.
    """

    def __init__(
        self,
        queue: RelayQueue,
        post: Post,
        terminals: Terminals,
        processes: Processes,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._post = post
        self._terminals = terminals
        self._processes = processes
        self._clock = clock
        self.session = session_name(queue.storage.identity, default=not self.flag)

    def up(self, job: Job, *, standby: bool = False) -> Up:
        """See to it that a daemon serves on this machine; wait until it does.

        Args:
            job: what starts one.
            standby: whether the job waits while a daemon on another node serves.

        Raises:
            RelayBusyError: a daemon on another node serves the queue.
            RelayDownError: one runs on this machine and is suspended, or has stopped beating; or nothing on
                this node can keep a terminal open. Nothing was started.
            RelayStartError: it could not be started.
            RelayTimeoutError: it runs, and does not serve yet.
        """
        posted = self._post.who()
        if posted is not None:
            return self._already(posted)
        waits = False
        try:
            # Where several serve, one on another node is company.
            if not self._queue.storage.shared:
                refuse_elsewhere(self._queue, self._clock, self._processes)
        except RelayBusyError:
            if not standby:
                raise
            waits = True
        self.require_terminals()
        pane = self._terminals.start(self.session, job)
        return self._awaited(pane, waits=waits)

    def require_terminals(self) -> None:
        """Make sure that a daemon can be started here before anything is done.

        Raises:
            RelayDownError: it cannot.
        """
        if self._terminals.available:
            return
        raise RelayDownError(
            "tmux is not installed on this node; nothing was started.",
            f"Do without: `nohup setsid aexp relay serve{self.flag} &`, or let systemd keep it: "
            f"`aexp relay service install{self.flag}`.",
        )

    def way_in(self) -> str:
        """What a person types to look at it in its terminal."""
        return self._terminals.way_in(self.session)

    def _already(self, posted: Posted) -> Up:
        self._refuse_silent(posted)
        pane = self._terminals.look(self.session) if self._terminals.available else None
        inside = pane is not None and pane.pid == posted.process.pid
        return Up("already", posted.process.pid, self.session if inside else None)

    def _refuse_silent(self, posted: Posted) -> None:
        """Make sure that the daemon that stands at the post does its work."""
        pid, url = posted.process.pid, self._queue.storage.url
        if posted.suspended:
            raise RelayDownError(
                f"The daemon (pid {pid}) is suspended and serves nobody; nothing was started.",
                resume_hint(posted, url),
            )
        beat = self._queue.beat()
        if beat is None or beat.facts.get("daemon") != str(posted.process):
            return
        up, _ = judge(self._queue, beat, self._clock, self._processes)
        if not up:
            raise RelayDownError(
                f"The daemon (pid {pid}) runs and has stopped beating; nothing was started.",
                "Does its file server hang? Check the mount, then have a new one: "
                f"`{restart_command(posted, url)}`.",
            )

    def _awaited(self, pane: Pane, *, waits: bool) -> Up:
        deadline = self._clock.monotonic() + SERVES_WITHIN_S
        seen: Pane | None = pane
        while seen is not None and not seen.over:
            posted = self._post.who()
            if posted is not None:
                ours = posted.process.pid == seen.pid
                return Up("started", seen.pid, self.session) if ours else self._already(posted)
            if waits and self._beats(seen.pid):
                return Up("standby", seen.pid, self.session)
            if self._clock.monotonic() >= deadline:
                raise RelayTimeoutError(
                    f"The daemon (pid {seen.pid}) was started, but does not serve yet.",
                    f"See what it waits for: {self.way_in()}",
                )
            self._clock.sleep(LOOK_EVERY_S)
            seen = self._terminals.look(self.session)
        return self._died(seen or pane)

    def _died(self, pane: Pane) -> Up:
        said = self._terminals.said(pane)
        self._tidy()
        if not said and pane.status is None:
            raise RelayStartError(
                "The daemon ended at once and said nothing.",
                f"See why in this shell: aexp relay serve{self.flag}",
            )
        return Up("died", pane.pid, status=pane.status, said=tuple(said))

    def _beats(self, pid: int) -> bool:
        """Whether a process of this machine with this number has said in the queue that it is a daemon."""
        for entry in self._queue.storage.list(layout.DAEMONS):
            process = ProcessId.parse(layout.daemon_of(entry) or "")
            if process is not None and process.pid == pid and self._processes.alive(process):
                return True
        return False

    def _tidy(self) -> None:
        if self._terminals.available:
            self._terminals.tidy(self.session)

    @property
    def flag(self) -> str:
        """How the queue is named on a command line; empty for the default one."""
        return queue_flag(self._queue.storage.url)
