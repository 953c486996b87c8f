"""``aexp relay log``: what a command says is there while it runs, in a pipe, as JSON and on a terminal."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.site import PATIENCE_S, Site, stand_in


class Gate:
    """A stand-in git whose fetch goes from step to step when the test says so."""

    def __init__(self, site: Site, *steps: str, end: str = "exit 3") -> None:
        fifos = [site.repo / f".git/gate-{number}" for number in range(len(steps))]
        for fifo in fifos:
            os.mkfifo(fifo)
        self._closed = iter(fifos)
        told = "".join(
            f"{step}\nread _ < {fifo}\n" for step, fifo in zip(steps, fifos, strict=True)
        )
        stand_in(
            site,
            f'#!/bin/sh\nif [ "$1" = fetch ]; then\n{told}{end}\nfi\n'
            f'exec {shutil.which("git")} "$@"\n',
        )

    def open(self) -> None:
        """Let the command go on to its next step."""
        next(self._closed).write_text("on\n")


@pytest.fixture
def following(site: Site) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts ``aexp relay log -f …`` with its output in a pipe."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "aexp", "relay", "log", "-f", *args],
            cwd=site.repo, env=site.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def submitted(site: Site) -> str:
    return site.relay("fetch", "--no-wait").stdout.strip()


Start = Callable[..., "subprocess.Popen[str]"]


def test_a_line_is_in_the_pipe_while_the_command_runs(site: Site, following: Start) -> None:
    gate = Gate(site, "echo one", r"printf '10%%\r20%%\rtwo\n'; printf 'thr'")
    site.serve()
    request_id = submitted(site)
    process = following(request_id[:9])
    assert first_line(process) == "one\n"
    assert site.json("show", request_id)["state"] == "running"
    gate.open()
    assert first_line(process) == "two\n"
    assert site.json("show", request_id)["state"] == "running"
    gate.open()
    rest, told = process.communicate(timeout=PATIENCE_S)
    assert rest == "thr\n"
    assert process.returncode == 3
    assert "failed git_fetch" in told
    assert "Traceback" not in told


def test_with_json_each_line_is_an_object_and_the_last_one_says_how_it_ended(
    site: Site, following: Start
) -> None:
    gate = Gate(site, "echo one", "echo two")
    site.serve()
    request_id = submitted(site)
    process = following(request_id, "--json")
    assert json.loads(first_line(process)) == {"schema": 1, "text": "one\n"}
    gate.open()
    assert json.loads(first_line(process)) == {"schema": 1, "text": "two\n"}
    gate.open()
    rest, told = process.communicate(timeout=PATIENCE_S)
    (line,) = rest.splitlines()
    end = {"request_id": request_id, "state": "completed", "returncode": 3}
    assert json.loads(line) == {"schema": 1, **end}
    assert (process.returncode, told) == (3, "")


def test_a_command_that_is_cancelled_ends_the_following_with_77(
    site: Site, following: Start
) -> None:
    Gate(site, "echo one")
    site.serve()
    request_id = submitted(site)
    plain, as_json = following(request_id), following(request_id, "--json")
    assert first_line(plain) == "one\n"
    assert json.loads(first_line(as_json))["text"] == "one\n"
    site.relay("cancel", request_id)
    _, told = plain.communicate(timeout=PATIENCE_S)
    assert plain.returncode == 77
    assert told.count("git_fetch was cancelled") == told.count("error:") == 1
    rest, _ = as_json.communicate(timeout=PATIENCE_S)
    assert as_json.returncode == 77
    end = {"request_id": request_id, "state": "cancelled", "returncode": None}
    assert json.loads(rest) == {"schema": 1, **end}


def test_ctrl_c_ends_the_following_and_not_the_command(site: Site, following: Start) -> None:
    gate = Gate(site, "echo one", end="echo two")
    site.serve()
    request_id = submitted(site)
    process = following(request_id)
    assert first_line(process) == "one\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert f"Only the following ended; {request_id} goes on." in told
    assert f"next: aexp relay log -f {request_id[:8]}" in told
    gate.open()
    done = site.relay("log", "-f", request_id)
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")


def test_a_reader_that_has_enough_is_no_traceback(site: Site, following: Start) -> None:
    gate = Gate(site, "echo one", end="echo two")
    site.serve()
    process = following(submitted(site))
    assert first_line(process) == "one\n"
    assert process.stdout is not None
    process.stdout.close()
    gate.open()
    assert process.wait(timeout=PATIENCE_S) == 1
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_without_following_there_is_what_has_come_so_far(site: Site) -> None:
    gate = Gate(site, "true", r"echo one; printf '50%%\r'", "echo two", end="exit 3")
    site.serve()
    request_id = submitted(site)
    site.until("it runs", lambda: site.json("show", request_id)["state"] == "running")
    done = site.relay("log", request_id[:8])
    assert (done.returncode, done.stdout) == (0, "")
    told = f"There is no output yet: {request_id[:8]} is running.\n"
    assert done.stderr == f"{told}  next: aexp relay log -f {request_id[:8]}\n"
    gate.open()
    site.until("it is in the log", lambda: "50%" in site.relay("log", request_id).stdout)
    assert site.relay("log", request_id).stdout == "one\n50%\n"
    gate.open()
    gate.open()
    site.until("it has ended", lambda: site.json("log", request_id)["state"] == "completed")
    end = {"request_id": request_id, "state": "completed", "returncode": 3}
    assert site.json("log", request_id) == {"schema": 1, **end, "text": "one\ntwo\n"}
    assert site.relay("log", request_id).stdout == "one\ntwo\n"


def test_an_unknown_id_is_66_and_a_daemon_that_is_not_there_69(site: Site) -> None:
    site.serve()
    for args in (("0" * 32,), ("-f", "0" * 32), ("f",), ("-f", "f"), ("-f", "f", "--json")):
        done = site.relay("log", *args)
        assert (done.returncode, done.stdout) == (66, ""), args
        assert "next:" in done.stderr


def test_following_without_a_daemon_is_69_when_nothing_can_come(site: Site) -> None:
    site.serve()
    request_id = submitted(site)
    assert site.relay("log", "-f", request_id).returncode == 0
    site.end(site.daemons[0])
    # What is answered needs no daemon.
    assert site.relay("log", "-f", request_id).returncode == 0
    site.wandb()
    daemon = site.serve()
    waiting = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{waiting}.json").exists)
    site.end(daemon, signal.SIGKILL)
    done = site.relay("log", "-f", waiting[:8])
    assert (done.returncode, done.stdout) == (69, "")
    assert "still waits for consent" in done.stderr


def on_a_terminal(site: Site, *args: str) -> bytes:
    """What ``aexp relay …`` writes to a terminal."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "aexp", "relay", *args],
            cwd=site.repo, env=site.env, stdin=theirs, stdout=theirs, stderr=theirs,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        return os.read(ours, 1 << 16)
    finally:
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("how", [("log",), ("log", "-f")])
def test_what_a_stranger_wrote_does_nothing_to_a_terminal(site: Site, how: tuple[str, ...]) -> None:
    said = r"printf 'safe\033[2J\033]0;title\007 \302\2332J text\n'"
    Gate(site, end=f"{said}; exit 0")
    site.serve()
    request_id = submitted(site)
    site.until("it has ended", lambda: site.json("log", request_id)["state"] == "completed")
    screen = on_a_terminal(site, *how, request_id)
    assert rb"safe\x1b[2J\x1b]0;title\x07 \x9b2J text" in screen
    assert b"title\x07" not in screen
    assert b"\x1b[2J" not in screen
    assert "\x9b".encode() not in screen
    assert "\x1b]0;title\x07" in site.relay(*how, request_id).stdout


def test_a_request_that_waits_for_consent_says_so(site: Site, following: Start) -> None:
    site.wandb("echo uploaded")
    site.serve("--consent", "file")
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    process = following(request_id)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert f"{request_id[:8]} waits for consent" in told
    assert f"aexp relay approve {request_id[:8]}" in told
    assert site.relay("approve", "--yes", request_id).returncode == 0
    shown, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, shown) == (0, "uploaded\n")


def test_a_link_in_the_place_of_a_log_shows_nothing_of_what_it_leads_to(
    site: Site, following: Start
) -> None:
    diary = site.home / "diary"
    diary.write_text("private\n")
    gate = Gate(site, "echo one", end="echo two")
    site.serve()
    request_id = submitted(site)
    log = Path(site.queue / f"log/{request_id}.txt")
    site.until("the log is there", log.exists)
    log.unlink()
    log.symlink_to(diary)
    process = following(request_id)
    gate.open()
    shown, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, shown) == (0, "one\ntwo\n")
    assert diary.read_text() == "private\n"
