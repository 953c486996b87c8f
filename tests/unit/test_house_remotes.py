"""Asking remotes from a private git directory: how long it may take, and what is left behind."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server, socket

import pytest

from aexp.adapters.checkup import remotes as adapter
from aexp.adapters.checkup.remotes import HouseRemotes
from aexp.cli.login_node import container
from aexp.container import Container
from aexp.domain.destinations import Destination
from tests.told import until
from tests.world import executable


@pytest.fixture
def silent() -> Iterator[socket]:
    """A host that takes connections and never says a word."""
    with closing(create_server(("127.0.0.1", 0), backlog=16)) as made:
        yield made


def asking(home: Path) -> HouseRemotes:
    def built() -> Container:
        return container(str(home / ".relay"), environ={**os.environ, "HOME": str(home)})

    return HouseRemotes(str(home), lambda: built().workshop(), lambda: built().pins())


def copy_of(home: Path, *urls: str) -> Path:
    """A working copy with these remotes."""
    repo = home / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    for number, url in enumerate(urls):
        subprocess.run(["git", "-C", str(repo), "remote", "add", f"r{number}", url], check=True)
    return repo


def test_a_folder_outside_any_working_copy_has_none_to_survey(home: Path) -> None:
    (home / "plain").mkdir()
    assert asking(home).survey(home / "plain") is None
    assert asking(home).survey(home) is None


def test_the_survey_contacts_nobody(home: Path, silent: socket) -> None:
    silent.setblocking(False)
    repo = copy_of(home, f"https://127.0.0.1:{silent.getsockname()[1]}/x.git")
    survey = asking(home).survey(repo)
    assert survey is not None
    assert {one.verb for one in survey.configured} == {"fetch", "push"}
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_hosts_that_hang_are_given_up_together_and_nothing_runs_on(
    home: Path, silent: socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(adapter, "LIMIT_S", 0.5)
    urls = [f"https://127.0.0.1:{silent.getsockname()[1]}/{n}.git" for n in range(3)]
    repo = copy_of(home, *urls)
    there = [Destination(f"r{n}", "fetch", url) for n, url in enumerate(urls)]
    replies = asking(home).ask(repo, there)
    assert [reply.returncode for reply in replies] == [None, None, None]
    assert all(reply.took_s < 5.0 for reply in replies)
    # What was killed may take a moment to be gone.
    until("nothing runs on", lambda: not any(_works_below(pid, tmp_path) for pid in _processes()))
    assert [*(tmp_path / "node").glob("*/daemons/*")] == []


def _processes() -> list[str]:
    return [pid for pid in os.listdir("/proc") if pid.isdecimal()]


def _works_below(pid: str, folder: Path) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return int(pid) != os.getpid() and f"GIT_DIR={folder}".encode() in environ


def test_it_goes_to_the_url_that_is_given_and_not_to_what_the_copy_says_by_now(
    home: Path, silent: socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent.setblocking(False)
    repo = copy_of(home, f"https://127.0.0.1:{silent.getsockname()[1]}/x.git")
    (reply,) = asking(home).ask(repo, [Destination("r0", "fetch", "https://127.0.0.1:1/x.git")])
    assert reply.returncode not in (0, None)
    assert b"127.0.0.1:1/x.git" in reply.said
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_of_what_git_says_without_end_only_the_end_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LOOK_BYTES", 100)
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    script = f"""#!/bin/sh
[ "$1" = ls-remote ] || exec {real.strip()} "$@"
for n in 1 2 3 4 5 6 7 8 9; do echo "line $n of the many that it says"; done; exit 3"""
    monkeypatch.setenv("AEXP_RELAY_GIT", str(executable(home / "git", f"{script}\n")))
    repo = copy_of(home, "https://127.0.0.1:1/x.git")
    (reply,) = asking(home).ask(repo, [Destination("r0", "fetch", "https://127.0.0.1:1/x.git")])
    assert (reply.returncode, len(reply.said)) == (3, 100)
    assert reply.said.endswith(b"line 9 of the many that it says\n")
