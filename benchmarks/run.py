"""One run: each measure in its turn, and none hides another."""

import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from benchmarks import machine, measures
from benchmarks.bench import Bench, Rest
from benchmarks.programs.orders import wait_for
from benchmarks.results import Figure, Results


class Run:
    """The measures of one run, and what has come of them so far."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._resting: dict[str, tuple[Rest, float]] = {}
        self.figures: list[Figure] = []
        self.failed: dict[str, str] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def take(self, names: Sequence[str]) -> None:
        """Take the measures; those that rest are gone on with after all others, the last one first."""
        try:
            for name in names:
                self._try(name, partial(self._begin, name))
            for name in reversed([*self._resting]):
                self._wake(name)
        finally:
            for rest, _ in self._resting.values():
                rest.close()

    def _begin(self, name: str) -> None:
        found = measures.load(name)(self._bench)
        if isinstance(found, list):
            self.figures += found
            return
        seconds = next(found)
        self._resting[name] = found, time.monotonic() + seconds

    def _wake(self, name: str) -> None:
        rest, due = self._resting.pop(name)
        left = due - time.monotonic()
        if left > 1:
            self._bench.say(f"{name}: at rest for another {left:.0f} s")
        wait_for(due)
        self._try(name, lambda: self.figures.extend(_finish(rest)))

    def _try(self, name: str, act: Callable[[], object]) -> None:
        print(f"{name} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            act()
        except Exception as exc:  # noqa: BLE001
            # Whatever broke here says nothing about the other measures.
            traceback.print_exc()
            self.failed[name] = f"{type(exc).__name__}: {exc}"
        self.seconds[name] = round(self.seconds[name] + time.monotonic() - began, 1)


def _finish(rest: Rest) -> list[Figure]:
    try:
        next(rest)
    except StopIteration as over:
        return cast("list[Figure]", over.value)
    rest.close()
    raise RuntimeError("a measure rests once")


def run(bench: Bench, names: Sequence[str]) -> Results:
    """Take the measures.

    Args:
        names: which, of those in :mod:`benchmarks.measures`.
    """
    facts = machine.facts(bench.scratch, quick=bench.quick)
    taken = Run(bench)
    taken.take(names)
    return Results(
        machine=facts,
        figures=tuple(taken.figures),
        skipped=bench.skipped,
        failed=taken.failed,
        seconds=dict(taken.seconds),
    )
