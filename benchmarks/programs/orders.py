"""The helper's side of :mod:`benchmarks.helper`."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def obey(act: Callable[[dict[str, Any]], Any]) -> None:
    """Answer each order on standard input, until it closes."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(act(json.loads(line))) + "\n")
        sys.stdout.flush()


def wait_for(moment: float) -> None:
    """Sleep until the monotonic clock, which all processes of a machine share, reads ``moment``."""
    time.sleep(max(moment - time.monotonic(), 0.0))


def latencies_ms(count: int, act: Callable[[], object]) -> list[float]:
    """How long each of ``count`` calls took, in milliseconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def spans_within(begin: float, end: float, act: Callable[[], object]) -> list[tuple[float, float]]:
    """When each call began and ended, one after the other between two moments of the monotonic clock."""
    wait_for(begin)
    spans = []
    while (began := time.monotonic()) < end:
        act()
        spans.append((began, time.monotonic()))
    return spans


def pause(seconds: float) -> None:
    """Let that much time pass; what is measured goes on meanwhile."""
    time.sleep(seconds)
