"""The file calls that one round trip cannot do without, written plainly, and the same git in between.

One process plays both sides and never waits, so this is the limit that no relay over a shared folder can
pass that keeps the same promises. Nothing of a status is synced. Of what changes something, the request and
the answer are synced with their names, in one go as a local disk allows it, and so is, where a command must
not run twice, the move after which it may have started.
"""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.programs.orders import latencies_ms

_FOLDERS = ("inbox", "processing", "outbox", "replied", "log")
_REQUEST = b'{"op": "git_status", "cwd": "/home/somebody/project", "args": []}' * 4
_DRAFT = "unfinished"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class RawQueue:
    """A queue of plain file calls.

    Args:
        root: a folder on the filesystem that is measured.
        durable: whether to sync what the relay syncs on a local disk.
        once: whether the start is among that.
    """

    def __init__(self, root: Path, *, durable: bool = True, once: bool = True) -> None:
        self._root = str(root)
        self._durable = durable
        self._once = once
        for folder in _FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)

    def round_trip(self, command: Callable[[], bytes]) -> bytes:
        """A request, its command and its answer; gives the answer as the client reads it."""
        name = uuid.uuid4().hex
        self._publish(f"inbox/{name}", _REQUEST)
        claim, run = f"processing/{name}.claim", f"processing/{name}.run"
        os.listdir(f"{self._root}/inbox")
        self._move(f"inbox/{name}", claim)
        self._read(claim)
        self._move(claim, run)
        if self._once:
            self._sync("processing")
        output = command()
        self._append(f"log/{name}", output)
        self._publish(f"outbox/{name}", b"0\n" + output)
        self._move(run, f"replied/{name}")
        os.listdir(f"{self._root}/replied")
        answer = self._read(f"outbox/{name}")
        os.unlink(f"{self._root}/replied/{name}")
        return answer

    def _publish(self, name: str, data: bytes) -> None:
        draft, target = f"{self._root}/{_DRAFT}", f"{self._root}/{name}"
        handle = os.open(draft, _CREATE, 0o600)
        os.write(handle, data)
        os.link(draft, target)
        os.unlink(draft)
        if self._durable:
            os.fsync(handle)
        os.close(handle)

    def _append(self, name: str, data: bytes) -> None:
        handle = os.open(f"{self._root}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, data)
        os.close(handle)

    def _move(self, one: str, two: str) -> None:
        os.rename(f"{self._root}/{one}", f"{self._root}/{two}")

    def _read(self, name: str) -> bytes:
        handle = os.open(f"{self._root}/{name}", os.O_RDONLY)
        data = os.read(handle, 1 << 20)
        os.close(handle)
        return data

    def _sync(self, folder: str) -> None:
        if self._durable:
            handle = os.open(f"{self._root}/{folder}", os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(handle)
            os.close(handle)


def run_plainly(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> bytes:
    """What a command prints, started with ``posix_spawn`` in a working copy.

    Raises:
        OSError: it did not end with 0.
    """
    # posix_spawn has no working folder; this process is ours alone, so it moves there itself.
    os.chdir(cwd)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_DUP2, writing, 2)]
        pid = os.posix_spawnp(argv[0], [*argv], env, file_actions=actions)
    finally:
        os.close(writing)
    output = bytearray()
    while data := os.read(reading, 1 << 16):
        output += data
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    if status:
        raise OSError(f"{argv[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return bytes(output)


def raw_limit_ms(
    count: int, root: Path, argv: Sequence[str], cwd: Path, env: Mapping[str, str]
) -> list[float]:
    """How long each of ``count`` round trips of a status took, in milliseconds."""
    queue = RawQueue(root, durable=False)
    before = os.getcwd()
    try:
        return latencies_ms(count, lambda: queue.round_trip(lambda: run_plainly(argv, cwd, env)))
    finally:
        os.chdir(before)


def files_alone_ms(count: int, root: Path, *, durable: bool, once: bool = False) -> list[float]:
    """The same without any command: the file calls alone."""
    queue = RawQueue(root, durable=durable, once=once)
    return latencies_ms(count, lambda: queue.round_trip(lambda: b""))
