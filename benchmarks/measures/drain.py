"""A thousand requests that wait already: how fast a daemon works them off, next to starting as many programs.

The requests run ``git_status``, and git is a link that leads to ``/bin/true`` by then, so nothing is left but
the start of programs and the relay's own work. As clients send them, up to 64 that ask for the same share one
run, so a thousand take some twenty starts; measured as well are requests with a run of their own each. While
they are put into the inbox the daemon stands still (SIGSTOP). The rate comes from the dates in the first and
the last answer, so nothing watches meanwhile.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.processes import ProcProcesses
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped.queue import RelayQueue
from aexp.domain.identity import new_request_id
from aexp.domain.requests import Request, Response
from benchmarks import sites
from benchmarks.baselines.program_alone import alone_ms
from benchmarks.bench import Bench
from benchmarks.results import Figure
from benchmarks.sheet import Sheet, times
from tests.site import Site

COPIES = 4
_PATIENCE_S = 60.0
_LOOK_S = 0.1


def measure(bench: Bench) -> list[Figure]:
    """Requests for several working copies, then for a single one, then the programs alone, in turns."""
    sheet = Sheet("drain")
    with sites.site(bench) as here:
        git, link = _program("git"), here.home / "bin/git"
        link.parent.mkdir()
        _point(link, git)
        here.env["AEXP_RELAY_GIT"] = str(link)
        folders = sites.copies(here, COPIES)
        daemon = sites.serve(here)
        for folder in folders:
            with sites.client(here, folder) as client:
                client.ask(requests=1)
        count, true = bench.pick(1000, 300), _program("true")
        for repetition in range(bench.pick(3, 1)):
            bench.say(f"drain, repetition {repetition + 1}")
            for what, used, shared in (
                ("several_copies", folders, True),
                ("one_copy", folders[:1], True),
                ("own_runs", folders, False),
            ):
                _point(link, true)
                sheet.add(f"{what}.rate", _drained(here, daemon, used, count, shared=shared))
                _point(link, git)
            taken = alone_ms(count, [true], here.home, here.env)
            sheet.add("true.rate", count / sum(taken) * 1000)
    several = f"Spread over {COPIES} working copies; equal ones share a run."
    alone = times("true.rate", at_least=0.6)
    return [
        sheet.figure("several_copies.rate", "1/s", alone, better="more", note=several),
        sheet.figure(
            "one_copy.rate",
            "1/s",
            times("true.rate"),
            better="more",
            note="Commands in one working copy take turns; equal ones share a run.",
        ),
        sheet.figure(
            "own_runs.rate",
            "1/s",
            times("true.rate"),
            better="more",
            note=f"Spread over {COPIES} working copies, a run for each request.",
        ),
        sheet.baseline("true.rate", "1/s", better="more", note="/bin/true in a loop."),
    ]


def _drained(
    site: Site, daemon: subprocess.Popen[str], folders: list[Path], count: int, *, shared: bool
) -> float:
    """Answers a second, from the first to the last."""
    clock = SystemClock()
    queue = RelayQueue(open_file_queue(str(site.queue), clock), ProcProcesses(), clock)
    ids = [new_request_id() for _ in range(count)]
    daemon.send_signal(signal.SIGSTOP)
    try:
        for number, request_id in enumerate(ids):
            cwd = str(folders[number % len(folders)])
            request = Request(
                op="git_status",
                cwd=cwd,
                submitted_at=clock.wall(),
                client=queue.me,
                coalesce=None if shared else False,
            )
            queue.submit(request_id, request)
    finally:
        daemon.send_signal(signal.SIGCONT)
    answers = _answers(site, ids)
    if any(answer.returncode != 0 for answer in answers):
        raise RuntimeError("a request that does nothing did not end with 0")
    dates = [answer.answered_at or 0.0 for answer in answers]
    return (count - 1) / (max(dates) - min(dates))


def _answers(site: Site, ids: list[str]) -> list[Response]:
    """Wait for all of them, with few looks, and read them."""
    outbox, wanted = site.queue / "outbox", {f"{request_id}.json" for request_id in ids}
    deadline = time.monotonic() + _PATIENCE_S
    while wanted - set(os.listdir(outbox)):
        if time.monotonic() > deadline:
            raise TimeoutError("the queue was not drained within a minute")
        time.sleep(_LOOK_S)
    return [
        Response.from_bytes((outbox / f"{request_id}.json").read_bytes(), request_id)
        for request_id in ids
    ]


def _point(link: Path, program: str) -> None:
    """Let the link lead to another program, in one step."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(program)
    fresh.replace(link)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found
