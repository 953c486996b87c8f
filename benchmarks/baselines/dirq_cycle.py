"""The full cycle of CERN's dirq, a directory queue: add, lock, get, remove. One way, nothing is synced."""

from pathlib import Path
from typing import Any

from benchmarks.programs.orders import latencies_ms

_BODY = '{"op": "git_status", "cwd": "/home/somebody/project", "args": []}' * 4


def dirq_ms(count: int, root: Path) -> list[float]:
    """How long each of ``count`` cycles of ``dirq.queue.Queue`` took, in milliseconds."""
    from dirq.queue import Queue

    queue = Queue(str(root), schema={"body": "string"})
    return latencies_ms(count, lambda: _cycle(queue, {"body": _BODY}))


def dirq_simple_ms(count: int, root: Path) -> list[float]:
    """The same for ``dirq.QueueSimple.QueueSimple``, which keeps one file for each element."""
    from dirq.QueueSimple import QueueSimple

    queue = QueueSimple(str(root))
    return latencies_ms(count, lambda: _cycle(queue, _BODY))


def _cycle(queue: Any, what: Any) -> None:
    name = queue.add(what)
    if not queue.lock(name):
        raise RuntimeError(f"dirq did not lock {name}")
    queue.get(name)
    queue.remove(name)
