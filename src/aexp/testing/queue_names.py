"""The promises of the queue's storage that are about names and bytes, up to their edges."""

import pytest

from aexp.domain.errors import StorageMissingError
from aexp.ports.storage import QueueStorage
from aexp.testing.contract import Opener, QueuePromises

ODD = ("a", "A", "a b", "a*", "a?", "a[b]", "a%2Fb", "a\\b", "a:b", "-a", "a.", "\xe4", "a\nb")
"""Names that a stranger may give, and that mean something to a shell, a pattern, a URL or a key."""
BODIES = (b"", b"\0", b"x\0\0", bytes(range(256)), b"\r\n", b"x\n", b"0", b"12", b"\xff\xfe")
LARGE = bytes(range(256)) * (1 << 12)
"""A mebibyte."""
PAGE = 1_100
"""More entries than what many services give at once."""


class QueueNames(QueuePromises):
    """The part of :class:`~aexp.testing.queue_contract.QueueContract` about what is where."""

    def test_a_name_is_one_name_whatever_letters_it_has(self, storage: QueueStorage) -> None:
        for name in ODD:
            assert storage.put_new(f"inbox/{name}", name.encode()) is True
        assert sorted(storage.list("inbox")) == sorted(ODD)
        for name in ODD:
            assert storage.read(f"inbox/{name}") == name.encode()
        for name in ODD:
            assert storage.take(f"inbox/{name}", f"bad/{name}") is True
        assert storage.list("inbox") == []
        left = [*ODD]
        while left:
            storage.remove(f"bad/{left.pop(0)}")
            assert sorted(storage.list("bad")) == sorted(left)

    def test_a_folder_is_not_the_one_whose_name_goes_on(self, storage: QueueStorage) -> None:
        storage.put("log/a", b"one")
        storage.put("logs/b", b"two")
        storage.put("log.c", b"three")
        assert storage.list("log") == ["a"]
        assert storage.list("logs") == ["b"]

    def test_removing_takes_nothing_else_away(self, storage: QueueStorage) -> None:
        kept = ("b", "aa", "a.txt", "A")
        for name in ("a", *kept):
            storage.put(f"cancel/{name}", b"x")
        storage.put("a", b"x")
        storage.remove("cancel/a")
        assert sorted(storage.list("cancel")) == sorted(kept)
        storage.remove("a")
        assert sorted(storage.list("cancel")) == sorted(kept)
        assert "a" not in storage.list("")

    def test_a_folder_of_many_lists_each_once(self, storage: QueueStorage) -> None:
        names = {f"{number:032x}" for number in range(PAGE)}
        for name in names:
            storage.put_new(f"replied/{name}", b"", durable=False)
        listed = storage.list("replied")
        assert (len(listed), set(listed)) == (PAGE, names)

    def test_a_listing_that_was_given_does_not_change(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"")
        listed = storage.list("inbox")
        storage.put("inbox/b", b"")
        storage.list("inbox").append("c")
        assert listed == ["a"]
        assert sorted(storage.list("inbox")) == ["a", "b"]

    @pytest.mark.parametrize("body", BODIES, ids=repr)
    def test_every_verb_keeps_the_bytes(self, storage: QueueStorage, body: bytes) -> None:
        storage.put("outbox/put", body)
        assert storage.put_new("outbox/new", body) is True
        storage.append("outbox/log", body)
        for name in ("put", "new", "log"):
            assert storage.read(f"outbox/{name}") == body
            assert storage.take(f"outbox/{name}", f"replied/{name}") is True
            assert storage.read(f"replied/{name}") == body
            assert storage.list("outbox").count(name) == 0

    def test_much_is_kept_as_well_as_little(self, storage: QueueStorage) -> None:
        assert storage.put_new("outbox/a", LARGE) is True
        assert storage.take("outbox/a", "replied/a") is True
        for _ in range(32):
            storage.append("replied/log", LARGE[: 1 << 15])
        for name in ("replied/a", "replied/log"):
            assert storage.read(name) == LARGE
            assert storage.read(name, 5, 700_000) == LARGE[5:700_005]
            assert storage.read(name, len(LARGE) - 3) == LARGE[-3:]

    def test_what_is_empty_is_there_all_the_same(self, storage: QueueStorage) -> None:
        assert storage.put_new("cancel/a", b"") is True
        assert storage.put_new("cancel/a", b"another") is False
        assert storage.read("cancel/a") == b""
        storage.append("log/a", b"")
        assert storage.list("log") == ["a"]
        assert storage.put_new("log/a", b"too late") is False

    def test_put_and_append_meet_on_one_name(self, storage: QueueStorage) -> None:
        storage.append("log/a", b"first")
        storage.put("log/a", b"anew, ")
        storage.append("log/a", b"and on")
        assert storage.read("log/a") == b"anew, and on"
        assert storage.put_new("log/b", b"begun, ") is True
        storage.append("log/b", b"and on")
        assert storage.read("log/b") == b"begun, and on"
        storage.remove("log/b")
        storage.append("log/b", b"anew")
        assert storage.read("log/b") == b"anew"

    def test_a_name_that_was_left_is_free(self, storage: QueueStorage, storages: Opener) -> None:
        other = storages()
        assert storage.put_new("inbox/a", b"first") is True
        assert storage.take("inbox/a", "processing/a") is True
        assert other.put_new("inbox/a", b"second") is True
        assert storage.read("processing/a") == b"first"
        other.remove("inbox/a")
        assert storage.put_new("inbox/a", b"third") is True
        assert other.read("inbox/a") == b"third"

    def test_what_lies_in_no_folder_moves_like_the_rest(self, storage: QueueStorage) -> None:
        storage.put("stranger", b"x")
        assert storage.take("stranger", "bad/stranger") is True
        assert storage.take("bad/stranger", "back") is True
        assert storage.read("back") == b"x"
        assert "stranger" not in storage.list("")

    @pytest.mark.parametrize("durable", [False, True])
    @pytest.mark.parametrize("seen", [False, True])
    def test_what_is_asked_besides_changes_nothing_of_a_verb(
        self, storage: QueueStorage, durable: bool, seen: bool
    ) -> None:
        storage.put("heartbeat", b"beat", durable=durable)
        assert storage.read("heartbeat") == b"beat"
        assert storage.put_new("inbox/a", b"x", durable=durable, follow=seen) is True
        assert storage.put_new("inbox/a", b"y", durable=durable, follow=seen) is False
        assert storage.list("inbox") == ["a"]
        assert storage.take("inbox/a", "processing/a", durable=durable, tell=seen) is True
        assert storage.take("inbox/a", "processing/b", durable=durable, tell=seen) is False
        assert storage.list("inbox") == []
        assert storage.list("processing") == ["a"]
        assert storage.read("processing/a") == b"x"

    def test_an_error_is_over_when_it_was_told(self, storage: QueueStorage) -> None:
        for _ in range(2):
            with pytest.raises(StorageMissingError):
                storage.read("inbox/nothing")
        storage.put("inbox/a", b"x")
        assert storage.read("inbox/a") == b"x"

    def test_what_is_set_aside_is_in_nobodys_way(self, storage: QueueStorage) -> None:
        storage.put("inbox/a", b"x")
        folders = {folder: storage.list(folder) for folder in ("inbox", "outbox", "processing")}
        before = {entry for entry in storage.list("") if entry != "tmp"}
        storage.reserve(4)
        assert {entry for entry in storage.list("") if entry != "tmp"} == before
        assert {folder: storage.list(folder) for folder in folders} == folders
        storage.reserve(0)

    def test_every_storage_of_a_queue_names_it_alike(self, storages: Opener) -> None:
        one, other = storages(), storages()
        assert (one.url, one.folder, one.shared) == (other.url, other.folder, other.shared)
