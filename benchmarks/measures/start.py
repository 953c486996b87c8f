"""How long the commands take to start, in time and in looks at files, and what an import costs."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.calls import StraceMissingError, count_start
from benchmarks.results import Figure, Limit
from benchmarks.sheet import Against, Sheet, times
from tests.site import Site

MOST_FILES = 1500
_IMPORT = """\
import time
began = time.perf_counter()
import aexp
print((time.perf_counter() - began) * 1000)
"""
_CLIENT = """\
import time
began = time.perf_counter()
from aexp.airgapped import RelayClient
RelayClient()
print((time.perf_counter() - began) * 1000)
"""
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "version": ("--version",),
    "status": ("relay", "status"),
    "push": ("relay", "push"),
}
MOST_TIMES = {"version": 6.0, "status": 18.0, "push": 18.0}


def measure(bench: Bench) -> list[Figure]:
    """Each command and a bare interpreter, in turns."""
    sheet = Sheet("start")
    with sites.site(bench) as here:
        sites.serve(here)
        argvs: dict[str, Sequence[str]] = {"bare": (sys.executable, "-c", "pass")}
        argvs |= {name: (*_aexp(), *args) for name, args in COMMANDS.items()}
        for repetition in range(-1, bench.pick(11, 3)):
            times_ms = {name: _wall_ms(here, argv) for name, argv in argvs.items()}
            times_ms["import"] = _said_ms(here, _IMPORT)
            times_ms["client"] = _said_ms(here, _CLIENT)
            # The first round only brings the files into the cache.
            if repetition >= 0:
                for name, value in times_ms.items():
                    sheet.add(name, value)
        _count(bench, sheet, here, argvs)
    return _figures(sheet)


def _aexp() -> tuple[str, ...]:
    """The command as it is installed, or as a module where it is not."""
    script = Path(sys.executable).with_name("aexp")
    return (str(script),) if script.exists() else (sys.executable, "-m", "aexp")


def _wall_ms(site: Site, argv: Sequence[str]) -> float:
    began = time.perf_counter()
    _run(site, argv)
    return (time.perf_counter() - began) * 1000


def _said_ms(site: Site, program: str) -> float:
    """What a fresh interpreter says that it took."""
    return float(_run(site, (sys.executable, "-c", program)))


def _run(site: Site, argv: Sequence[str]) -> str:
    done = subprocess.run(
        argv, cwd=site.repo, env=site.env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv[1:])} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _count(bench: Bench, sheet: Sheet, site: Site, argvs: Mapping[str, Sequence[str]]) -> None:
    try:
        for _ in range(2):
            for name, argv in argvs.items():
                note = bench.scratch / "strace.txt"
                sheet.add(f"{name}.files", count_start(argv, site.repo, site.env, note))
    except StraceMissingError as exc:
        bench.skip("start.files", str(exc))


def _figures(sheet: Sheet) -> list[Figure]:
    figures = []
    for name, most in MOST_TIMES.items():
        figures.append(sheet.figure(name, "ms", times("bare", at_most=most)))
    figures += [
        sheet.figure("import", "ms", grain=0.5, limit=Limit(at_most=5), note="import aexp."),
        sheet.figure(
            "client", "ms", limit=Limit(at_most=150), note="RelayClient() with all that it imports."
        ),
        sheet.baseline("bare", "ms", note="A bare interpreter of the same environment."),
    ]
    if sheet.has("bare.files"):
        limit = Limit(at_most=MOST_FILES)
        bare = Against("bare.files")
        figures += [sheet.figure(f"{name}.files", "calls", bare, limit=limit) for name in COMMANDS]
        figures.append(sheet.baseline("bare.files", "calls"))
    return figures
