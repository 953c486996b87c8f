"""Real processes, killed at random moments: every request has one answer, and none runs twice.

``AEXP_KILLS`` is the number of kills (25 by default), ``AEXP_SEED`` the seed that a failure named.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import RelayClient
from aexp.domain import layout
from aexp.domain.consent import State
from aexp.domain.requests import Response
from aexp.domain.retention import SWEPT
from tests.lab.recording import Recording, working_copies
from tests.site import PATIENCE_S, Site

KILLS = int(os.environ.get("AEXP_KILLS", "25"))
REQUESTS_PER_KILL = 9
COPIES = 3
CLIENTS = 2
pytestmark = pytest.mark.timeout(60 + 4 * KILLS)

# Most pushes are short; those whose branch ends in 7 outlive the daemon that is killed meanwhile.
WORK = 'case "$3" in *7) sleep 0.3;; *[02468]) sleep 0.01;; esac'


@dataclass
class Books:
    """What was asked for, and what the queue has said so far.

    Attributes:
        branches: the branch that each request, by its id, pushes.
    """

    site: Site
    record: Recording
    branches: dict[str, str] = field(default_factory=dict)
    _answers: dict[str, bytes] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many answers there were at the last look."""
        return len(self._answers)

    def look(self) -> None:
        """Note the answers; one that was seen before must not have changed or gone."""
        now = {file.stem: file.read_bytes() for file in (self.site.queue / "outbox").glob("*.json")}
        for request_id, answer in self._answers.items():
            assert now.get(request_id) == answer
        self._answers = now

    def close(self) -> None:
        """Check everything, once the last daemon has ended."""
        self.look()
        assert self._answers.keys() == self.branches.keys()
        began, ended = self.record.began(), self.record.ended()
        assert set(began.values()) <= {1}
        states: Counter[State] = Counter()
        for request_id, branch in self.branches.items():
            answer = Response.from_bytes(self._answers[request_id], request_id)
            states[answer.final_state] += 1
            if answer.final_state is State.COMPLETED:
                assert (answer.returncode, answer.stdout) == (0, f"pushed {branch}\n")
                assert (began[branch], ended[branch]) == (1, 1)
            elif answer.final_state is State.CRASHED:
                assert began[branch] <= 1
            else:
                assert answer.final_state is State.CANCELLED
                assert began[branch] <= (0 if answer.returncode is None else 1)
        assert left_over(self.site.queue) == []
        how = ", ".join(f"{count} {state}" for state, count in states.items())
        sys.stdout.write(f"{len(self.branches)} requests: {how}\n")


def left_over(queue: Path) -> list[str]:
    """The files that neither the retention sweeps nor the queue keeps for people."""
    # The one lease stays as well: it is the count that the next daemon goes on with.
    kept = {*SWEPT, layout.SWEEP, layout.LEASE, "daemon.log", layout.CONSENT_LOG}
    kept |= {layout.DESTINATIONS, "audit.jsonl"}
    found = (file.relative_to(queue) for file in queue.rglob("*") if file.is_file())
    return [str(name) for name in found if name.parts[0] not in kept]


@pytest.fixture
def dice() -> random.Random:
    seed = os.environ.get("AEXP_SEED") or str(random.SystemRandom().randrange(10**6))
    sys.stdout.write(f"AEXP_SEED={seed}\n")
    return random.Random(seed)  # noqa: S311


@pytest.fixture
def books(site: Site, monkeypatch: pytest.MonkeyPatch) -> Books:
    monkeypatch.setenv("HOME", str(site.home))
    return Books(site, Recording(site, WORK))


@pytest.fixture
def copies(site: Site) -> list[Path]:
    return working_copies(site, COPIES)


def end_at(process: "subprocess.Popen[str]", after_s: float) -> threading.Timer:
    """SIGKILL the process in ``after_s`` seconds."""
    timer = threading.Timer(after_s, process.send_signal, [signal.SIGKILL])
    timer.start()
    return timer


def test_a_daemon_that_is_killed_at_any_moment_loses_and_doubles_nothing(
    site: Site, books: Books, copies: list[Path], dice: random.Random
) -> None:
    # As on another node: there a client cannot see that the daemon's process is gone.
    elsewhere = FakeProcesses("gpu7")
    clients = [RelayClient(cwd=copy, processes=elsewhere) for copy in copies]
    for kill in range(KILLS):
        daemon = site.serve()
        timer = end_at(daemon, dice.uniform(0.0, 0.35))
        for number in range(REQUESTS_PER_KILL):
            branch = f"k{kill}-{number}"
            handle = dice.choice(clients).submit("git_push", ["origin", branch])
            books.branches[handle.id] = branch
        timer.join()
        assert daemon.wait(PATIENCE_S) == -signal.SIGKILL
        books.look()
    last_daemon(site)
    books.close()


_CLIENT = """
import sys
from aexp.airgapped import RelayClient, RelayCancelledError
client = RelayClient()
print("here", flush=True)
for number in range(1000):
    branch = f"{sys.argv[1]}-{number}"
    handle = client.submit("git_push", ["origin", branch])
    if number % 4 == 3:
        handle.cancel()
    try:
        handle.result(30.0)
    except RelayCancelledError:
        pass
"""


def test_clients_that_are_killed_at_any_moment_leave_nothing_that_stays(
    site: Site, books: Books, copies: list[Path], dice: random.Random
) -> None:
    site.serve()
    kills = 0
    while kills < KILLS or books.answered < KILLS * REQUESTS_PER_KILL:
        kills += 1
        running = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", _CLIENT, f"k{kills}-{number}"],
                cwd=copies[number],
                env=site.env,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(CLIENTS)
        ]
        for process in running:
            with process:
                assert process.stdout is not None
                assert process.stdout.readline() == "here\n"
                end_at(process, dice.uniform(0.0, 0.5)).join()
            assert process.returncode == -signal.SIGKILL
        books.look()
    # What a client withdrew without living to say so is answered at the next start.
    site.until("all of it ran", lambda: not any(waiting(site.queue)))
    site.end(site.daemons[-1])
    last_daemon(site)
    books.branches.update(accepted(site.queue))
    books.close()


def accepted(queue: Path) -> Iterator[tuple[str, str]]:
    """Each request that got into the queue, and its branch: taken in by the daemon, or withdrawn before."""
    for file in (queue / layout.OUTBOX).glob("*.json"):
        answer = json.loads(file.read_bytes())
        if answer["state"] == State.CANCELLED:
            # What is answered for a client that died meanwhile does not tell what was asked.
            yield file.stem, answer["details"].get("args", ["", "?"])[1]
    for line in (queue / "daemon.log").read_text(encoding="utf-8").splitlines():
        before, received, after = line.partition(" received ")
        if received:
            yield before.split()[-1], after.partition('args="origin ')[2].partition('"')[0]


def waiting(queue: Path) -> Iterator[Path]:
    """The requests that are not answered."""
    for folder in (layout.INBOX, layout.PENDING, layout.PROCESSING):
        yield from (queue / folder).iterdir()


def last_daemon(site: Site) -> None:
    """Let one more daemon see to what is left."""
    daemon = site.serve()
    site.until("nothing waits", lambda: not any(waiting(site.queue)))
    assert site.end(daemon) == 0
