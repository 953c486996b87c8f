"""What a client sees of a served queue is the same for every transport: the suite that is shipped."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.airgapped import open_queue
from aexp.testing import Place, RelayContract


def _memory(folder: Path) -> Place:
    url = f"memory://{uuid4()}"
    return Place(lambda: open_queue(url, SystemClock()))


def _file(folder: Path) -> Place:
    return Place(lambda: open_queue(f"file://{folder}/queue", SystemClock()))


PLACES: dict[str, Callable[[Path], Place]] = {"memory": _memory, "file": _file}


class TestRelay(RelayContract):
    @pytest.fixture(params=[*PLACES])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
        return PLACES[request.param](tmp_path)
