"""The promises of the queue's storage that are about stamps and waiting: hints that may fail, but not lie."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from aexp.ports.storage import QueueStorage
from aexp.testing.contract import Opener, QueuePromises

SOON_S = 5.0
"""Seconds that a wait of none may take on a machine that is very busy."""
_REALTIME_COARSE = 5  # clock_gettime(2); Python has no name for it.


class QueueWaits(QueuePromises):
    """The part of :class:`~aexp.testing.queue_contract.QueueContract` about what passes."""

    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, int]]:
        """The two ends of a pipe: what is read from, and what is written to."""
        ends = os.pipe()
        os.set_blocking(ends[0], False)
        yield ends
        for end in ends:
            os.close(end)

    @pytest.mark.parametrize(
        "change",
        [
            lambda storage: storage.put_new("pending/b", b""),
            lambda storage: storage.take("pending/a", "processing/a"),
            lambda storage: storage.take("inbox/c", "pending/c"),
            lambda storage: storage.remove("pending/a"),
            lambda storage: (storage.remove("pending/a"), storage.put("pending/b", b"")),
        ],
        ids=["made", "taken", "moved here", "removed", "replaced by another"],
    )
    def test_a_stamp_stays_while_nothing_comes_or_goes_and_changes_when_something_does(
        self, storage: QueueStorage, change: Callable[[QueueStorage], object]
    ) -> None:
        storage.put("inbox/c", b"")
        storage.put("pending/a", b"")
        before = storage.stamp("pending")
        storage.put("outbox/other", b"")
        assert storage.stamp("pending") == before
        _let_the_kernels_date_pass()
        change(storage)
        assert before is None or storage.stamp("pending") != before

    def test_a_folder_that_is_not_there_has_no_stamp(self, storage: QueueStorage) -> None:
        assert storage.stamp("pending") is None

    def test_waiting_ends_in_time(self, storage: QueueStorage, storages: Opener) -> None:
        storage.put("inbox/a", b"x")
        began = time.monotonic()
        for seconds in (0.0, 0.05):
            storage.wait(("inbox",), seconds)
            storage.wait(("inbox", "never"), seconds)
            storage.wait((), seconds)
            storage.wait(("outbox",), seconds, (), "inbox/a")
            storages().wait(("outbox",), seconds, (), "inbox/nothing")
        assert time.monotonic() - began < SOON_S

    @pytest.mark.parametrize("file", [None, "inbox/a", "inbox/nothing"])
    def test_waiting_ends_at_once_for_a_readable_descriptor_and_leaves_it_readable(
        self, storage: QueueStorage, pipe: tuple[int, int], file: str | None
    ) -> None:
        storage.put_new("inbox/a", b"x", follow=True)
        storage.wait(("inbox",), 0.0, pipe[:1], file)
        os.write(pipe[1], b"x")
        began = time.monotonic()
        storage.wait(("inbox", "cancel"), 60.0, pipe[:1], file)
        assert time.monotonic() - began < 30
        assert os.read(pipe[0], 2) == b"x"

    def test_a_file_that_has_not_moved_is_not_seen_to_move(
        self, storage: QueueStorage, storages: Opener
    ) -> None:
        assert storage.put_new("inbox/a", b"x", follow=True) is True
        assert storage.wait(("outbox",), 0.05, (), "inbox/a") is False
        assert storage.wait(("outbox",), 0.05, (), "inbox/nothing") is False
        storages().put("outbox/other", b"x")
        assert storage.wait(("outbox",), 0.05) is False


def _let_the_kernels_date_pass() -> None:
    """What is changed from now on gets another date: the clock for those ticks 100 times a second."""
    began = time.clock_gettime(_REALTIME_COARSE)
    while time.clock_gettime(_REALTIME_COARSE) == began:
        pass
