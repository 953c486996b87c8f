"""Two nodes whose mounts believe what they once saw for 30 seconds: the relay sees everything at once.

The daemon's queue is on the login node's mount, the clients' on the compute node's. Both share a plain home
for the working copies.
"""

import os
import select
import shutil
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import RelayCancelledError, RelayClient, RelayDownError, State
from aexp.airgapped.inspection import DaemonView, daemon_view
from aexp.domain import layout
from aexp.ports.clock import Clock
from tests.lab.mounts import or_skip
from tests.lab.stale import StaleLab, stale_lab
from tests.site import Site, stand_in

SOON_S = 20.0
"""Far below the 30 s of the caches, far above what it takes on a busy machine."""
TRIPS = 40


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[StaleLab]:
    with or_skip(stale_lab(tmp_path / "lab")) as made:
        yield made


@pytest.fixture
def site(lab: StaleLab, site: Site) -> Site:
    """The site, whose processes end before the lab goes down."""
    return site


class Held:
    """A fetch that says that it runs, and ends when it is let go."""

    def __init__(self, site: Site) -> None:
        self._gate = site.home / "gate"
        stand_in(
            site,
            f'#!/bin/sh\n[ "$1" = fetch ] || exec {shutil.which("git")} "$@"\n'
            f"echo the first line\nwhile [ ! -e {self._gate} ]; do sleep 0.02; done\necho the last line\n",
        )

    def let_go(self) -> None:
        self._gate.touch()


@pytest.fixture
def held(site: Site) -> Iterator[Held]:
    made = Held(site)
    yield made
    made.let_go()


@pytest.fixture
def client(site: Site, lab: StaleLab, monkeypatch: pytest.MonkeyPatch) -> RelayClient:
    """A client on the compute node, which is this process; a daemon serves on the login node."""
    monkeypatch.setenv("HOME", str(site.home))
    site.wandb()
    serve(site, lab)
    return RelayClient(queue=lab.compute / "relay", cwd=site.repo)


def serve(site: Site, lab: StaleLab) -> None:
    site.serve("--queue", str(lab.login / "relay"), "--consent", "file")


def seen(what: str, holds: Callable[[], object]) -> float:
    """Poll until it holds; the seconds that took, which must be few."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < SOON_S, f"not seen within {SOON_S} s: {what}"
        select.select([], [], [], 0.01)
    return time.monotonic() - began


def view(client: RelayClient) -> DaemonView:
    """What `status` says on a node that cannot look at the daemon's process."""
    return daemon_view(client.queue, SystemClock(), FakeProcesses("gpu7"))


def test_the_lab_is_as_stale_as_it_claims(lab: StaleLab) -> None:
    asked_too_early = lab.compute / "answer"
    assert not asked_too_early.exists()
    (lab.login / "answer").write_text("here")
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        assert not asked_too_early.exists()
        select.select([], [], [], 0.1)
    assert os.listdir(lab.compute) == ["answer"]


def test_a_round_trip_takes_a_few_looks_of_each_side(
    site: Site, lab: StaleLab, client: RelayClient
) -> None:
    site.serve()
    places = {"stale mounts": client, "a plain disk": RelayClient(cwd=site.repo)}
    took: dict[str, list[float]] = {place: [] for place in places}
    for _ in range(TRIPS):
        for place, there in places.items():
            began = time.monotonic()
            assert there.status().returncode == 0
            took[place].append(time.monotonic() - began)
    assert max(took["stale mounts"]) < SOON_S
    # The first trips meet a daemon that has been idle.
    stale, plain = (1000 * statistics.median(took[place][5:]) for place in places)
    figures = f"git status through the relay, median of {TRIPS - 5}: {stale:.1f} ms on stale mounts"
    sys.stdout.write(f"{figures}, {plain:.1f} ms on a plain disk, ratio {stale / plain:.2f}\n")
    assert stale < 1000.0, figures


def test_an_answer_is_seen_that_was_asked_for_before_it_existed(
    site: Site, lab: StaleLab, held: Held, client: RelayClient
) -> None:
    handle = client.submit("git_fetch")
    seen("it runs", lambda: handle.state is State.RUNNING)
    assert not handle.done()
    held.let_go()
    seen("the answer in the folder itself", (lab.back / f"relay/outbox/{handle.id}.json").exists)
    seen("the answer on the compute node", handle.done)
    assert handle.result().returncode == 0


@pytest.mark.parametrize(
    ("verb", "node", "becomes"),
    [
        ("approve", "login", State.COMPLETED),
        ("approve", "compute", State.COMPLETED),
        ("reject", "compute", State.REJECTED),
    ],
)
def test_a_decision_is_heard_from_either_node(
    site: Site, lab: StaleLab, client: RelayClient, verb: str, node: str, becomes: State
) -> None:
    handle = client.submit("wandb_sync")
    seen("it waits", lambda: handle.state is State.PENDING)
    queue = f"{getattr(lab, node)}/relay"
    assert site.relay(verb, handle.id[:8], "--queue", queue).returncode == 0
    seen("the decision was acted on", lambda: handle.state is becomes)
    assert handle.done()


def test_a_running_request_is_ended_from_the_other_node(
    site: Site, lab: StaleLab, held: Held, client: RelayClient
) -> None:
    handle = client.submit("git_fetch")
    seen("it runs", lambda: handle.state is State.RUNNING)
    assert handle.cancel() is False
    seen("it has ended", handle.done)
    with pytest.raises(RelayCancelledError):
        handle.result()


def test_output_is_seen_while_the_command_runs(
    site: Site, lab: StaleLab, held: Held, client: RelayClient
) -> None:
    handle = client.submit("git_fetch")
    storage = client.queue.storage

    def shows(line: bytes) -> bool:
        there = f"{handle.id}.txt" in storage.list(layout.LOG)
        return there and line in storage.read(layout.log(handle.id))

    seen("the first line", lambda: shows(b"the first line\n"))
    assert handle.state is State.RUNNING
    held.let_go()
    seen("the last line", lambda: shows(b"the last line\n"))


def test_a_followed_operation_shows_its_first_line_long_before_it_ends(
    site: Site, lab: StaleLab, held: Held, client: RelayClient
) -> None:
    handle = client.submit("git_fetch")
    lines = handle.follow(timeout=60)
    began = time.monotonic()
    assert next(lines) == "the first line\n"
    assert time.monotonic() - began < SOON_S
    assert handle.state is State.RUNNING
    held.let_go()
    assert [*lines] == ["the last line\n"]


def test_a_daemon_that_ends_or_starts_is_seen_at_once(
    site: Site, lab: StaleLab, client: RelayClient
) -> None:
    assert view(client).up
    site.end(site.daemons[-1])
    seen("it is gone", lambda: not view(client).up)
    with pytest.raises(RelayDownError):
        client.submit("git_status")
    serve(site, lab)
    seen("the new one", lambda: view(client).pid == site.daemons[-1].pid)
    assert client.status().returncode == 0


def test_a_queue_is_seen_that_was_asked_for_before_it_existed(
    site: Site, lab: StaleLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(site.home))
    early = RelayClient(queue=lab.compute / "relay", cwd=site.repo)
    with pytest.raises(RelayDownError):
        early.submit("git_status")
    serve(site, lab)
    seen("the daemon", lambda: view(early).up)
    assert early.status().returncode == 0


class Hasty(Clock):
    """A caller for whom three seconds pass in one, so that 30 s of patience are over in ten."""

    def monotonic(self) -> float:
        return 3 * time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        select.select([], [], [], seconds / 3)


def test_beats_are_seen_as_they_come_and_a_kill_as_their_end(
    site: Site, lab: StaleLab, held: Held, client: RelayClient
) -> None:
    hasty = RelayClient(queue=lab.compute / "relay", cwd=site.repo, clock=Hasty())
    handle = hasty.submit("git_fetch")
    ended: list[Exception | None] = []

    def wait() -> None:
        try:
            ended.append(handle.exception(600.0))
        except RelayDownError as exc:
            ended.append(exc)

    waiter = threading.Thread(target=wait)
    waiter.start()
    # More than ten seconds, all of the waiter's patience: with beats from a cache it would give up.
    for _ in range(3):
        before = (lab.back / "relay/heartbeat").read_bytes()
        seen("the next beat", lambda b=before: (lab.back / "relay/heartbeat").read_bytes() != b)
        written = (lab.back / "relay/heartbeat").read_bytes()
        seen("it on the compute node", lambda w=written: client.queue.beat().raw == w)
    assert ended == []
    site.end(site.daemons[-1], signal.SIGKILL)
    waiter.join(3 * SOON_S)
    assert isinstance(ended[0], RelayDownError)
    serve(site, lab)
    seen("the new daemon", lambda: view(client).pid == site.daemons[-1].pid)
    seen("what became of the request", lambda: handle.state is State.CRASHED)
