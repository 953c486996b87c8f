"""The promises of the decisions port, kept by the markers over each storage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.ports.storage import QueueStorage

MAKERS: dict[str, Callable[[Path], QueueStorage]] = {
    "memory": lambda _: MemoryStorage(ManualClock()),
    "shared-home": lambda folder: open_file_queue(f"{folder}/queue", ManualClock()),
}
ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture(params=[*MAKERS])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> QueueStorage:
    return MAKERS[request.param](tmp_path)


def test_nothing_is_decided_at_first(storage: QueueStorage) -> None:
    verdicts = MarkerDecisions(storage).collect({ONE, TWO})
    assert (verdicts.approved, verdicts.rejected) == (frozenset(), {})


def test_approvals_and_rejections_are_collected_with_their_reasons(storage: QueueStorage) -> None:
    storage.put(f"approved/{ONE}", b"")
    storage.put(f"rejected/{TWO}", b"not now\n")
    verdicts = MarkerDecisions(storage).collect({ONE, TWO})
    assert verdicts.approved == {ONE}
    assert verdicts.rejected == {TWO: "not now\n"}


def test_decisions_on_others_are_not_collected(storage: QueueStorage) -> None:
    storage.put(f"approved/{ONE}", b"")
    assert MarkerDecisions(storage).collect({TWO}).approved == frozenset()


def test_parking_removes_an_earlier_approval_and_says_so(storage: QueueStorage) -> None:
    decisions = MarkerDecisions(storage)
    assert decisions.park(ONE) is False
    storage.put(f"approved/{ONE}", b"")
    assert decisions.park(ONE) is True
    assert decisions.collect({ONE}).approved == frozenset()


def test_a_settled_decision_is_used_up(storage: QueueStorage) -> None:
    decisions = MarkerDecisions(storage)
    storage.put(f"approved/{ONE}", b"")
    storage.put(f"rejected/{ONE}", b"")
    decisions.settle(ONE)
    decisions.settle(ONE)
    assert decisions.collect({ONE}).approved == frozenset()
    assert storage.list("rejected") == []


def test_a_marker_that_is_a_folder_or_a_link_still_decides(tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/queue", ManualClock())
    storage.put("rejected/other", b"")
    (tmp_path / f"queue/rejected/{ONE}").symlink_to("/etc/passwd")
    (tmp_path / f"queue/rejected/{TWO}").mkdir()
    assert MarkerDecisions(storage).collect({ONE, TWO}).rejected == {ONE: "", TWO: ""}
