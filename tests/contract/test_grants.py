"""The promises of the memory of grants, kept by every adapter."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.grants.node import NodeGrants
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStorageError
from aexp.domain.grants import Grant, Scope
from aexp.ports.grants import GrantMemory

PLACES = (
    Destination("origin", "push", "https://git.example.org/a\udc80"),
    Destination("b", "push", "u", "l"),
)
ONE = Grant(
    "a" * 16, Scope("git_push", "/home/ada/é", "7", PLACES), 60.0, 160.5, 5060.25, "boot", "ada"
)
TWO = replace(ONE, id="b" * 16, keep=True, uses=3)

MAKERS: dict[str, Callable[[Path], GrantMemory]] = {
    "memory": lambda _: MemoryGrants(),
    "node": lambda folder: NodeGrants(folder, "/home/ada/.relay"),
}


@pytest.fixture(params=[*MAKERS])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> GrantMemory:
    return MAKERS[request.param](tmp_path)


def test_nothing_is_remembered_at_first(memory: GrantMemory) -> None:
    assert [*memory.all()] == []
    memory.forget([ONE.id])
    assert [*memory.all()] == []


def test_what_is_remembered_comes_back_to_the_last_bit(memory: GrantMemory) -> None:
    memory.remember(ONE)
    memory.remember(TWO)
    assert sorted(memory.all(), key=lambda one: one.id) == [ONE, TWO]


def test_a_second_time_takes_the_place_of_the_first(memory: GrantMemory) -> None:
    memory.remember(ONE)
    memory.remember(replace(ONE, uses=1))
    assert [one.uses for one in memory.all()] == [1]


def test_what_is_forgotten_is_gone_and_the_rest_stays(memory: GrantMemory) -> None:
    memory.remember(ONE)
    memory.remember(TWO)
    for _ in range(2):
        memory.forget([ONE.id, "c" * 16])
        assert [*memory.all()] == [TWO]


def test_on_a_node_it_outlives_the_process_and_is_for_one_queue(tmp_path: Path) -> None:
    NodeGrants(tmp_path, "/home/ada/.relay").remember(ONE)
    assert [*NodeGrants(tmp_path, "/home/ada/.relay").all()] == [ONE]
    assert [*NodeGrants(tmp_path, "/home/ada/.other").all()] == []


@pytest.mark.parametrize(
    "content", ["{", '{"a": 1}', '{"a": {}}', '{"a": {"scope": {"destinations": [1]}}}']
)
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, content: str) -> None:
    memory = NodeGrants(tmp_path, "/home/ada/.relay")
    memory.remember(ONE)
    (file,) = tmp_path.glob("grants-*.json")
    file.write_text(content)
    with pytest.raises(RelayStorageError, match="is damaged") as caught:
        memory.all()
    assert "Move it away" in caught.value.hint


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    NodeGrants(tmp_path, "/home/ada/.relay").remember(ONE)
    assert [oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("*.json")] == ["0o600"]
