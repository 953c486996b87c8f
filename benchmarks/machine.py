"""What a run was measured on: enough to judge a comparison, and nothing that names the machine."""

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path

import aexp
from aexp.adapters.storage.mounts import mount_of
from benchmarks.bench import ROOT

COMPARABLE = ("cpu", "cpus", "filesystem", "kernel", "python", "git", "thoroughness")
"""Facts that must be equal for two runs' absolute figures to mean the same."""


def facts(scratch: Path, *, quick: bool) -> dict[str, str]:
    """About this machine, this moment and this version."""
    mount = mount_of(str(scratch))
    return {
        "aexp": aexp.__version__,
        "commit": _commit(),
        "cpu": _cpu_model(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "filesystem": "unknown" if mount is None else mount.kind,
        "git": _said("git", "--version").removeprefix("git version "),
        "kernel": platform.release(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        "thoroughness": "quick" if quick else "full",
    }


def _commit() -> str:
    commit = _said("git", "rev-parse", "--short=12", "HEAD")
    changed = _said("git", "status", "--porcelain", "--", "src", "benchmarks")
    return f"{commit or 'unknown'}{' with changes' if changed else ''}"


def _said(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
