"""What a check-up learns from Linux, logind and git, and that it does not wait for what never answers."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters import checkup as adapter
from aexp.adapters.checkup import LocalNodeFacts, within
from aexp.domain.checkup import LogOut
from aexp.domain.errors import RelayStartError, RelayStorageError
from tests.world import executable


def facts(tmp_path: Path, environ: Mapping[str, str]) -> LocalNodeFacts:
    return LocalNodeFacts(environ, str(tmp_path / "home"))


def test_space_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    there = facts(tmp_path, os.environ).space(str(tmp_path / "not/yet/.relay"))
    assert there.bytes > 0


def test_a_filesystem_without_a_count_of_inodes_says_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)
    fields = [*real]
    fields[5] = fields[6] = fields[7] = 0  # f_files, f_ffree, f_favail
    monkeypatch.setattr(adapter.os, "statvfs", lambda path: os.statvfs_result(fields))
    assert facts(tmp_path, os.environ).space(str(tmp_path)).inodes is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("KillUserProcesses=yes\n", True),
        ("KillUserProcesses=no\n", False),
        ("", None),
        ("Failed to connect to bus\n", None),
        (FileNotFoundError(), None),
        (subprocess.TimeoutExpired("loginctl", 3.0), None),
    ],
)
def test_what_logind_says_is_believed_and_what_it_does_not_say_is_not_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str | Exception,
    expected: bool | None,
) -> None:
    asked: list[list[str]] = []

    def run(argv: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        asked.append(argv)
        assert given["timeout"] <= 3.0
        if isinstance(said, Exception):
            raise said
        linger = said.replace("KillUserProcesses", "Linger") if len(argv) == 4 else said
        return subprocess.CompletedProcess(argv, 0, linger, "")

    monkeypatch.setattr(adapter, "find_program", lambda name, path, home: f"/usr/bin/{name}")
    monkeypatch.setattr(adapter.subprocess, "run", run)
    found = facts(tmp_path, os.environ).log_out()
    assert found == LogOut(expected, expected)
    assert asked[1][1:3] == ["show-user", str(os.getuid())]


def test_without_logind_nothing_is_known_of_a_log_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "find_program", lambda name, path, home: None)
    assert facts(tmp_path, os.environ).log_out() == LogOut()


def test_a_real_git_is_asked_and_one_that_is_too_old_refused(tmp_path: Path) -> None:
    assert facts(tmp_path, os.environ).git().startswith("git version ")
    old = executable(tmp_path / "git", "#!/bin/sh\necho git version 2.17.1\n")
    node = facts(tmp_path, {**os.environ, "AEXP_RELAY_GIT": str(old)})
    assert node.has_git()
    with pytest.raises(RelayStartError, match=r"2\.32 or newer"):
        node.git()


def test_an_agents_socket_must_be_one(tmp_path: Path) -> None:
    import socket

    assert facts(tmp_path, {}).agent() is None
    path = tmp_path / "agent"
    assert facts(tmp_path, {"SSH_AUTH_SOCK": str(path)}).agent() == (str(path), False)
    path.touch()
    assert facts(tmp_path, {"SSH_AUTH_SOCK": str(path)}).agent() == (str(path), False)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert facts(tmp_path, {"SSH_AUTH_SOCK": str(path)}).agent() == (str(path), True)


def test_a_look_that_comes_in_time_is_what_it_returns_or_raises() -> None:
    assert within(30.0, lambda: 7) == 7
    assert within(30.0, lambda: None) is None
    with pytest.raises(RelayStorageError):
        within(30.0, lambda: _raise(RelayStorageError("x")))


def test_a_look_that_never_comes_back_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match="no answer"):
        within(0.0, never.wait)
    never.set()


def _raise(error: Exception) -> None:
    raise error
