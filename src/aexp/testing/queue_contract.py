"""The promises of the queue's storage (:mod:`aexp.ports.storage`), kept by every transport."""

import os

import pytest

from aexp.domain.errors import StorageMissingError
from aexp.ports.storage import QueueStorage
from aexp.testing.contract import Opener
from aexp.testing.queue_names import QueueNames
from aexp.testing.queue_races import QueueRaces
from aexp.testing.queue_waits import QueueWaits

ID = "0123456789abcdef" * 2
LONGEST = f"{ID}.{'login-node-' * 8}1a2b3c4d-4194304-99999999999-0123abcd.claim"


class QueueContract(QueueRaces, QueueNames, QueueWaits):
    """A subclass gives the fixture ``storages``; see :mod:`aexp.testing`.

    The queue is a new one for each test. Where many act at once, each has a storage of its own.
    """

    def test_a_folder_that_was_never_written_to_is_empty(self, storage: QueueStorage) -> None:
        assert storage.list("inbox") == []
        assert storage.list("") == []

    def test_what_was_put_is_listed_and_read(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"one")
        storage.put("top", b"two")
        assert storage.list("inbox") == ["a"]
        assert {"inbox", "top"} <= set(storage.list(""))
        assert storage.read("inbox/a") == b"one"
        assert storage.read("top") == b"two"

    def test_bytes_come_back_as_they_were_put(self, storage: QueueStorage) -> None:
        for body in (b"", bytes(range(256)), b"\r\n\0\xff\xfe", os.urandom(1 << 20)):
            storage.put("outbox/a", body)
            assert storage.read("outbox/a") == body
        for _ in range(2):
            storage.append("log/a", bytes(range(256)))
        assert storage.read("log/a") == bytes(range(256)) * 2

    def test_names_as_long_as_a_claims_are_kept_as_they_are(self, storage: QueueStorage) -> None:
        storage.put(f"inbox/{ID}.json", b"request")
        assert storage.take(f"inbox/{ID}.json", f"processing/{LONGEST}") is True
        assert storage.list("processing") == [LONGEST]
        assert storage.read(f"processing/{LONGEST}") == b"request"

    def test_reading_takes_a_part_of_the_bytes(self, storage: QueueStorage) -> None:
        storage.put("log/a", b"0123456789")
        assert storage.read("log/a", 4) == b"456789"
        assert storage.read("log/a", 4, 3) == b"456"
        assert storage.read("log/a", 0, 0) == b""
        assert storage.read("log/a", 99) == b""

    def test_reading_a_name_that_is_not_there_says_so(self, storage: QueueStorage) -> None:
        with pytest.raises(StorageMissingError, match="inbox/nothing"):
            storage.read("inbox/nothing")

    def test_put_replaces_what_was_there(self, storage: QueueStorage) -> None:
        storage.put("heartbeat", b"a longer first text")
        storage.put("heartbeat", b"short")
        assert storage.read("heartbeat") == b"short"

    def test_put_new_leaves_what_is_there(self, storage: QueueStorage) -> None:
        assert storage.put_new("outbox/a", b"first") is True
        assert storage.put_new("outbox/a", b"second") is False
        assert storage.read("outbox/a") == b"first"

    def test_put_new_repeated_by_its_writer_is_true_again(self, storage: QueueStorage) -> None:
        assert storage.put_new("outbox/a", b"mine") is True
        assert storage.put_new("outbox/a", b"mine") is True

    def test_take_moves_the_content_to_the_new_name_alone(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"request")
        assert storage.take("inbox/a", "processing/a.me.claim") is True
        assert storage.list("inbox") == []
        assert storage.read("processing/a.me.claim") == b"request"
        with pytest.raises(StorageMissingError):
            storage.read("inbox/a")

    def test_take_of_what_is_gone_is_false_and_changes_nothing(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"request")
        storage.take("inbox/a", "processing/a.me.claim")
        assert storage.take("inbox/a", "processing/a.you.claim") is False
        assert storage.take("pending/never", "processing/never") is False
        assert storage.list("processing") == ["a.me.claim"]

    def test_take_repeated_after_it_was_made_is_false_or_true_but_never_an_error(
        self, storage: QueueStorage
    ) -> None:
        storage.put("inbox/a", b"request")
        storage.take("inbox/a", "processing/a.me.claim")
        storage.take("inbox/a", "processing/a.me.claim")
        assert storage.read("processing/a.me.claim") == b"request"

    def test_remove_may_be_repeated_and_may_come_too_early(self, storage: QueueStorage) -> None:
        storage.remove("cancel/never")
        storage.put("cancel/a", b"")
        storage.remove("cancel/a")
        storage.remove("cancel/a")
        assert storage.list("cancel") == []
        assert storage.put_new("cancel/a", b"anew") is True

    def test_append_grows_a_log_that_is_read_from_an_offset(self, storage: QueueStorage) -> None:
        storage.append("log/a.txt", b"first\n")
        storage.append("log/a.txt", b"second\n")
        assert storage.list("log") == ["a.txt"]
        assert storage.read("log/a.txt") == b"first\nsecond\n"
        assert storage.read("log/a.txt", 6) == b"second\n"
        assert storage.read("log/a.txt", 6, 3) == b"sec"

    def test_names_that_begin_with_a_dot_are_not_listed(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"")
        assert all(not entry.startswith(".") for entry in storage.list("inbox") + storage.list(""))

    def test_what_one_storage_did_is_there_for_another_at_once(self, storages: Opener) -> None:
        one, other = storages(), storages()
        assert other.list("inbox") == []
        one.put("inbox/a", b"request")
        assert other.list("inbox") == ["a"]
        assert other.put_new("inbox/a", b"too late") is False
        assert other.take("inbox/a", "processing/a.claim") is True
        assert one.list("inbox") == []
        assert one.read("processing/a.claim") == b"request"
        one.append("log/a", b"first\n")
        assert other.read("log/a") == b"first\n"
        other.remove("processing/a.claim")
        assert one.list("processing") == []

    def test_reserving_may_be_repeated_and_undone(self, storage: QueueStorage) -> None:
        for count in (4, 4, 0, 0):
            storage.reserve(count)
        storage.put("outbox/a", b"x")
        assert storage.read("outbox/a") == b"x"

    def test_a_queue_of_our_own_is_trusted(self, storage: QueueStorage) -> None:
        assert storage.untrusted(("inbox", "outbox")) is None
        storage.put("inbox/a", b"x")
        assert storage.untrusted(("inbox", "outbox")) is None

    def test_its_url_can_be_shown(self, storage: QueueStorage) -> None:
        assert storage.url.isprintable()
        assert storage.url != ""
