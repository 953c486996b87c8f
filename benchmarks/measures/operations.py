"""What one request asks of the file server: calls in the shared home, of the client and of the daemon."""

from collections import Counter

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.calls import StraceMissingError, Watch, listed
from benchmarks.results import Figure
from benchmarks.sheet import Sheet

WHO = ("client", "daemon")


def measure(bench: Bench) -> list[Figure]:
    """Requests while both sides are followed; what git itself asks for is left out."""
    sheet = Sheet("operations")
    count, found = bench.pick(50, 20), {who: Counter[str]() for who in WHO}
    with sites.site(bench) as here:
        daemon = sites.serve(here)
        with sites.client(here) as client:
            client.ask(requests=10)
            pids = {"client": client.pid, "daemon": daemon.pid}
            repetitions = bench.pick(3, 2)
            for _ in range(repetitions):
                try:
                    with Watch(pids, dict.fromkeys(WHO, here.home), children=False) as watch:
                        client.ask(requests=count)
                except StraceMissingError as exc:
                    bench.skip("operations", str(exc))
                    return []
                for who in WHO:
                    sheet.add(who, watch.calls[who].shared.total() / count)
                    found[who] += watch.calls[who].shared
    return [
        sheet.figure(
            who,
            "calls",
            note=f"For each request: {listed(found[who], by=count * repetitions)}.",
        )
        for who in WHO
    ]
