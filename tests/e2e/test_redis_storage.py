"""The queue's storage on a real Redis server that is killed, paused, full, or refuses."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.clock.system import SystemClock
from aexp.adapters.storage.redis import open_redis_queue
from aexp.adapters.storage.redis.storage import RedisStorage
from aexp.airgapped.taking import lay_out
from aexp.domain.errors import (
    RelayStorageError,
    StorageForbiddenError,
    StorageFullError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.ports.clock import Clock
from aexp.ports.transport import TransportOptions
from tests.proxy import LossyWire
from tests.redis_server import RedisServer, documented_users, login_of

KEPT = ("--appendonly", "yes", "--appendfsync", "always")


def storage_at(url: str, clock: Clock | None = None) -> RedisStorage:
    opened = open_redis_queue("", TransportOptions(clock or SystemClock(), url))
    assert isinstance(opened, RedisStorage)
    return opened


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Makes servers that end with the test."""
    made: list[RedisServer] = []

    def make(*options: str, tls: bool = False) -> RedisServer:
        made.append(RedisServer(tmp_path / f"server{len(made)}", options, tls=tls))
        return made[-1].start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def wire(redis_server: RedisServer) -> Iterator[LossyWire]:
    made = LossyWire(redis_server.port)
    yield made
    made.close()


@pytest.fixture
def behind_the_wire(wire: LossyWire, tmp_path: Path) -> RedisStorage:
    return storage_at(f"redis://127.0.0.1:{wire.port}/0?name={tmp_path.name}")


def test_a_creation_whose_reply_was_lost_is_ours(
    wire: LossyWire, behind_the_wire: RedisStorage
) -> None:
    wire.lose_reply_to(b"of the client")
    assert behind_the_wire.put_new("inbox/a", b"of the client") is True
    assert wire.lost == 1
    assert behind_the_wire.read("inbox/a") == b"of the client"


def test_a_creation_whose_reply_was_lost_is_not_made_again_once_it_has_moved_on(
    redis_server: RedisServer, wire: LossyWire, behind_the_wire: RedisStorage, tmp_path: Path
) -> None:
    """A daemon claims the request between the first try and the second."""
    daemon = storage_at(redis_server.url(tmp_path.name))

    class Claiming(SystemClock):
        def sleep(self, seconds: float) -> None:
            daemon.take("inbox/a", "processing/a.d.claim")

    client = storage_at(f"redis://127.0.0.1:{wire.port}/0?name={tmp_path.name}", Claiming())
    wire.lose_reply_to(b"of the client")
    assert client.put_new("inbox/a", b"of the client") is True
    assert wire.lost == 1
    assert daemon.list("inbox") == []
    assert daemon.list("processing") == ["a.d.claim"]


def test_a_move_whose_reply_was_lost_was_made_once_and_by_us(
    wire: LossyWire, behind_the_wire: RedisStorage
) -> None:
    behind_the_wire.put("inbox/a", b"request")
    wire.lose_reply_to(b"a.me.claim")
    assert behind_the_wire.take("inbox/a", "processing/a.me.claim") is True
    assert wire.lost == 1
    assert behind_the_wire.read("processing/a.me.claim") == b"request"


def test_output_whose_reply_was_lost_is_there_once(
    wire: LossyWire, behind_the_wire: RedisStorage
) -> None:
    behind_the_wire.append("log/a.txt", b"first\n")
    wire.lose_reply_to(b"second\n")
    behind_the_wire.append("log/a.txt", b"second\n")
    assert wire.lost == 1
    assert behind_the_wire.read("log/a.txt") == b"first\nsecond\n"


def test_a_change_that_comes_in_late_does_not_undo_a_later_one(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server()
    storage = storage_at(server.url(options="&timeout=0.05"), ManualClock())
    storage.put("heartbeat", b"first")
    server.pause()
    with pytest.raises(RelayStorageError, match="cannot be reached"):
        storage.put("heartbeat", b"given up")
    with pytest.raises(RelayStorageError, match="cannot be reached"):
        storage.put("heartbeat", b"given up too")
    server.go_on()
    patient = storage_at(server.url())
    patient.list("")
    storage.put("heartbeat", b"last")
    for _ in range(20):
        assert patient.read("heartbeat") == b"last"


def test_what_a_killed_server_had_acknowledged_is_there_when_it_is_back(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server(*KEPT)
    storage = storage_at(server.url())
    for number in range(50):
        assert storage.put_new(f"inbox/{number}", b"request")
    server.kill()
    server.start()
    assert sorted(storage.list("inbox"), key=int) == [str(number) for number in range(50)]
    assert storage.take("inbox/7", "processing/7.me.claim")


def test_a_restart_is_waited_for_and_the_call_that_met_it_is_answered(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server(*KEPT)

    class Restarting(SystemClock):
        """Starts the server again at the third wait."""

        waits = 0

        def sleep(self, seconds: float) -> None:
            self.waits += 1
            if self.waits == 3:
                server.start()

    clock = Restarting()
    storage = storage_at(server.url(), clock)
    storage.put("inbox/a", b"request")
    server.kill()
    assert storage.take("inbox/a", "processing/a.me.claim") is True
    assert clock.waits >= 3


def test_a_server_that_forgot_everything_is_an_empty_queue(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server()
    storage = storage_at(server.url())
    storage.put("inbox/a", b"request")
    server.kill()
    server.start()
    assert storage.take("inbox/a", "processing/a.me.claim") is False
    assert storage.list("inbox") == storage.list("") == []
    assert storage.put_new("inbox/b", b"request") is True


def test_a_server_that_stays_away_is_told_within_a_bounded_time_and_then_at_once(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server()
    clock = ManualClock()
    storage = storage_at(server.url(), clock)
    storage.put("inbox/a", b"")
    server.kill()
    began = clock.monotonic()
    with pytest.raises(RelayStorageError, match=r"cannot be reached .*Check that it runs"):
        storage.list("inbox")
    assert 4.0 < clock.monotonic() - began < 11.0
    after = clock.monotonic()
    with pytest.raises(RelayStorageError, match="cannot be reached"):
        storage.list("inbox")
    assert clock.monotonic() == after
    server.start()
    assert storage.list("inbox") == []


def test_where_memory_is_full_new_things_are_refused_and_the_rest_goes_on(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server("--maxmemory-policy", "noeviction")
    storage = storage_at(server.url())
    storage.put("inbox/a", b"request")
    storage.put("inbox/b", b"request")
    storage.reserve(1)
    with redis.Redis(port=server.port) as admin:
        admin.config_set("maxmemory", "1mb")
    with pytest.raises(StorageFullError, match=r"memory is used up .*maxmemory"):
        storage.put_new("inbox/c", b"x" * 5000)
    with pytest.raises(StorageFullError):
        storage.append("log/a.txt", b"output")
    assert storage.list("inbox") != []
    assert storage.take("inbox/a", "processing/a.me.claim") is True
    assert storage.put_new("outbox/a", b"x" * 4000) is True
    with pytest.raises(StorageFullError):
        storage.put_new("outbox/b", b"the reserve is used up")
    storage.remove("inbox/b")
    assert storage.list("inbox") == []


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (
            "LOADING Redis is loading the dataset in memory",
            RelayStorageError,
            "still reads its data",
        ),
        ("MISCONF Redis is configured to save RDB snapshots", StorageFullError, "its own disk"),
        ("READONLY You can't write against a read only replica.", RelayStorageError, "the primary"),
        ("BUSY Redis is busy running a script.", RelayStorageError, "SCRIPT KILL"),
        ("MOVED 3999 127.0.0.1:6381", RelayStorageError, "cluster"),
        ("NOAUTH Authentication required.", RelayStorageError, "AEXP_RELAY_REDIS_PASSWORD_FILE"),
        ("WRONGTYPE Operation against a key", StorageUnfitError, "something else"),
        ("ERR unknown command 'EVALSHA_RO'", RelayStorageError, "Redis 7.0"),
        ("ERR a riddle \x1b[2J", RelayStorageError, "a riddle"),
    ],
)
def test_what_the_server_refuses_is_told_with_what_to_do(
    said: str, kind: type[Exception], told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                with near:
                    while near.recv(4096):
                        near.sendall(f"-{said}\r\n".encode())

        threading.Thread(target=answer, daemon=True).start()
        storage = storage_at(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", ManualClock())
        with pytest.raises(kind, match=told) as caught:
            storage.read("inbox/a")
        listener.shutdown(socket.SHUT_RDWR)
    assert "\x1b" not in str(caught.value)
    assert isinstance(caught.value, RelayStorageError)
    assert caught.value.hint


def test_a_wrong_password_is_told_at_once_and_never_repeated(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server("--requirepass", "correct-horse")
    storage = storage_at(server.url(user="default:battery-staple"), ManualClock())
    with pytest.raises(RelayStorageError, match="WRONGPASS") as caught:
        storage.list("inbox")
    assert "battery-staple" not in f"{caught.value}{caught.value!r}{storage.url}"
    assert storage.url == server.url(user="default")
    nobody = storage_at(server.url(), ManualClock())
    with pytest.raises(RelayStorageError, match="NOAUTH"):
        nobody.list("inbox")
    with_it = storage_at(server.url(user="default:correct-horse"))
    assert with_it.list("inbox") == []
    assert with_it.untrusted(()) is None
    assert "the user default" in str(with_it.unguarded("approved"))


def test_what_somebody_else_put_there_is_unfit_and_can_be_moved_and_removed(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server()
    storage = storage_at(server.url())
    storage.put("inbox/a", b"request")
    with redis.Redis(port=server.port) as other:
        other.delete("aexp:{lab}:inbox/a")
        other.hset("aexp:{lab}:inbox/a", "field", "value")
        other.sadd("aexp:{lab}:inbox", "ghost")
    with pytest.raises(StorageUnfitError):
        storage.read("inbox/a")
    assert storage.put_new("inbox/a", b"request") is False
    assert storage.take("inbox/a", "bad/a") is True
    storage.remove("bad/a")
    assert storage.list("bad") == []
    with pytest.raises(StorageMissingError):
        storage.read("inbox/ghost")
    assert storage.take("inbox/ghost", "processing/ghost") is False
    assert storage.list("inbox") == []


def test_a_wait_ends_with_a_change_from_elsewhere_and_not_with_others(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    waiting, other = (storage_at(redis_server.url(tmp_path.name)) for _ in range(2))
    waiting.wait(("inbox",), 0.0)
    other.put("log/x", b"")
    began = time.monotonic()
    waiting.wait(("inbox",), 0.2)
    assert time.monotonic() - began >= 0.2
    other.put("inbox/x", b"")
    began = time.monotonic()
    assert waiting.wait(("inbox",), 30.0) is False
    assert time.monotonic() - began < 20


def test_whoever_follows_a_file_hears_of_the_move_that_tells_and_of_its_output(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    client, daemon = (storage_at(redis_server.url(tmp_path.name)) for _ in range(2))
    assert client.hears is False
    client.put_new("inbox/a.json", b"request", follow=True)
    daemon.take("inbox/a.json", "processing/a.d.claim")
    assert client.wait(("replied",), 0.05, file="inbox/a.json") is False
    daemon.append("log/a.txt", b"line\n")
    assert client.wait(("replied",), 30.0, file="inbox/a.json") is True
    daemon.take("processing/a.d.claim", "replied/a", tell=True)
    assert client.wait(("replied",), 30.0, file="inbox/a.json") is True
    assert client.hears is True
    daemon.put("replied/b", b"")
    assert client.wait(("replied",), 0.05, file="inbox/a.json") is False


def test_a_wait_ends_when_a_descriptor_is_readable_also_where_nothing_can_be_heard(
    new_server: Callable[..., RedisServer],
) -> None:
    server = new_server()
    storage = storage_at(server.url())
    storage.wait(("inbox",), 0.0)
    ready, write_end = os.pipe()
    os.write(write_end, b"x")
    for _ in range(2):
        began = time.monotonic()
        storage.wait(("inbox",), 30.0, also=(ready,))
        assert time.monotonic() - began < 20
        server.kill()
    began = time.monotonic()
    storage.wait(("inbox",), 0.1)
    assert time.monotonic() - began >= 0.1
    os.close(ready)
    os.close(write_end)


def test_a_child_of_a_fork_writes_under_a_name_of_its_own(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    storage = storage_at(redis_server.url(tmp_path.name))
    storage.put("inbox/a", b"")
    child = os.fork()
    if child == 0:
        os._exit(0 if storage.take("inbox/a", "processing/child") else 1)
    assert os.waitpid(child, 0)[1] == 0
    # Under one name the parent would be told the child's outcome.
    assert storage.take("inbox/a", "processing/parent") is False


def certificates(folder: Path) -> None:
    """A throwaway authority and what it signed for 127.0.0.1."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(
        *new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a lab", "-days", "2"
    )
    openssl(*new, "-keyout", "key.pem", "-out", "asked.pem", "-subj", "/CN=redis")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", "asked.pem", *signer, "-out", "cert.pem", "-extfile", "names")


def test_over_tls_only_a_server_whose_certificate_is_good_is_talked_to(
    new_server: Callable[..., RedisServer], tmp_path: Path
) -> None:
    certificates(tmp_path)
    files = ("--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem")
    authority = ("--tls-ca-cert-file", f"{tmp_path}/ca.pem", "--tls-auth-clients", "no")
    server = new_server(*files, *authority, tls=True)
    good = storage_at(server.url(options=f"&ca={tmp_path}/ca.pem"))
    good.put("inbox/a", b"request")
    good.wait(("inbox",), 0.0)
    good.put("inbox/b", b"request")
    good.wait(("inbox",), 30.0)
    assert good.read("inbox/a") == b"request"
    with pytest.raises(RelayStorageError, match=r"certificate .* is not good .*ca="):
        storage_at(server.url(), ManualClock()).list("inbox")
    elsewhere = server.url(options=f"&ca={tmp_path}/ca.pem").replace("127.0.0.1", "localhost")
    with pytest.raises(RelayStorageError, match="certificate"):
        storage_at(elsewhere, ManualClock()).list("inbox")


def test_a_server_that_lets_anybody_write_is_not_trusted_unless_that_is_said(
    new_server: Callable[..., RedisServer], tmp_path: Path
) -> None:
    server = new_server("--unixsocket", f"{tmp_path}/own.sock", "--unixsocketperm", "700")
    assert "asks for no password" in str(storage_at(server.url()).untrusted(()))
    said = storage_at(server.url(options="&open=yes"))
    assert said.untrusted(()) is None
    assert any("open=yes" in told for told, _ in said.cautions())
    assert "can write approved/" in str(said.unguarded("approved"))
    own = storage_at(f"redis+unix://{tmp_path}/own.sock?name=lab")
    assert own.untrusted(()) is None
    own.put("inbox/a", b"")
    assert said.list("inbox") == ["a"]
    with redis.Redis(port=server.port) as admin:
        assert sorted(admin.keys("*tried*")) == []


def test_a_server_that_would_forget_or_evict_is_told_of(
    new_server: Callable[..., RedisServer],
) -> None:
    forgets = new_server("--maxmemory-policy", "allkeys-lru")
    told = str(storage_at(forgets.url()).cautions())
    assert "appendonly no" in told
    assert "allkeys-lru" in told
    slow = new_server("--appendonly", "yes")
    assert "appendfsync everysec" in str(storage_at(slow.url()).cautions())
    assert [*storage_at(new_server(*KEPT).url()).cautions()] == []


@pytest.fixture
def guarded(new_server: Callable[..., RedisServer], tmp_path: Path) -> RedisServer:
    """A server with the documented users."""
    (tmp_path / "users.acl").write_text(documented_users("lab"), encoding="utf-8")
    return new_server("--aclfile", f"{tmp_path}/users.acl")


def as_user(server: RedisServer, user: str) -> RedisStorage:
    return storage_at(server.url(user=login_of(user)))


FORGED = [
    *("approved/a", "rejected/a", "processing/a.d.run", "outbox/a.json", "log/a.txt", "replied/a"),
    *("waiting/a", "started/a", "daemons/d.hb", "lease/9", "sweep/2026-01-01", "bad/a"),
    *("heartbeat", "consent.log", "destinations.json", "audit.jsonl", "visits", "pid"),
]


@pytest.mark.parametrize("name", FORGED)
def test_the_documented_client_can_write_nothing_that_only_others_may(
    guarded: RedisServer, name: str
) -> None:
    client, daemon = as_user(guarded, "client"), as_user(guarded, "daemon")
    daemon.put(name, b"true")
    client.put_new("inbox/a.json", b"forged")
    for forge in (
        lambda: client.put(name, b"forged"),
        lambda: client.append(name, b"forged"),
        lambda: client.remove(name),
        lambda: client.take("inbox/a.json", name),
        lambda: client.take(name, "stale/a"),
    ):
        with pytest.raises(StorageForbiddenError, match=r"NOPERM.*docs/redis.md"):
            forge()
    assert client.read(name) == b"true"
    assert client.read("inbox/a.json") == b"forged"


def test_the_documented_client_can_do_what_a_client_does(guarded: RedisServer) -> None:
    client, daemon = as_user(guarded, "client"), as_user(guarded, "daemon")
    lay_out(daemon)
    assert client.put_new("inbox/a.json", b"request", follow=True)
    daemon.take("inbox/a.json", "pending/a.json")
    assert client.take("pending/a.json", "stale/a.me.cancelled")
    client.put("cancel/b", b"me\n")
    daemon.append("log/b.txt", b"line\n")
    assert client.read("log/b.txt") == b"line\n"
    assert {"inbox", "pending", "stale", "cancel", "log"} <= set(client.list(""))
    client.wait(("replied",), 0.0)
    daemon.put("replied/b", b"")
    client.wait(("replied",), 30.0)


def test_the_documented_approver_decides_and_does_nothing_else(guarded: RedisServer) -> None:
    approver, daemon = as_user(guarded, "approver"), as_user(guarded, "daemon")
    daemon.put("pending/a.json", b"request")
    approver.put("approved/a", b"digest")
    approver.put("rejected/a", b"no")
    assert approver.read("pending/a.json") == b"request"
    for forge in (
        lambda: approver.put("inbox/b", b""),
        lambda: approver.put("outbox/b", b""),
        lambda: approver.take("pending/a.json", "processing/a"),
    ):
        with pytest.raises(StorageForbiddenError):
            forge()


def test_a_server_with_the_documented_users_keeps_them_apart(guarded: RedisServer) -> None:
    daemon = as_user(guarded, "daemon")
    assert daemon.untrusted(()) is None
    assert daemon.unguarded("approved") is None
    with pytest.raises(StorageForbiddenError):
        storage_at(guarded.url("other", user=login_of("daemon"))).put("inbox/a", b"")


def test_the_documented_client_cannot_hide_the_queue_nor_speak_for_another_writer(
    guarded: RedisServer,
) -> None:
    client, daemon = as_user(guarded, "client"), as_user(guarded, "daemon")
    client.put_new("inbox/a.json", b"request")
    daemon.put("outbox/b.json", b"answer")
    at = guarded.url(user=login_of("client")).partition("?")[0]
    with redis.Redis.from_url(at) as raw:
        prefix = "aexp:{lab}:"
        folder, writer = f"{prefix}inbox", f"{prefix}.last/daemon/{'0' * 32}"
        for forge in (
            ("SET", folder, "no set"),
            ("UNLINK", folder),
            ("APPEND", folder, "no set"),
            ("RENAME", f"{prefix}inbox/a.json", folder),
            ("RENAME", folder, f"{prefix}stale/gone"),
            ("SET", writer, "9 1"),
            ("EVAL", "return redis.call('SET', KEYS[1], '9 1')", 1, writer),
            ("EVAL", "return redis.call('SET', ARGV[1], '9 1')", 0, folder),
            ("KEYS", "*"),
            ("SCAN", "0"),
        ):
            with pytest.raises((redis.exceptions.NoPermissionError, redis.ResponseError)) as caught:
                raw.execute_command(*forge)
            assert "permission" in str(caught.value) or "can't" in str(caught.value)
        assert raw.exists(writer) == 0
    assert daemon.list("inbox") == ["a.json"]


def test_of_what_no_file_could_be_called_nothing_reaches_whoever_lists(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    storage = storage_at(redis_server.url(tmp_path.name))
    storage.put("inbox/a.json", b"request")
    storage.put("inbox/caf\udce9", b"any bytes are a name")
    with redis.Redis(port=redis_server.port) as raw:
        folder = f"aexp:{{{tmp_path.name}}}:inbox"
        raw.sadd(folder, b"m" * (1 << 20), "a/b.json", "../approved/x", "", ".own", "n" * 256)
        before = raw.info("stats")["total_net_output_bytes"]
        assert sorted(storage.list("inbox")) == ["a.json", "caf\udce9"]
        assert raw.info("stats")["total_net_output_bytes"] - before < 100_000


def test_a_flood_of_messages_keeps_nobody_from_the_work(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    storage = storage_at(redis_server.url(tmp_path.name))
    storage.wait(("inbox",), 0.0)
    listener = storage._listener
    assert listener is not None
    ear = listener._ear
    assert ear is not None
    read = 0

    def endless(**_: object) -> dict[str, object]:
        nonlocal read
        read += 1
        assert read < 100_000, "it reads on for as long as somebody tells"
        return {"type": "message", "channel": b"another", "data": b""}

    ear.get_message = endless  # type: ignore[method-assign, assignment]
    began = time.monotonic()
    storage.wait(("inbox",), 30.0)
    assert time.monotonic() - began < 20


def test_a_socket_that_is_not_there_is_told_without_a_word_of_ports_or_tls(tmp_path: Path) -> None:
    storage = storage_at(f"redis+unix://{tmp_path}/none.sock?name=lab", ManualClock())
    with pytest.raises(RelayStorageError, match="cannot be reached") as caught:
        storage.list("inbox")
    assert "where its socket is" in caught.value.hint
    assert "TLS" not in caught.value.hint
