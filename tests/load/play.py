"""One run of the load: start everything, kill daemons, count what became of it."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.clock.system import SystemClock
from aexp.airgapped import open_queue
from aexp.domain import layout
from aexp.domain.requests import Response

THREADS = 8
"""Clients in one process."""


@dataclass(frozen=True)
class Load:
    """What to play.

    Attributes:
        kills: how many daemons are killed meanwhile, one after the other; each is started anew.
        milliseconds: how long a command takes, about.
    """

    clients: int = 64
    daemons: int = 4
    requests: int = 20_000
    kills: int = 40
    milliseconds: float = 5.0

    @property
    def each(self) -> int:
        """How many requests one client makes."""
        return -(-self.requests // self.clients)


@dataclass(frozen=True)
class Tally:
    """What became of it.

    Attributes:
        told: how many requests ended in which way, as their clients were told.
        lost: requests that have no answer, or whose client was told of another one.
        twice: requests that were started more than once.
        unheard: requests that were answered as done and never started.
        left: names that still lie where something open lies.
        killed: daemons that were killed.
        took_s: seconds from the first client's start to the last one's end.
        waits_ms: what each request took, in order.
    """

    told: Counter[str]
    lost: frozenset[str]
    twice: frozenset[str]
    unheard: frozenset[str]
    left: tuple[str, ...]
    killed: int
    took_s: float
    waits_ms: tuple[float, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing ran twice, and all that did not run was told as such."""
        problems = (self.lost, self.twice, self.unheard, self.left)
        return not any(problems) and not self.told.keys() - {"ok", "crashed"}

    def share(self, part: float) -> float:
        """The milliseconds within which this part of all requests was answered."""
        return self.waits_ms[min(int(len(self.waits_ms) * part), len(self.waits_ms) - 1)]

    def told_in(self, load: Load) -> str:
        """All of it, for a person."""
        done = sum(self.told.values())
        lines = [
            f"{done} requests of {load.clients} clients to {load.daemons} daemons in {self.took_s:.0f} s "
            f"({done / self.took_s:.0f}/s); {self.killed} daemons killed",
            f"told: {', '.join(f'{count} {how}' for how, count in sorted(self.told.items()))}",
            f"lost {len(self.lost)}, run twice {len(self.twice)}, answered and never run "
            f"{len(self.unheard)}, left over {len(self.left)}",
            f"milliseconds: median {self.share(0.5):.0f}, 95 % {self.share(0.95):.0f}, "
            f"99 % {self.share(0.99):.0f}, longest {self.share(1.0):.0f}",
        ]
        return "\n".join(lines)


def play(load: Load, url: str, folder: Path) -> Tally:
    """Play it on the queue at ``url``; the home and all files lie in ``folder``."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with _daemons(load, url, home) as crowd:
        clients = [_client(load, url, home, first) for first in range(0, load.clients, THREADS)]
        killed = _until_over(load, clients, crowd, home)
        took = time.monotonic() - began
        assert [client.returncode for client in clients] == [0] * len(clients)
        crowd.settle(url)
    return _tally(url, home, killed, took)


class Crowd:
    """The daemons, which are killed and started anew."""

    def __init__(self, load: Load, url: str, home: Path) -> None:
        self._words = (url, str(home), str(home / "runs"), str(load.milliseconds))
        self._env = _environment(home)
        self.running = [self._start() for _ in range(load.daemons)]

    def kill_one(self) -> None:
        """One ends as in a crash; another takes its place.

        The first one is spared. On a busy machine all could die before the first of the new ones serves, and
        a client that finds nobody takes its request back, as it should.
        """
        number = random.randrange(1, len(self.running))  # noqa: S311
        victim = self.running[number]
        victim.kill()
        victim.wait()
        self.running[number] = self._start()

    def settle(self, url: str) -> None:
        """Wait until nothing is open any more: what the last one killed had is taken over."""
        storage = open_queue(url, SystemClock())
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up and _open_names(storage):
            storage.wait((layout.REPLIED,), 0.2)

    def end(self) -> None:
        """End them in good order; kill those that do not."""
        for daemon in self.running:
            daemon.terminate()
        for daemon in self.running:
            try:
                daemon.wait(timeout=30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "tests.load.daemon", *self._words]
        return subprocess.Popen(argv, env=self._env, stdout=subprocess.DEVNULL)


@contextmanager
def _daemons(load: Load, url: str, home: Path) -> Iterator[Crowd]:
    crowd = Crowd(load, url, home)
    try:
        yield crowd
    finally:
        crowd.end()


def _client(load: Load, url: str, home: Path, first: int) -> "subprocess.Popen[bytes]":
    count = min(THREADS, load.clients - first)
    numbers = map(str, (first, count, load.each))
    argv = [sys.executable, "-m", "tests.load.client", url, str(home), str(home / "told"), *numbers]
    return subprocess.Popen(argv, env=_environment(home))


def _until_over(
    load: Load, clients: "list[subprocess.Popen[bytes]]", crowd: Crowd, home: Path
) -> int:
    """Kill a daemon each time that another part of the requests is answered; how many were."""
    killed, total = 0, load.each * load.clients
    try:
        while any(client.poll() is None for client in clients):
            if killed < load.kills and _lines(home / "told") > total * (killed + 1) / (
                load.kills + 2
            ):
                crowd.kill_one()
                killed += 1
            time.sleep(0.05)
    finally:
        for client in clients:
            client.kill()
            client.wait()
    return killed


def _tally(url: str, home: Path, killed: int, took_s: float) -> Tally:
    storage = open_queue(url, SystemClock())
    told = [line.split() for line in (home / "told").read_text().splitlines()]
    runs = Counter(line.split()[0] for line in (home / "runs").read_text().splitlines())
    outcomes = {request_id: how for request_id, how, _ in told}
    answered = set(layout.requests_in(storage.list(layout.OUTBOX)))
    finals = {"ok": "completed", "crashed": "crashed"}
    lost = set(outcomes) ^ answered
    for request_id in outcomes.keys() & answered:
        answer = Response.from_bytes(storage.read(layout.outbox(request_id)), request_id)
        if answer.final_state != finals.get(outcomes[request_id]):
            lost.add(request_id)
    return Tally(
        told=Counter(outcomes.values()),
        lost=frozenset(lost),
        twice=frozenset(one for one, count in runs.items() if count > 1),
        unheard=frozenset(one for one, how in outcomes.items() if how == "ok" and one not in runs),
        left=tuple(_open_names(storage)),
        killed=killed,
        took_s=took_s,
        waits_ms=tuple(sorted(float(took) for _, _, took in told)),
    )


def _open_names(storage: "object") -> list[str]:
    folders = (layout.INBOX, layout.PENDING, layout.PROCESSING)
    return [f"{folder}/{entry}" for folder in folders for entry in storage.list(folder)]  # type: ignore[attr-defined]


def _environment(home: Path) -> dict[str, str]:
    here = str(Path(__file__).parent.parent.parent)
    return {**os.environ, "HOME": str(home), "PYTHONPATH": here, "PYTHONWARNINGS": "default"}


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0
