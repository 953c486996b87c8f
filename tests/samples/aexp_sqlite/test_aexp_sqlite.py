"""That the transport keeps every promise; `sqlite://` is found by the package's entry point."""

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.airgapped import open_queue
from aexp.testing import Place, QueueContract, RelayContract


def opener(folder):
    return lambda: open_queue(f"sqlite://{folder}/queue.db", SystemClock())


class TestStorage(QueueContract):
    transport = "sqlite"

    @pytest.fixture
    def storages(self, tmp_path):
        return opener(tmp_path)


class TestRelay(RelayContract):
    transport = "sqlite"

    @pytest.fixture
    def place(self, tmp_path):
        return Place(opener(tmp_path))
