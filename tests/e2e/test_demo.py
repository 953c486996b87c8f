"""The demo, as `make demo` runs it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

DEMO = Path(__file__).parents[2] / "scripts" / "demo.py"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A real home that must stay as it is, and the folder in which throwaway homes are made."""
    found = {"home": tmp_path / "home", "temporary": tmp_path / "temporary"}
    for folder in found.values():
        folder.mkdir()
    return found


def start(places: dict[str, Path]) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "HOME": str(places["home"]),
        "TMPDIR": str(places["temporary"]),
    }
    return subprocess.Popen(
        [sys.executable, str(DEMO)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def still_running(folder: Path) -> list[str]:
    """The command lines of processes that have the folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
    return found


def assert_nothing_is_left(places: dict[str, Path]) -> None:
    assert still_running(places["temporary"]) == []
    assert [*places["temporary"].iterdir()] == []
    assert [*places["home"].iterdir()] == []


def test_every_step_goes_as_it_must_and_nothing_is_left(places: dict[str, Path]) -> None:
    demo = start(places)
    told, _ = demo.communicate(timeout=60)

    assert demo.returncode == 0, told
    assert "\x1b" not in told
    for step in ("fetch", "pull", "push", "rebase", "request git_clone", "wandb-sync"):
        assert f"aexp relay {step}" in told
    assert "stand-in for wandb" in told
    trail = told.partition("The lines of daemon.log on that wandb-sync")[2]
    assert " INFO - stopped" not in trail
    for word in ("pending", "approve", "started", "done"):
        assert f" {word} " in trail
    # The steps are still to be seen above it.
    assert len(trail.splitlines()) < 16
    assert_nothing_is_left(places)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_either(places: dict[str, Path], number: int) -> None:
    demo = start(places)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "aexp relay serve" in line:
            break
    assert still_running(places["temporary"]) != []
    demo.send_signal(number)
    demo.communicate(timeout=60)

    assert demo.returncode == 130
    assert_nothing_is_left(places)


def test_a_step_that_goes_wrong_fails_the_demo(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "git").write_text("#!/bin/sh\necho no git today >&2\nexit 3\n")
    (broken / "git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    demo = start(places)
    told, _ = demo.communicate(timeout=60)

    assert demo.returncode == 1
    assert "The demo failed." in told
    assert "no git today" in told
    assert_nothing_is_left(places)
