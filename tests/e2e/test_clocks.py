"""Clocks lie: the daemon's node is ten minutes off, the client's ten minutes the other way."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.mounts import LabError, skip_or_fail
from tests.lab.skew import forget, wrong_clock
from tests.site import PATIENCE_S, Site

WRONG_S = 600
NODES = {"slow daemon": -WRONG_S, "fast daemon": WRONG_S}

_CLIENT = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from aexp.adapters.clock.system import SystemClock
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import RelayClient
from aexp.airgapped.inspection import daemon_view

# A process of another machine: it cannot look at the daemon, only at its beats.
client = RelayClient(queue=sys.argv[1], processes=FakeProcesses("gpu7"))
told = {"wall": time.time()}
with ThreadPoolExecutor() as both:
    view = both.submit(daemon_view, client.queue, SystemClock(), FakeProcesses("gpu7"))
    answer = both.submit(client.status, timeout=40.0)
told["up"] = view.result().up
told["error"] = type(answer.exception()).__name__
told["returncode"] = None if answer.exception() else answer.result().returncode
print(json.dumps(told))
"""


@dataclass
class Node:
    """A daemon with a wrong clock and the environment of the clients that are wrong the other way."""

    queue: Path
    daemon: "subprocess.Popen[str]"
    env: dict[str, str]

    def client(self, site: Site) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _CLIENT, str(self.queue)],
            cwd=site.repo,
            env={**site.env, **self.env},
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def nodes(site: Site) -> list[Node]:
    site.wandb()
    try:
        clocks = {name: (wrong_clock(off), wrong_clock(-off)) for name, off in NODES.items()}
    except LabError as exc:
        skip_or_fail(str(exc), "AEXP_EXPECT_FAKETIME")
    queues = {name: site.home / name for name in clocks}
    return [
        Node(queues[name], site.serve("--queue", str(queues[name]), env=login), compute)
        for name, (login, compute) in clocks.items()
    ]


def told(site: Site, nodes: list[Node]) -> list[dict[str, Any]]:
    """What a client of each node tells, all of them at once."""
    clients = [node.client(site) for node in nodes]
    return [json.loads(client.communicate(timeout=PATIENCE_S)[0]) for client in clients]


def test_with_clocks_that_differ_by_twenty_minutes_the_living_serve_and_the_dead_are_found(
    site: Site, nodes: list[Node]
) -> None:
    for node, client in zip(nodes, told(site, nodes), strict=True):
        beat = json.loads((node.queue / "heartbeat").read_bytes())
        assert abs(abs(beat["wall"] - client["wall"]) - 2 * WRONG_S) < 60
        assert (client["up"], client["returncode"]) == (True, 0)
        status = site.json("status", "--queue", str(node.queue), env=node.env)
        assert (status["up"], status["pid"]) == (True, node.daemon.pid)
    for node in nodes:
        site.end(node.daemon, signal.SIGKILL)
        forget(node.daemon.pid)
    began = time.monotonic()
    for client in told(site, nodes):
        assert (client["up"], client["error"]) == (False, "RelayDownError")
    # Both a look at the beat and a wait for an answer need one interval each to be sure.
    assert time.monotonic() - began < 30.0
    for node in nodes:
        # Nothing that the client had left is run by a daemon to come.
        assert [*(node.queue / "inbox").iterdir()] == []
        done = site.relay("status", "--queue", str(node.queue), env=node.env)
        assert done.returncode == 69


def test_consent_does_not_expire_because_the_clocks_differ(site: Site, nodes: list[Node]) -> None:
    for number, node in enumerate(nodes):
        site.offline_run(f"0000000{number}")
        at_node = {"cwd": site.repo, "env": node.env}
        queue = ("--queue", str(node.queue))
        request_id = site.relay("wandb-sync", "--no-wait", *queue, **at_node).stdout.strip()
        site.until("it waits", (node.queue / f"pending/{request_id}.json").exists)
        assert site.relay("approve", request_id[:8], *queue, **at_node).returncode == 0
        shown = ("show", request_id, *queue)
        site.until("it ran", lambda s=shown: site.json(*s)["state"] == "completed")
