"""One connection: a running ssh, the greeting of the gate behind it, and questions and answers through it."""

import os
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from aexp.adapters.storage.ssh.address import Address
from aexp.adapters.storage.ssh.failures import Ended, failure_of
from aexp.adapters.storage.ssh.program import command_line
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import Broken
from aexp.domain.frames import GREETING, MAX_ANSWER, MAX_HEAD, Frame, FrameError, FrameReader

GREETS_WITHIN_S = 60.0
"""Seconds until a gate has greeted: ssh has its own limit for the host, a cold home takes some."""
ENDS_WITHIN_S = 2.0
_PIECE = 1 << 16
_MOST_PIECES = 64
_KEPT = 4096
"""Characters of what is said on standard error that are kept."""


class Link:
    """Speaks to one gate, for any number of threads.

    Real time passes here, whatever clock the storage has: a process of the kernel is waited for.

    Raises:
        RelayConnectionError: no gate could be spoken to; says why.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._said = ""
        self._greeted = False
        self._frames = FrameReader(MAX_ANSWER)
        self._answers: dict[int, Frame] = {}
        self._awaited: set[int] = set()
        self._number = 0
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self.pid = os.getpid()
        self._process = self._start()
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def ask(
        self,
        verb: str,
        parts: dict[str, Any],
        body: bytes,
        within_s: float,
        also: Sequence[int] = (),
    ) -> Frame | None:
        """The answer to a question.

        Args:
            within_s: seconds until it must be there.
            also: descriptors that end the waiting when they are readable; then the answer is None.

        Raises:
            RelayConnectionError: the connection is over, or the answer did not come. It is of no more use.
        """
        try:
            number = self._send(verb, parts, body, within_s)
            try:
                return self._answer(number, time.monotonic() + within_s, also)
            finally:
                self._awaited.discard(number)
                self._answers.pop(number, None)
        except FrameError as exc:
            self.close()
            raise self._failure(noise=f"{exc}".encode()) from exc
        except RelayConnectionError:
            self.close()
            raise

    def close(self) -> None:
        """End it. What was answered is done; the gate ends when its input does."""
        process = self._process
        if process.returncode is None and self.pid == os.getpid():
            process.kill()
            process.wait()
        # A thread that reads sees the end by now. Its descriptor must not become another file's under it.
        free = self._reading.acquire(timeout=ENDS_WITHIN_S)
        try:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        finally:
            if free:
                self._reading.release()

    def _send(self, verb: str, parts: dict[str, Any], body: bytes, within_s: float) -> int:
        with self._writing:
            self._number = number = self._number + 1
            self._awaited.add(number)
            try:
                self._write(Frame({"n": number, "verb": verb, **parts}, body).to_bytes(), within_s)
            except BaseException:
                # Half of a question may have gone, and nothing that follows it would be understood.
                self.close()
                raise
        return number

    def _start(self) -> "subprocess.Popen[bytes]":
        argv = command_line(self._address)
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        try:
            # In a group of its own: Ctrl-C ends who waits, and not the connection under the others.
            process = subprocess.Popen(argv, bufsize=0, process_group=0, **pipes)
        except OSError as exc:
            raise RelayConnectionError(
                f"{argv[0]} could not be started: {exc.strerror}.",
                "Try it by hand.",
                kind=Broken.NO_SSH,
            ) from exc
        os.set_blocking(_descriptor(process.stdin), False)
        return process

    def _greet(self) -> None:
        """Read the line with which a gate begins; whatever else comes is none."""
        deadline, heard = time.monotonic() + GREETS_WITHIN_S, b""
        while len(heard) < len(GREETING) and GREETING.startswith(heard):
            data = self._read(deadline, ())
            if data is None:
                raise self._failure(noise=heard)
            heard += data
        if not heard.startswith(GREETING):
            raise self._failure(noise=heard)
        self._frames.feed(heard[len(GREETING) :])
        self._greeted = True

    def _answer(self, number: int, deadline: float, also: Sequence[int]) -> Frame | None:
        late = 0
        while True:
            with self._reading:
                # Answers come in the order of the questions, so that whoever reads reads ours at the latest
                # with its own. Those that nobody waits for any more are let fall.
                while number not in self._answers:
                    frame = self._frames.take()
                    if frame is None:
                        data = self._read(deadline, also)
                        if data is None:
                            return None
                        # What is there by now may hold ours, if another thread has read for long; an
                        # endless stream of other frames does not.
                        late += len(data) if time.monotonic() > deadline else 0
                        if late > MAX_ANSWER + MAX_HEAD:
                            raise self._failure(silent=True)
                        self._frames.feed(data)
                        continue
                    answered = frame.head.get("n")
                    if isinstance(answered, int) and answered in self._awaited:
                        self._answers[answered] = frame
                return self._answers.pop(number)

    def _read(self, deadline: float, also: Sequence[int]) -> bytes | None:
        """The next bytes; None when one of ``also`` is readable.

        Raises:
            RelayConnectionError: the far side has ended, or is silent.
        """
        out, err = _descriptor(self._process.stdout), _descriptor(self._process.stderr)
        poller = select.poll()
        for descriptor in (out, err, *also):
            poller.register(descriptor, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            ready = {found for found, _ in poller.poll(max(left, 0.0) * 1000)}
            if err in ready and not self._hear(err):
                poller.unregister(err)
            if out in ready:
                data = os.read(out, _PIECE)
                if not data:
                    raise self._failure()
                return data
            if ready & {*also}:
                return None
            if left <= 0:
                # Also where there is no end of what is said on standard error.
                raise self._failure(silent=True)

    def _hear(self, err: int) -> bool:
        """Take in what is said on standard error; False at its end."""
        data = os.read(err, _PIECE)
        self._said = (self._said + data.decode("utf-8", "replace"))[-_KEPT:]
        return bool(data)

    def _write(self, data: bytes, within_s: float) -> None:
        descriptor, deadline = _descriptor(self._process.stdin), time.monotonic() + within_s
        poller = select.poll()
        poller.register(descriptor, select.POLLOUT)
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not poller.poll(left * 1000):
                    raise self._failure(silent=True) from None
            except OSError as exc:
                raise self._failure() from exc

    def _failure(self, *, silent: bool = False, noise: bytes = b"") -> RelayConnectionError:
        # What makes noise need not end by itself.
        status = None if silent or noise else self._status()
        self._hear_the_rest()
        return failure_of(Ended(status, self._said, noise[:200], self._greeted), self._address)

    def _status(self) -> int:
        """What ssh exited with; one that goes on without its far side is ended."""
        try:
            return self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _hear_the_rest(self) -> None:
        # Not to its end: with ControlPersist another process keeps it open, and the far side may never cease.
        err = self._process.stderr
        for _ in range(_MOST_PIECES):
            if err is None or err.closed or not select.select([err], [], [], 0)[0]:
                return
            if not self._hear(err.fileno()):
                return


def _descriptor(stream: Any) -> int:
    """The number of one of our pipes.

    Raises:
        RelayConnectionError: another thread has ended the connection.
    """
    if stream is None or stream.closed:
        raise RelayConnectionError(
            "The connection has ended.", "The next look connects again.", kind=Broken.DROPPED
        )
    found: int = stream.fileno()
    return found
