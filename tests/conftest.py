"""What all tests share: a home of their own, and a relay in virtual time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.redis_server import RedisServer, documented_users
from tests.world import World

# After a run of the contract suites: which transport keeps which promise.
pytest_plugins = ["aexp.testing.matrix"]

# A package of its own, with its own tests: tests/e2e/test_sample_transport.py installs it and runs them.
collect_ignore = ["samples"]

# A shared machine is slow at times, which says nothing about the code. CI tries the same examples each time:
# what is new is found on the machine of somebody who can look at it.
settings.register_profile("laptop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("laptop"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throwaway ``$HOME``; nothing of the real one is read or written."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("AEXP_RELAY_STATE", str(tmp_path / "node"))
    for name in ("AEXP_RELAY_QUEUE", "AEXP_RELAY_CWD_NAMES", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def world(home: Path) -> World:
    """The whole relay in one thread; see :class:`tests.world.World`."""
    return World(home)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for tests that leave it running; each of them takes a queue of its own name."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The same with the users that are documented, who may do in every queue what they may in theirs."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users.acl").write_text(documented_users("*"), encoding="utf-8")
    server = RedisServer(folder, ("--aclfile", "users.acl"))
    try:
        yield server.start()
    finally:
        server.kill()
