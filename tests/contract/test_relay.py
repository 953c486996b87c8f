"""What a client sees of a served queue is the same for every transport: the suite that is shipped."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import open_queue
from aexp.ports.storage import QueueStorage
from aexp.testing import Place, RelayContract
from aexp.testing.contract import Opener
from tests.gates import gate_of, storage_through
from tests.redis_server import RedisServer, login_of


def _memory(folder: Path) -> Place:
    url = f"memory://{uuid4()}"
    return Place(lambda: open_queue(url, SystemClock()))


def _file(folder: Path) -> Place:
    return Place(lambda: open_queue(f"file://{folder}/queue", SystemClock()))


def _ssh(folder: Path) -> Place:
    """Through the gate alone: ssh itself is in tests/e2e/test_ssh_contract.py."""
    clock, login = SystemClock(), FakeProcesses("login1")

    def served() -> QueueStorage:
        return open_queue(f"file://{folder}/queue", clock)

    return Place(lambda: storage_through(lambda: gate_of(served(), clock, login), clock), served)


def _redis(server: RedisServer, client: str = "", daemon: str = "") -> Place:
    name = uuid4().hex

    def opener(user: str) -> Opener:
        url = server.url(name, user=user, options="" if user else "&open=yes")
        return lambda: open_queue(url, SystemClock())

    return Place(opener(client), opener(daemon))


PLACES: dict[str, Callable[[Path], Place]] = {"memory": _memory, "file": _file, "ssh": _ssh}


class TestRelay(RelayContract):
    @pytest.fixture(params=[*PLACES, "redis", "redis, a user each"])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
        if request.param == "redis":
            return _redis(request.getfixturevalue("redis_server"))
        if request.param not in PLACES:
            server: RedisServer = request.getfixturevalue("guarded_server")
            return _redis(server, *(login_of(user) for user in ("client", "daemon")))
        return PLACES[request.param](tmp_path)
