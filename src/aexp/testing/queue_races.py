"""The promises of the queue's storage that are about many who use it at once."""

from functools import partial

import pytest

from aexp.ports.storage import QueueStorage
from aexp.testing.contract import Opener, QueuePromises, in_threads, meanwhile

CLAIMERS = 6
ROUNDS = 40


class QueueRaces(QueuePromises):
    """The part of :class:`~aexp.testing.queue_contract.QueueContract` that has several threads."""

    def test_of_many_takers_one_wins(self, storage: QueueStorage, storages: Opener) -> None:
        takers = [storages() for _ in range(CLAIMERS)]
        for number in range(ROUNDS):
            storage.put(f"inbox/{number}", b"x")
            targets = [f"processing/{number}.{taker}.claim" for taker in range(CLAIMERS)]
            pairs = [*zip(takers, targets, strict=True)]
            won = in_threads(
                [partial(one.take, f"inbox/{number}", target) for one, target in pairs]
            )
            assert won.count(True) == 1
            there = [name for name in storage.list("processing") if name.startswith(f"{number}.")]
            assert [f"processing/{name}" for name in there] == [targets[won.index(True)]]

    def test_a_request_is_never_at_two_names_nor_at_none(self, storages: Opener) -> None:
        mover, watcher = storages(), storages()
        names = {str(number) for number in range(ROUNDS * 2)}
        for name in names:
            mover.put(f"inbox/{name}", b"x" * 9_000, durable=False)
        twice: set[str] = set()
        lost: set[str] = set()

        def move() -> None:
            for name in names:
                mover.take(f"inbox/{name}", f"processing/{name}")

        def watch() -> None:
            # They move one way only: what was at its second name has left the first for good, and what
            # is not at its first name any more is at the second.
            before = set(watcher.list("processing"))
            left = set(watcher.list("inbox"))
            after = set(watcher.list("processing"))
            twice.update(before & left)
            lost.update(names - left - after)

        meanwhile(move, watch)
        assert (twice, lost) == (set(), set())
        assert set(watcher.list("processing")) == names

    def test_of_many_creators_one_wins_and_its_content_stands(
        self, storage: QueueStorage, storages: Opener
    ) -> None:
        writers = [(storages(), f"writer {number}".encode()) for number in range(CLAIMERS)]
        for number in range(ROUNDS):
            won = in_threads([partial(one.put_new, f"out/{number}", body) for one, body in writers])
            assert won.count(True) == 1
            assert storage.read(f"out/{number}") == writers[won.index(True)][1]

    def test_a_reader_never_sees_half_a_put(self, storage: QueueStorage, storages: Opener) -> None:
        bodies = {b"a" * 50_000, b"b" * 90_000}
        storage.put("heartbeat", min(bodies))
        seen: set[bytes] = set()
        one, other = storages(), storages()

        def write() -> None:
            for body in [*bodies] * ROUNDS:
                storage.put("heartbeat", body)

        meanwhile(
            write,
            lambda: seen.add(one.read("heartbeat")),
            lambda: seen.add(other.read("heartbeat")),
        )
        assert seen <= bodies

    def test_a_reader_never_sees_half_a_put_new(
        self, storage: QueueStorage, storages: Opener
    ) -> None:
        body = b"z" * 80_000
        torn: list[int] = []
        reader = storages()

        def write() -> None:
            for number in range(ROUNDS):
                storage.put_new(f"outbox/{number}", body)

        def read() -> None:
            sizes = [len(reader.read(f"outbox/{name}")) for name in reader.list("outbox")]
            torn.extend(size for size in sizes if size != len(body))

        meanwhile(write, read)
        assert torn == []

    def test_a_reader_of_a_log_sees_it_grow_and_misses_nothing(self, storages: Opener) -> None:
        writer, reader = storages(), storages()
        lines = [f"line {number}\n".encode() for number in range(ROUNDS * 2)]
        seen = bytearray()
        writer.append("log/a", b"")

        def write() -> None:
            for line in lines:
                writer.append("log/a", line)

        def read() -> None:
            seen.extend(reader.read("log/a", len(seen)))
            assert reader.read("log/a").startswith(seen), "what was read of the log has changed"

        meanwhile(write, read)
        assert seen == b"".join(lines)

    def test_what_is_not_finished_yet_is_not_listed(
        self, storage: QueueStorage, storages: Opener
    ) -> None:
        watcher = storages()
        seen: set[str] = set()

        def write() -> None:
            for number in range(ROUNDS):
                storage.put("outbox/a", b"x" * 40_000)
                storage.put_new(f"outbox/b{number}", b"x" * 40_000, durable=False)
                storage.append("outbox/c", b"x" * 4_000)

        meanwhile(write, lambda: seen.update(watcher.list("outbox")))
        assert seen <= {"a", "c", *(f"b{number}" for number in range(ROUNDS))}

    def test_pieces_that_several_add_to_a_shared_queues_log_arrive_whole(
        self, storages: Opener
    ) -> None:
        writers = [storages() for _ in range(CLAIMERS)]
        if not writers[0].shared:
            pytest.skip("it is not shared: one writer at a time adds to a name")
        pieces = [bytes([number]) * 5_000 for number in range(CLAIMERS)]

        def add(storage: QueueStorage, piece: bytes) -> None:
            for _ in range(ROUNDS):
                storage.append("log/a", piece)

        in_threads([partial(add, *pair) for pair in zip(writers, pieces, strict=True)])
        held = writers[0].read("log/a")
        arrived = [held[begin : begin + 5_000] for begin in range(0, len(held), 5_000)]
        assert sorted(arrived) == sorted(pieces * ROUNDS)
