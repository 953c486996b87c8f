"""One command that takes 40 s in one working copy must not be felt in another."""

import shutil
import time

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.helper import Helper
from benchmarks.results import Figure
from benchmarks.sheet import Sheet, times
from tests.site import stand_in

RUNS_S = 40
UNCHANGED = 1.1
"""What counts as no change: within a tenth, which is less than two runs of the same differ."""
_PATIENCE_S = 10.0


def measure(bench: Bench) -> list[Figure]:
    """Latencies in one copy, with and without a long fetch in another, in turns."""
    sheet = Sheet("long_command")
    with sites.site(bench) as here:
        stand_in(here, f'#!/bin/sh\n[ "$1" = fetch ] && exec sleep {RUNS_S}\nexec {_git()} "$@"\n')
        sites.serve(here)
        (folder,) = sites.copies(here, 1)
        with sites.client(here) as slow, sites.client(here, folder) as asking:
            count = bench.pick(150, 50)
            asking.ask(requests=count // 2)
            for repetition in range(bench.pick(5, 2)):
                bench.say(f"long_command, repetition {repetition + 1}")
                sheet.add_latencies("alone", asking.ask(requests=count))
                _begin(slow)
                sheet.add_latencies("beside", asking.ask(requests=count))
                _end(slow)
    return [
        sheet.figure("beside.p50", "ms", times("alone.p50", at_most=UNCHANGED)),
        sheet.figure("beside.p99", "ms", times("alone.p99")),
        sheet.figure("alone.p50", "ms"),
        sheet.figure("alone.p99", "ms"),
    ]


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise FileNotFoundError("git is not installed")
    return found


def _begin(slow: Helper) -> None:
    """Have the command run."""
    slow.ask(submit="git_fetch")
    deadline = time.monotonic() + _PATIENCE_S
    while slow.ask(state=True) != "running":
        if time.monotonic() > deadline:
            raise TimeoutError("the long command never began")


def _end(slow: Helper) -> None:
    """End it early: its last seconds would be like its first."""
    if slow.ask(state=True) != "running":
        raise RuntimeError("the long command had ended before it was measured")
    slow.ask(cancel=True)
    deadline = time.monotonic() + 2 * _PATIENCE_S
    while slow.ask(state=True) == "running":
        if time.monotonic() > deadline:
            raise TimeoutError("the long command did not end")
        time.sleep(0.02)
