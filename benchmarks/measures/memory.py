"""How much memory a daemon takes, also after a command that never stopped printing, and how much a client."""

import shutil
import time

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.helper import Helper
from benchmarks.procfs import peak_rss_kb, rss_kb
from benchmarks.results import Figure, Limit
from benchmarks.sheet import Sheet
from tests.site import Site, stand_in

DAEMON_MB, CLIENT_MB = 45, 20
PATIENCE_S = 280
_KB = 1024.0
_IMPORTS = "benchmarks.programs.imports"


def measure(bench: Bench) -> list[Figure]:
    """A daemon's memory through its life, a few lives long."""
    sheet = Sheet("memory")
    megabytes = bench.pick(1024, 64)
    with sites.site(bench) as here:
        _loud_git(here, megabytes)
        lives = bench.pick(3, 1)
        for life in range(lives):
            bench.say(f"memory, life {life + 1}")
            daemon = sites.serve(here)
            sheet.add("daemon.start", rss_kb(daemon.pid) / _KB)
            with sites.client(here) as client:
                client.ask(requests=200)
                sheet.add("daemon.used", rss_kb(daemon.pid) / _KB)
                _note_client(sheet, here, client)
                if life == lives - 1:
                    bench.say(f"memory, a command that prints {megabytes} MB")
                    sheet.add("loud.speed", megabytes / _loud_s(client))
                    sheet.add("daemon.loud", rss_kb(daemon.pid) / _KB)
                    sheet.add("daemon.peak", peak_rss_kb(daemon.pid) / _KB)
            here.end(daemon)
    return _figures(sheet, megabytes)


def _loud_s(client: Helper) -> float:
    """How many seconds the loud command took."""
    began = time.monotonic()
    client.ask(submit="git_fetch")
    if client.ask(wait=PATIENCE_S) != 0:
        raise RuntimeError("the loud command did not end with 0")
    return time.monotonic() - began


def _loud_git(site: Site, megabytes: int) -> None:
    git = shutil.which("git")
    line = "remote: Compressing objects, and telling about it at great length, line after line"
    loud = f'yes "{line}" | head -c {megabytes << 20}; exit 0'
    stand_in(site, f'#!/bin/sh\nif [ "$1" = fetch ]; then {loud}; fi\nexec {git} "$@"\n')


def _note_client(sheet: Sheet, site: Site, client: Helper) -> None:
    used = client.ask(rss=True)
    with Helper(_IMPORTS, env=site.env, cwd=site.repo) as bare:
        nothing = bare.ask(modules=[])
        imported = bare.ask(modules=used["modules"])
    sheet.add("client.above_imports", (used["kb"] - imported) / _KB)
    sheet.add("client.above_interpreter", (used["kb"] - nothing) / _KB)


def _figures(sheet: Sheet, megabytes: int) -> list[Figure]:
    limit = Limit(at_most=DAEMON_MB)
    loud = f"After a command that printed {megabytes} MB."
    return [
        sheet.figure("daemon.start", "MB", grain=1, limit=limit),
        sheet.figure("daemon.used", "MB", grain=1, limit=limit, note="After 200 requests."),
        sheet.figure("daemon.loud", "MB", grain=1, limit=limit, note=loud),
        sheet.figure("daemon.peak", "MB", grain=1, note="The most it ever had, meanwhile."),
        sheet.figure(
            "loud.speed", "MB/s", better="more", note="How fast that output was taken in."
        ),
        sheet.figure(
            "client.above_imports",
            "MB",
            grain=1,
            limit=Limit(at_most=CLIENT_MB),
            note="A client's process above an interpreter that has imported the same modules.",
        ),
        sheet.figure(
            "client.above_interpreter", "MB", grain=1, note="The same above one that has not."
        ),
    ]
