"""The delay that a person feels: ``status`` from a client that is in use, through a daemon that is."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks import sites
from benchmarks.baselines import huey_trip
from benchmarks.baselines.program_alone import alone_ms
from benchmarks.baselines.raw_limit import raw_limit_ms
from benchmarks.bench import Bench
from benchmarks.helper import Helper
from benchmarks.results import Figure
from benchmarks.sheet import Sheet, better_than, times
from tests.site import Site

WARM_UP = 10
_HUEY = "benchmarks.baselines.huey_trip"


def measure(bench: Bench) -> list[Figure]:
    """Ours, git alone, the raw limit, the original schedule and huey, in turns."""
    sheet = Sheet("round_trip")
    with ExitStack() as stack:
        here = stack.enter_context(sites.site(bench))
        sites.serve(here)
        ours = stack.enter_context(sites.client(here))
        other = stack.enter_context(sites.site(bench))
        sites.serve_original(other)
        original = stack.enter_context(sites.client_original(other))
        huey = _huey(stack, here)
        many, few = bench.pick(200, 60), bench.pick(6, 4)
        argv, raw = sites.STATUS, here.home / "raw"
        runs: dict[str, Callable[[], list[float]]] = {
            "": partial(_warm, ours, many),
            "git_alone": lambda: alone_ms(many, argv, here.repo, here.env),
            "raw_limit": lambda: raw_limit_ms(many, raw, argv, here.repo, here.env),
            "original": lambda: original.ask(requests=few),
            "huey": lambda: huey.ask(requests=few),
        }
        for repetition in range(bench.pick(5, 2)):
            bench.say(f"round_trip, repetition {repetition + 1}")
            for what, run in runs.items():
                sheet.add_latencies(what, run())
    return _figures(sheet)


def _warm(client: Helper, count: int) -> list[float]:
    """Latencies of a daemon that is not at rest: the other runs had let it grow quiet."""
    client.ask(requests=WARM_UP)
    taken: list[float] = client.ask(requests=count)
    return taken


def _huey(stack: ExitStack, site: Site) -> Helper:
    folder = site.home / "huey"
    folder.mkdir()
    env = {
        **site.env,
        **huey_trip.environment(str(folder), sites.STATUS, str(site.repo)),
    }
    stack.enter_context(Helper(_HUEY, "consume", env=env, cwd=site.home))
    return stack.enter_context(Helper(_HUEY, env=env, cwd=site.home))


def _figures(sheet: Sheet) -> list[Figure]:
    git = "git_alone.p50"
    return [
        sheet.figure(
            "p50",
            "ms",
            times(git, at_most=4),
            better_than("original.p50", at_least=60),
            times("raw_limit.p50"),
            better_than("huey.p50"),
        ),
        sheet.figure("p99", "ms", times(git, at_most=15)),
        sheet.baseline(git, "ms"),
        sheet.baseline(
            "raw_limit.p50", "ms", note="The file calls, and git; nothing of a status is synced."
        ),
        sheet.baseline("original.p50", "ms", note="500 ms and 250 ms polls, no events."),
        sheet.baseline("huey.p50", "ms", note="Default polling; nothing is synced."),
    ]
