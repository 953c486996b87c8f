"""Becoming the daemon that serves a queue, or finding out who does."""

from collections.abc import Callable

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.heart import Heart
from aexp.airgapped.lease import Holder, Lease, Standing
from aexp.airgapped.owners import Owners
from aexp.domain import layout, wire
from aexp.domain.errors import RelayBusyError, StorageMissingError
from aexp.domain.liveness import BeatWatch, Verdict
from aexp.domain.polling import DAEMON_IDLE_S
from aexp.domain.text import age
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage


def take_queue(
    storage: QueueStorage,
    lease: Lease | None,
    heart: Heart,
    owners: Owners,
    clock: Clock,
    stopping: Callable[[], bool],
    on_standby: Callable[[RelayBusyError], None] | None = None,
) -> bool:
    """Take the lease, where there is one.

    Waits for as long as it is not known whether its holder lives (45 s at most).

    Args:
        stopping: whether to give up.
        on_standby: when given, a serving daemon is waited for, and this is told once who it is.

    Returns:
        False when it gave up.

    Raises:
        RelayBusyError: another daemon serves this queue.
        RelayStorageError: the queue cannot be read or written.
    """
    _refuse_original(storage, heart, clock)
    watch = BeatWatch()
    told = ""
    while lease is not None and lease.try_for() is Standing.TAKEN:
        holder = lease.holder
        if holder is not None:
            beats = watch.see(owners.beat(holder.daemon), clock.monotonic()) is Verdict.ALIVE
            if beats or owners.is_here(holder.daemon):
                error = busy(storage, holder, clock)
                if on_standby is None:
                    raise error
                if told != holder.daemon:
                    on_standby(error)
                    told = holder.daemon
        if stopping():
            return False
        if heart.due:
            # One that waits is not dead, and will not be taken for it when its turn comes.
            heart.beat(serving=False)
        clock.sleep(DAEMON_IDLE_S)
    return True


def lay_out(storage: QueueStorage) -> None:
    """Make every folder of the queue before anybody looks for it.

    Clients and helpers of the original kind expect theirs; and a node that has looked for a folder too
    early may not see it for half a minute.

    Raises:
        RelayStorageError: the queue cannot be written.
    """
    there = storage.list("")
    for folder in layout.FOLDERS:
        if folder not in there:
            # Storage has no folders of its own: they come into being with the first name in them.
            storage.put(f"{folder}/made", b"")
            storage.remove(f"{folder}/made")


def busy(storage: QueueStorage, holder: Holder | None, clock: Clock) -> RelayBusyError:
    """The error that says who serves the queue."""
    if holder is None:
        return RelayBusyError("Another daemon serves this queue.", "See `aexp relay status`.")
    since = age(clock.wall() - holder.since)
    return RelayBusyError(
        f"{storage.url} is served by the daemon on {holder.host} (pid {holder.pid}, for {since}).",
        f"Use that one, or end it first: on that host, `aexp relay down{queue_flag(storage.url)}`.",
    )


def _refuse_original(storage: QueueStorage, heart: Heart, clock: Clock) -> None:
    # A daemon of the original kind copies a request and then unlinks it: together with ours it
    # would run requests twice. Its beat is watched for one interval.
    watch = BeatWatch()
    while heart.written_by() == "":
        try:
            beat = storage.read(layout.HEARTBEAT, limit=wire.MAX_BYTES)
        except StorageMissingError:
            return
        verdict = watch.see(beat, clock.monotonic(), looks_old=True)
        if verdict is Verdict.ALIVE:
            raise RelayBusyError(
                f"A daemon of the original kind serves {storage.url}.",
                "Stop it first; the two must not serve one queue together.",
            )
        if verdict is Verdict.DOWN:
            return
        clock.sleep(DAEMON_IDLE_S)
