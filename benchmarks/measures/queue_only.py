"""The queue without any process: a request and its answer, next to one cycle of another directory queue.

One process plays both sides, so this is the cost of the file calls and of the code around them. Measured are
a fetch, whose request and answer are durable, a push, whose start is so as well, and the fetch without any
syncing: the price of surviving a power cut.
"""

from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.processes import ProcProcesses
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.tokens import Tokens
from aexp.domain import layout, wire
from aexp.domain.checking import checked_request
from aexp.domain.identity import new_request_id
from aexp.domain.operations import ALLOWED
from aexp.domain.requests import PROTOCOL, Request, Response
from benchmarks.baselines.dirq_cycle import dirq_ms, dirq_simple_ms
from benchmarks.baselines.raw_limit import files_alone_ms
from benchmarks.bench import Bench
from benchmarks.programs.orders import latencies_ms
from benchmarks.results import Figure
from benchmarks.sheet import Sheet, times


class QueueCycle:
    """One queue in the hands of one process that is client and daemon.

    Args:
        root: where the queue is; synced as a relay would there.
        op: the operation that is asked for; what is synced depends on it.
        durable: whether anything is synced at all.
    """

    def __init__(self, root: Path, op: str = "git_fetch", *, durable: bool = True) -> None:
        self._spec = ALLOWED[op]
        clock, processes = SystemClock(), ProcProcesses()
        self._storage = open_file_queue(str(root), clock, events=False, durable=durable)
        self._queue = RelayQueue(self._storage, processes, clock)
        self._tokens = Tokens(self._storage, str(processes.me))
        beat = {"daemon": str(processes.me), "proto": PROTOCOL}
        self._storage.put(layout.HEARTBEAT, wire.encode(beat))

    def __call__(self) -> None:
        """Request, claim, start, answer, mark, and the client's look at it.

        Raises:
            RuntimeError: the answer did not arrive.
        """
        request_id = new_request_id()
        self._queue.submit(request_id, Request(op=self._spec.name, cwd="/home/somebody/project"))
        for arrived in self._tokens.arrivals():
            self._serve(arrived)
        if self._queue.new_answer(request_id) is None:
            raise RuntimeError(f"no answer to {request_id}")
        # A daemon removes the marks after some minutes; what is left would make each look longer.
        self._storage.remove(layout.replied(request_id))

    def _serve(self, request_id: str) -> None:
        token = self._tokens.claim(request_id)
        if token is None:
            raise RuntimeError(f"{request_id} was claimed by somebody else")
        request = checked_request(wire.decode(self._storage.read(token.name)))
        started = self._tokens.start(token, durable=self._spec.starts_once)
        if started is None:
            raise RuntimeError(f"{request_id} was taken away")
        answer = Response(request_id=request_id, op=request.op, status="completed", returncode=0)
        self._tokens.answer(started, answer)


def measure(bench: Bench) -> list[Figure]:
    """Ours with all its syncs and fewer, dirq in both of its forms, and the plain file calls, in turns."""
    sheet = Sheet("queue_only")
    count = bench.pick(400, 150)
    for repetition in range(bench.pick(5, 2)):
        bench.say(f"queue_only, repetition {repetition + 1}")
        folder = bench.folder()
        runs = {
            "durable": latencies_ms(count, QueueCycle(folder / "fetch")),
            "durable_push": latencies_ms(count, QueueCycle(folder / "push", "git_push")),
            "not_durable": latencies_ms(count, QueueCycle(folder / "quick", durable=False)),
            "dirq": dirq_ms(count, folder / "dirq"),
            "dirq_simple": dirq_simple_ms(count, folder / "simple"),
            "raw_files": files_alone_ms(count, folder / "raw", durable=True),
            "raw_push": files_alone_ms(count, folder / "raw_push", durable=True, once=True),
            "raw_unsynced": files_alone_ms(count, folder / "unsynced", durable=False),
        }
        for what, taken in runs.items():
            sheet.add(f"{what}.rate", count / sum(taken) * 1000)
    more = {"better": "more"}
    raw = "The plain file calls of a request and an answer, with their syncs."
    return [
        sheet.figure(
            "durable.rate",
            "1/s",
            times("dirq.rate", at_least=0.5),
            times("dirq_simple.rate"),
            times("raw_files.rate"),
            **more,
            note="A fetch: request and answer synced as a relay does here.",
        ),
        sheet.figure(
            "durable_push.rate",
            "1/s",
            times("dirq.rate"),
            times("raw_push.rate"),
            **more,
            note="A push: its start as well, so that it never runs twice.",
        ),
        sheet.figure(
            "not_durable.rate",
            "1/s",
            times("durable.rate"),
            times("dirq_simple.rate"),
            times("raw_unsynced.rate"),
            **more,
            note="The same without syncing: the price of durability.",
        ),
        sheet.baseline("dirq.rate", "1/s", **more, note="add, lock, get, remove; nothing synced."),
        sheet.baseline("dirq_simple.rate", "1/s", **more),
        sheet.baseline("raw_files.rate", "1/s", **more, note=raw),
        sheet.baseline("raw_push.rate", "1/s", **more, note="The same, and the start synced too."),
        sheet.baseline("raw_unsynced.rate", "1/s", **more),
    ]
