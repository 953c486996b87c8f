"""Throwaway sites and what is at work in them, built on that of the tests."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aexp.domain.operations import ALLOWED
from benchmarks.bench import Bench
from benchmarks.helper import Helper, module_env
from tests.site import Site

STATUS = ALLOWED["git_status"].argv(())
"""The very command that ``git_status`` runs."""
NO_EVENTS = {"AEXP_RELAY_EVENTS": "off"}
_CLIENT = "benchmarks.programs.client"
_ORIGINAL = "benchmarks.baselines.original_schedule"


@contextmanager
def site(bench: Bench) -> Iterator[Site]:
    """A home with an origin and a clone; in the end its daemons are killed.

    Its files stay until the run is over: for minutes after many files were deleted, ext4 takes a millisecond
    to make a new one near by, because it passes over each inode that was freed of late.
    """
    folder = bench.folder()
    made = Site(folder / "home")
    # A warning of a library is no reason to stop while its speed is measured.
    del made.env["PYTHONWARNINGS"]
    try:
        yield made
    finally:
        made.close()


def copies(site: Site, count: int) -> list[Path]:
    """That many more clones of the origin."""
    made = [site.home / f"copy{number}" for number in range(count)]
    for copy in made:
        site.git("clone", "-q", str(site.origin), str(copy), cwd=site.home)
    return made


def serve(site: Site, *args: str, events: bool = True) -> subprocess.Popen[str]:
    """Start a daemon as it is.

    Args:
        events: whether it may use file events.
    """
    return site.serve(*args, env=None if events else NO_EVENTS)


def serve_original(site: Site) -> subprocess.Popen[str]:
    """Start a daemon that keeps the original schedule."""
    env = {**module_env(site.env), **NO_EVENTS}
    return site.serve("serve", "--most-at-once", "1", command=(_ORIGINAL,), env=env)


def client(site: Site, cwd: Path | None = None, *, events: bool = True) -> Helper:
    """Start a client as it is (see :mod:`benchmarks.programs.client`)."""
    env = site.env if events else {**site.env, **NO_EVENTS}
    return Helper(_CLIENT, env=env, cwd=cwd or site.repo)


def client_original(site: Site, cwd: Path | None = None) -> Helper:
    """Start a client that keeps the original schedule."""
    env = {**site.env, **NO_EVENTS}
    return Helper(_CLIENT, "--original", env=env, cwd=cwd or site.repo)
