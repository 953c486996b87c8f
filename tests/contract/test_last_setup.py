"""The promises of the memory of how the last daemon was set up, and what only the one on a disk can break."""

import stat
from pathlib import Path

import pytest

from aexp.adapters.setups.memory import MemorySetup
from aexp.adapters.setups.node import NodeSetup
from aexp.domain.errors import RelayStorageError
from aexp.domain.serving import Setup
from aexp.ports.last_setup import LastSetup

ONE = Setup({"AEXP_RELAY_WANDB": "/a b/wandb ü"}, ("--most-at-once", "2"))


@pytest.fixture(params=["memory", "node"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> LastSetup:
    return MemorySetup() if request.param == "memory" else NodeSetup(tmp_path / "one.json")


def test_nothing_is_remembered_at_first(memory: LastSetup) -> None:
    assert memory.get() is None


def test_what_was_remembered_last_is_there(memory: LastSetup) -> None:
    memory.remember(ONE)
    assert memory.get() == ONE
    memory.remember(Setup())
    assert memory.get() == Setup()


def test_another_process_finds_it_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    NodeSetup(path).remember(ONE)
    assert NodeSetup(path).get() == ONE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    ["{", '{"settings": []}', '{"settings": {"A": 1}, "options": []}', '{"settings": {}, "options": [1]}'],
)  # fmt: skip
def test_a_damaged_memory_is_an_error_that_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(RelayStorageError, match=r"one\.json"):
        NodeSetup(path).get()
