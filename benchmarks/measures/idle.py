"""What a daemon costs that has nothing to do, and a client that waits for a person.

All of them are at rest side by side while the other measures are taken. In the end they are in turns watched
with strace, which counts calls but slows the process, and left alone, which shows the CPU time.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from aexp.domain import polling
from benchmarks import seeds, sites
from benchmarks.bench import Bench, Rest
from benchmarks.calls import StraceMissingError, Watch, listed
from benchmarks.helper import module_env
from benchmarks.procfs import cpu_s
from benchmarks.programs.orders import pause
from benchmarks.results import Figure, Limit
from benchmarks.sheet import Sheet, times
from tests.site import Site

DAEMON_CALLS, CLIENT_CALLS = 6, 4
CPU_S_A_MINUTE = 0.05
ENDLESS_S = 600
SHORT_REST_S = 12.0
WINDOW_S = 30.0
"""Seconds of one look at it: two that follow each other have everything that is done once a minute."""
_PATIENCE_S = 240.0
_LOOK_S = 0.2
_ROOMY = "benchmarks.programs.roomy_daemon"


@dataclass(frozen=True)
class Case:
    """A process at rest, and the site that it belongs to."""

    pid: int
    site: Site


def measure(bench: Bench) -> Rest:
    """Idle daemons of several kinds, and a waiting client."""
    sheet = Sheet("idle")
    watched: dict[str, Counter[str]] = {}
    with ExitStack() as stack:
        bench.say("idle: filling queues")
        cases = _cases(bench, stack)
        began = time.monotonic()
        yield bench.pick(long_run_s(), SHORT_REST_S)
        rested = time.monotonic() - began
        for look in bench.pick(("cpu", "calls", "calls", "cpu"), ("cpu", "calls")):
            bench.say(f"idle: {look}")
            _look(bench, look, sheet, cases, watched)
    return _figures(bench, sheet, watched, rested)


def long_run_s() -> float:
    """Seconds of quiet after which a daemon looks as rarely as it ever will."""
    for quiet in range(0, ENDLESS_S, 5):
        if polling.daemon_wait(quiet) >= polling.daemon_wait(ENDLESS_S):
            return quiet + 5.0
    return float(ENDLESS_S)


def _cases(bench: Bench, stack: ExitStack) -> Mapping[str, Case]:
    def new() -> Site:
        return stack.enter_context(sites.site(bench))

    client, crowded, old, plain, original = (new() for _ in range(5))
    cases = {"client": _waiting_client(stack, client)}
    cases["pending"] = _crowded(bench, crowded)
    seeds.old_answers(old, bench.pick(100_000, 10_000), bench.pick(10_000, 1_000))
    cases["old_files"] = _used(stack, old)
    cases["daemon"] = _used(stack, plain)
    process = sites.serve_original(original)
    stack.enter_context(sites.client_original(original)).ask(requests=1)
    cases["original"] = Case(process.pid, original)
    _until_waiting(crowded, _pending(bench))
    return cases


def _pending(bench: Bench) -> int:
    return bench.pick(10_000, 500)


def _used(stack: ExitStack, site: Site) -> Case:
    """A daemon that has done some requests."""
    daemon = sites.serve(site)
    stack.enter_context(sites.client(site)).ask(requests=5)
    return Case(daemon.pid, site)


def _waiting_client(stack: ExitStack, site: Site) -> Case:
    """A client whose request waits for a person."""
    site.wandb()
    sites.serve(site)
    client = stack.enter_context(sites.client(site))
    request_id = client.ask(submit="wandb_sync")
    client.send(wait=_PATIENCE_S * 10)
    waiting = site.queue / "pending" / f"{request_id}.json"
    site.until("the request waits for consent", waiting.exists)
    return Case(client.pid, site)


def _crowded(bench: Bench, site: Site) -> Case:
    """A daemon for which any number of requests may wait, and many do."""
    site.wandb()
    seeds.pending(site, _pending(bench))
    daemon = site.serve("serve", command=(_ROOMY,), env=module_env(site.env))
    return Case(daemon.pid, site)


def _until_waiting(site: Site, count: int) -> None:
    """Wait until the daemon's beat says that so many requests wait for consent."""
    deadline = time.monotonic() + _PATIENCE_S
    beat = site.queue / "heartbeat"
    while json.loads(beat.read_text(encoding="utf-8")).get("pending") != count:
        if time.monotonic() > deadline:
            raise TimeoutError("the daemon did not take over what waits for consent")
        pause(_LOOK_S)


def _look(
    bench: Bench,
    look: str,
    sheet: Sheet,
    cases: Mapping[str, Case],
    watched: dict[str, Counter[str]],
) -> None:
    """One look. In the order in which they come, both kinds see each half of a minute once."""
    if look == "cpu":
        _note_cpu(sheet, cases)
        return
    try:
        _note_calls(sheet, cases, watched)
    except StraceMissingError as exc:
        bench.skip("idle.calls", str(exc))


def _note_cpu(sheet: Sheet, cases: Mapping[str, Case]) -> None:
    before = {name: cpu_s(case.pid) for name, case in cases.items()}
    began = time.monotonic()
    pause(WINDOW_S)
    for name, case in cases.items():
        used = cpu_s(case.pid) - before[name]
        sheet.add(f"{name}.cpu", used / (time.monotonic() - began) * 60)


def _note_calls(sheet: Sheet, cases: Mapping[str, Case], watched: dict[str, Counter[str]]) -> None:
    pids = {name: case.pid for name, case in cases.items()}
    homes = {name: case.site.home for name, case in cases.items()}
    with Watch(pids, homes) as watch:
        pause(WINDOW_S)
    for name, calls in watch.calls.items():
        sheet.add(f"{name}.calls", calls.shared.total() / WINDOW_S)
        sheet.add(f"{name}.all_calls", calls.everywhere.total() / WINDOW_S)
        watched[name] = watched.get(name, Counter()) + calls.shared


def _figures(
    bench: Bench, sheet: Sheet, watched: Mapping[str, Counter[str]], rested_s: float
) -> list[Figure]:
    count = f"{_pending(bench):,} requests"
    files = f"{bench.pick(100_000, 10_000):,} old answers"
    about = {
        "daemon": f"A daemon that has had nothing to do for {rested_s:.0f} s.",
        "pending": f"{count} wait for consent, under limits that allow it.",
        "old_files": f"{files} lie in the outbox, a tenth as many marks in replied.",
        "client": f"A client that has waited for a person for {rested_s:.0f} s and more.",
        "original": "The original schedule.",
    }
    figures = []
    for name, what in about.items():
        ours = name != "original"
        cpu = Limit(at_most=CPU_S_A_MINUTE) if ours and name != "client" else None
        figures.append(
            sheet.figure(f"{name}.cpu", "s/min", grain=0.02, limit=cpu, ours=ours, note=what)
        )
        if name in watched:
            figures += _calls(sheet, name, watched[name])
    return figures


def _calls(sheet: Sheet, name: str, calls: Counter[str]) -> list[Figure]:
    ours = name != "original"
    most = CLIENT_CALLS if name == "client" else DAEMON_CALLS
    against = {
        "daemon": [times("original.calls")],
        "pending": [times("daemon.calls")],
        "old_files": [times("daemon.calls")],
    }.get(name, [])
    more = {"ours": ours, "grain": 0.5}
    return [
        sheet.figure(
            f"{name}.calls",
            "1/s",
            *against,
            limit=Limit(at_most=most) if ours else None,
            note=f"In the shared home: {listed(calls)}.",
            **more,
        ),
        sheet.figure(
            f"{name}.all_calls", "1/s", note="Calls on any file, down to fcntl and close.", **more
        ),
    ]
