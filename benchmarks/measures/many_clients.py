"""Throughput: one, eight and 32 client processes that send ``git_status`` without a pause.

All of them work in one working copy, as the notebooks of one project do, and share a run where they ask at
the same time. Again with a working copy for each, where every request takes a git of its own.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import sites, stats
from benchmarks.bench import Bench
from benchmarks.helper import Helper
from benchmarks.results import Figure, Limit
from benchmarks.sheet import Sheet, times
from tests.site import Site

CLIENTS = (1, 8, 32)
MOST = CLIENTS[-1]
SOON_S = 0.1
_POOL = "benchmarks.baselines.bare_pool"


def measure(bench: Bench) -> list[Figure]:
    """Each number of clients, the bare pool, and the original schedule with the most clients, interleaved."""
    sheet = Sheet("many_clients")
    with ExitStack() as stack:
        here, other, third = (stack.enter_context(sites.site(bench)) for _ in range(3))
        bench.say(f"many_clients: starting {3 * MOST} clients")
        ours = _clients(stack, here, [here.repo] * MOST)
        originals = _clients(stack, other, [other.repo] * MOST, original=True)
        folders = sites.copies(third, MOST)
        apart = _clients(stack, third, folders)
        pool = stack.enter_context(Helper(_POOL, env=third.env, cwd=third.home))
        window_s = bench.pick(1.5, 1.0)
        for repetition in range(bench.pick(3, 1)):
            bench.say(f"many_clients, repetition {repetition + 1}")
            for count in CLIENTS:
                # What the ones before had left quiet is in use again.
                _storm(ours[:count], 0.2)
                _note(sheet, f"{count}", ours[:count], window_s)
            _storm(apart, 0.2)
            _note(sheet, "copies", apart, window_s)
            sheet.add("pool.rate", _pool_rate(pool, folders, window_s))
            _note(sheet, "original", originals, bench.pick(2.5, 2.0))
    return _figures(sheet)


def _clients(
    stack: ExitStack, site: Site, folders: Sequence[Path], *, original: bool = False
) -> list[Helper]:
    """A daemon, and a client in each of the folders."""
    if original:
        sites.serve_original(site)
    else:
        sites.serve(site)
    start = sites.client_original if original else sites.client
    clients = [stack.enter_context(start(site, folder)) for folder in folders]
    for client in clients:
        client.send(requests=1)
    for client in clients:
        client.receive()
    return clients


def _storm(clients: list[Helper], window_s: float) -> list[tuple[float, float]]:
    """The spans of all requests that the clients finished within that time."""
    begin = time.monotonic() + SOON_S
    for client in clients:
        client.send(span=(begin, begin + window_s))
    spans = [tuple(span) for client in clients for span in client.receive()]
    return [(began, ended) for began, ended in spans if ended <= begin + window_s]


def _note(sheet: Sheet, what: str, clients: list[Helper], window_s: float) -> None:
    spans = _storm(clients, window_s)
    taken = [(ended - began) * 1000 for began, ended in spans]
    sheet.add(f"{what}.rate", len(spans) / window_s)
    sheet.add_latencies(what, taken)
    sheet.add(f"{what}.tail", stats.quantile(taken, 0.99) / stats.quantile(taken, 0.5))


def _pool_rate(pool: Helper, folders: list[Path], window_s: float) -> float:
    begin = time.monotonic() + SOON_S
    order = {"argv": [*sites.STATUS], "folders": [str(folder) for folder in folders]}
    return float(pool.ask(**order, begin=begin, end=begin + window_s)) / window_s


def _figures(sheet: Sheet) -> list[Figure]:
    figures = []
    for count in CLIENTS:
        most = count == MOST
        against = [times("pool.rate", at_least=0.7 if most else None)]
        if most:
            against.append(times("original.rate", at_least=5))
        figures += [
            sheet.figure(f"{count}.rate", "1/s", *against, better="more"),
            sheet.figure(f"{count}.p50", "ms"),
            sheet.figure(f"{count}.p99", "ms"),
        ]
    tail = "p99 divided by p50."
    apart = f"{MOST} clients with a working copy each: no run is shared."
    return [
        *figures,
        sheet.figure("copies.rate", "1/s", times("pool.rate"), better="more", note=apart),
        sheet.figure("copies.p50", "ms"),
        sheet.figure(f"{MOST}.tail", "x", limit=Limit(at_most=20), note=tail),
        sheet.baseline(
            "pool.rate", "1/s", better="more", note="Two workers, git and nothing else."
        ),
        sheet.baseline("original.rate", "1/s", better="more", note=f"{MOST} clients."),
        sheet.baseline("original.p50", "ms"),
    ]
