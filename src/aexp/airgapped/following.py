"""Following an operation's output: its log while it runs, and the answer for what the log has not."""

from collections.abc import Callable, Iterator

from aexp.airgapped.interrupted import noting
from aexp.airgapped.waiting import AnswerWait
from aexp.domain import layout
from aexp.domain.errors import (
    RelayDownError,
    RelayStorageError,
    RelayTimeoutError,
    StorageUnfitError,
)
from aexp.domain.output import MAX_LOG_BYTES
from aexp.domain.polling import follower_wait, jittered
from aexp.domain.progress import LogText, ProgressLines, collapsed
from aexp.domain.requests import Response
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

CHUNK = 1 << 20
NOISE_S = 0.1
"""Seconds between two looks at least, where what others do in the queue ends the waits early."""
LATE_S = 5.0
"""Seconds that the end of a log may come after the answer which leaves it to the log."""
END_CHARS = 64 * 1024
CUT = "\n[... the log ends here, the output does not; this is the end of what the answer has ...]\n"


class Following:
    """One pass over the output of one request, from its beginning on.

    The log is a copy that grows; the answer decides. A log that cannot be read, or that is not there
    because another request gave the run its name, only means that the output comes with the answer.

    Args:
        on_progress: called with the line that has not ended yet, as it stands now, each time it has changed;
            with nothing once there is none.
    """

    def __init__(
        self,
        storage: QueueStorage,
        request_id: str,
        clock: Clock,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self._storage = storage
        self._request_id = request_id
        self._clock = clock
        self._log = _Log(storage, request_id)
        self._text = LogText()
        self._lines = ProgressLines()
        self._on_progress = on_progress
        self._shown = ""
        self._read_due = float("-inf")
        self._stirred = clock.monotonic()

    def so_far(self, answer: Response | None) -> Iterator[str]:
        """What there is now.

        Args:
            answer: the request's answer, None while there is none.
        """
        if answer is not None:
            yield from self._rest(answer)
            return
        yield from self._grown()
        yield from self._lines.close()

    def until_answered(
        self, wait: AnswerWait, answer: Response | None, keep: Callable[[Response], None]
    ) -> Iterator[str]:
        """The output as it comes, to its end.

        Args:
            answer: the request's answer where it is known already.
            keep: called with the answer once it is there, before the rest of the output is given.

        Raises:
            RelayTimeoutError, RelayDownError, RelayNotFoundError, RelayStorageError: as ``wait.look`` does.
        """
        moved = False
        again = f"client.handle({self._request_id!r}).follow()"
        try:
            with noting(f"Only the following ended: {again} begins anew."):
                while answer is None:
                    answer = wait.look(moved=moved)
                    if answer is None:
                        yield from self.news(wait)
                        moved = self._pause(wait)
        except (RelayTimeoutError, RelayDownError):
            yield from self._grown()
            raise
        keep(answer)
        yield from self._rest(answer)
        self._tell_progress("")

    def news(self, wait: AnswerWait) -> Iterator[str]:
        """The lines that the log has got since it was read last, if it is time to read it.

        Args:
            wait: the wait that the looks are made with.
        """
        if wait.pending:
            # Nothing runs before a person has decided. From then on it is read at its first pace.
            self._stirred = self._clock.monotonic()
            return
        if self._clock.monotonic() < self._read_due:
            return
        before = self._log.offset
        yield from self._grown()
        now = self._clock.monotonic()
        if self._log.offset > before:
            self._stirred = now
        self._read_due = now + self._until_next_read(now)

    def _until_next_read(self, now: float) -> float:
        import random

        scale = self._storage.profile.poll_scale
        return jittered(scale * follower_wait(now - self._stirred), random.random())  # noqa: S311

    def _pause(self, wait: AnswerWait) -> bool:
        """Let time pass until the answer is looked for or the log is read; whether the request moved."""
        began, pause = self._clock.monotonic(), wait.pause_s()
        if not wait.pending:
            pause = min(pause, max(self._read_due - began, 0.0))
        moved = wait.let_pass((layout.REPLIED, layout.LOG), pause)
        now = self._clock.monotonic()
        if moved:
            self._stirred = self._read_due = now
        elif now - began < min(pause, NOISE_S):
            self._clock.sleep(min(pause, NOISE_S) - (now - began))
        return moved

    def _grown(self) -> Iterator[str]:
        """The lines that the log has got since it was read last."""
        while data := self._log.read():
            yield from self._lines.feed(self._text.feed(data))
            self._tell_progress(self._lines.current)
            if len(data) < CHUNK:
                return

    def _tell_progress(self, current: str) -> None:
        if self._on_progress is not None and current != self._shown:
            self._shown = current
            self._on_progress(current)

    def _rest(self, answer: Response) -> Iterator[str]:
        """What was not given yet, now that the answer is there."""
        # Older daemons left it to the client to leave out what a line of progress had been before.
        text = collapsed(answer.stdout)
        # The last piece of a log comes after the answer or never, but an answer that was not cut has it all.
        whole = not answer.truncated and answer.returncode is not None
        if whole and self._lines.begins(text):
            yield from self._lines.go_on(text[self._lines.chars :])
            return
        if text:
            yield from self._rest_of_log(answer, text)
        yield from self._lines.close()

    def _rest_of_log(self, answer: Response, text: str) -> Iterator[str]:
        """The same where the answer has head and tail alone, or is itself made of a dead daemon's log."""
        deadline = self._clock.monotonic() + LATE_S
        while True:
            yield from self._grown()
            if self._lines.ends(text, self._text.unfinished):
                yield from self._lines.feed(self._text.unfinished)
                return
            if not self._log.may_grow or self._clock.monotonic() >= deadline:
                break
            self._clock.sleep(follower_wait(0.0))
        if self._lines.chars or self._lines.current:
            yield from self._lines.feed(CUT + text[-END_CHARS:])
            return
        heading = answer.returncode is None and text.startswith("$ ")
        yield from self._lines.feed(text.partition("\n")[2] if heading else text)


class _Log:
    """A log that somebody else writes, read piece by piece.

    Attributes:
        offset: bytes read so far.
        may_grow: whether it is there, and there is a point in reading on.
    """

    def __init__(self, storage: QueueStorage, request_id: str) -> None:
        self._storage = storage
        self._name = layout.log(request_id)
        self._given_up = False
        self._listed = False
        self.offset = 0

    @property
    def may_grow(self) -> bool:
        return self._listed and not self._given_up

    def read(self) -> bytes:
        """What comes next, at most :data:`CHUNK` bytes; nothing where nothing can be read."""
        if self._given_up:
            return b""
        try:
            # Listed before it is opened: asking for a name too early can hide it for half a minute.
            asked = self._storage.profile.one_truth
            self._listed = self._listed or asked or self._is_listed()
            data = self._storage.read(self._name, self.offset, CHUNK) if self._listed else b""
        except StorageUnfitError:
            self._given_up = True
            return b""
        except RelayStorageError:
            # Not in sight, or the file server fails: there is a next time, and in the end the answer.
            return b""
        self.offset += len(data)
        # The daemon ends it there; a file that goes on is none of its logs.
        self._given_up = self.offset >= MAX_LOG_BYTES + CHUNK
        return data

    def _is_listed(self) -> bool:
        return self._name.rpartition("/")[2] in self._storage.list(layout.LOG)
