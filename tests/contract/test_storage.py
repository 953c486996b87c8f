"""The promises of the queue's storage, kept by every adapter of ours: the suite that is shipped."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import open_queue
from aexp.domain.profiles import PROFILES
from aexp.testing import QueueContract
from aexp.testing.contract import Opener
from tests.redis_server import RedisServer


def _memory(folder: Path) -> Opener:
    url = f"memory://{uuid4()}"
    return lambda: open_queue(url, ManualClock())


def _shared_home(folder: Path, profile: str) -> Opener:
    return lambda: open_file_queue(f"{folder}/deep/queue", ManualClock(), profile)


OPENERS: dict[str, Callable[[Path], Opener]] = {
    "memory": _memory,
    **{f"file, {profile}": partial(_shared_home, profile=profile) for profile in PROFILES},
}


class TestStorage(QueueContract):
    @pytest.fixture(params=[*OPENERS, "redis"])
    def storages(self, request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
        if request.param == "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            url = server.url(uuid4().hex, options="&open=yes")
            return lambda: open_queue(url, ManualClock())
        return OPENERS[request.param](tmp_path)


def test_waiting_lets_the_time_pass_on_its_clock() -> None:
    clock = ManualClock()
    for make in (lambda: MemoryStorage(clock), lambda: open_file_queue("/nowhere", clock)):
        before = clock.monotonic()
        make().wait(("outbox",), 2.5)
        assert clock.monotonic() - before == 2.5
