"""The first request after a minute in which nobody asked for anything.

Many daemons keep quiet at the same time; then one after the other is asked once.
"""

import time
from contextlib import ExitStack

from benchmarks import sites
from benchmarks.bench import Bench, Rest
from benchmarks.helper import Helper
from benchmarks.programs.orders import pause
from benchmarks.results import Limit
from benchmarks.sheet import Sheet

WITH_EVENTS_MS = 20
_GOLDEN = 0.618
HALF_A_POLL_MS = 250
"""Half of the original's interval. A daemon of ours looks every 300 ms at that time, and less often later."""


def measure(bench: Bench) -> Rest:
    """Daemons and clients that use file events, and as many pairs that use none."""
    sheet = Sheet("after_quiet")
    quiet_s = bench.pick(60.0, 12.0)
    with ExitStack() as stack:
        bench.say("after_quiet: starting the daemons")
        events = [_pair(stack, bench, events=True) for _ in range(bench.pick(7, 2))]
        polls = [_pair(stack, bench, events=False) for _ in range(bench.pick(13, 3))]
        began = time.monotonic()
        yield quiet_s
        rested_s = time.monotonic() - began
        for client in events:
            sheet.add("events", *client.ask(requests=1))
        for number, client in enumerate(polls):
            # The daemons were started, and are asked, one after the other: without this they keep in step.
            pause(number * _GOLDEN % 1 * HALF_A_POLL_MS / 500)
            sheet.add("polls", *client.ask(requests=1))
    after = f"After {rested_s:.0f} s;"
    return [
        sheet.figure(
            "events",
            "ms",
            limit=Limit(at_most=WITH_EVENTS_MS),
            note=f"{after} client and daemon share a kernel.",
        ),
        sheet.figure(
            "polls",
            "ms",
            limit=Limit(at_most=HALF_A_POLL_MS),
            note=f"{after} no file events; the target is half of 500 ms.",
        ),
    ]


def _pair(stack: ExitStack, bench: Bench, *, events: bool) -> Helper:
    """A daemon and a client that have done a first request."""
    here = stack.enter_context(sites.site(bench))
    sites.serve(here, events=events)
    client = stack.enter_context(sites.client(here, events=events))
    client.ask(requests=1)
    return client
