"""The daemons' signs of life, as others find them and watch for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aexp.domain import layout, wire
from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.domain.liveness import PATIENCE_S, BeatWatch, Verdict
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

if TYPE_CHECKING:
    from aexp.airgapped.queue import RelayQueue

MOST_BEATS = 64
"""Beats that are looked at; more daemons than that do not serve one queue, but anybody may leave files."""


@dataclass(frozen=True)
class Beat:
    """The serving daemon's last sign of life, as it lies in the queue.

    Attributes:
        raw: the bytes; a change of them is what counts as life.
        facts: what they say, or nothing when they say nothing sensible.
    """

    raw: bytes
    facts: dict[str, Any]

    @classmethod
    def of(cls, raw: bytes) -> "Beat":
        """The beat that these bytes are."""
        try:
            return cls(raw, wire.decode(raw))
        except wire.WireError:
            return cls(raw, {})

    @property
    def daemon(self) -> str:
        """The daemon's name, as the beat says it; empty where it says none."""
        return str(self.facts.get("daemon", ""))

    @property
    def where(self) -> str:
        """The daemon's node and process, as the beat says them, for people."""
        host, pid = self.facts.get("host", "?"), self.facts.get("pid", "?")
        return f"{visible(str(host), limit=80)} (pid {visible(str(pid), limit=12)})"

    @property
    def trouble(self) -> str | None:
        """What keeps the daemon from its work, in words that are safe to show; None when nothing does."""
        told = self.facts.get("trouble")
        return visible(told, limit=600) if isinstance(told, str) and told else None

    def looks_old(self, wall: float, tolerance_s: float) -> bool:
        """Whether its own date is far from ours: a hint only, since clocks disagree."""
        written = self.facts.get("wall")
        return not isinstance(written, int | float) or abs(wall - written) > tolerance_s


class Vigil:
    """Does anybody still serve? One reader's sightings of the beats in a queue.

    Every serving daemon writes ``heartbeat``. Where several serve, one of them lives for as long as it
    changes; when it does not, each daemon's own beat in ``daemons/`` is watched as well before a reader
    gives up.
    """

    def __init__(self, queue: "RelayQueue", clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._common = BeatWatch()
        self._each = BeatWatch()

    def is_over(self) -> bool:
        """Whether it is certain by now that no daemon serves; looks once.

        Raises:
            RelayStorageError: the queue cannot be read.
        """
        beat = self._queue.beat()
        raw = None if beat is None or self._queue.is_gone(beat) else beat.raw
        old = beat is not None and beat.looks_old(self._clock.wall(), PATIENCE_S)
        if self._common.see(raw, self._clock.monotonic(), looks_old=old) is not Verdict.DOWN:
            return False
        return self._are_all_silent()

    @property
    def silent_s(self) -> float:
        """Seconds since the beat last changed, as far as this reader knows."""
        return self._common.unchanged_s(self._clock.monotonic())

    def _are_all_silent(self) -> bool:
        beats = self._queue.own_beats()
        raw = b"".join(sorted(beat.raw for beat in beats)) or None
        old = all(beat.looks_old(self._clock.wall(), PATIENCE_S) for beat in beats)
        return self._each.see(raw, self._clock.monotonic(), looks_old=old) is Verdict.DOWN


def own_beats(storage: QueueStorage) -> list[Beat]:
    """Each daemon's own last beat, those that have died without a word included.

    Raises:
        RelayStorageError: the queue cannot be read.
    """
    found = []
    names = sorted(filter(None, map(layout.daemon_of, storage.list(layout.DAEMONS))))
    for name in names[:MOST_BEATS]:
        try:
            raw = storage.read(layout.own_beat(name), limit=wire.MAX_BYTES)
        except (StorageMissingError, StorageUnfitError):
            continue
        beat = Beat.of(raw)
        if beat.daemon == name:
            # Whose name is not its file's is nobody's beat.
            found.append(beat)
    return found


def latest(beats: Iterable[Beat]) -> Beat | None:
    """The beat with the latest date, by clocks that may disagree; None when there is none."""
    return max(beats, key=_date, default=None)


def _date(beat: Beat) -> tuple[float, str]:
    wall = beat.facts.get("wall")
    is_date = isinstance(wall, int | float) and not isinstance(wall, bool)
    return (float(wall) if is_date else 0.0, beat.daemon)  # type: ignore[arg-type]
