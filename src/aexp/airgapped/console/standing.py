"""How the daemon stands, seen from a console that looks again and again and never waits."""

from aexp.airgapped.approver import Approver
from aexp.airgapped.beats import Beat
from aexp.airgapped.console.picture import Alert, Standing
from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.hints import serve_hint
from aexp.airgapped.places import typed_at
from aexp.airgapped.queue import RelayQueue
from aexp.domain.consent import Mode
from aexp.domain.liveness import BEAT_INTERVAL_S, PATIENCE_S, BeatWatch, Verdict
from aexp.domain.text import visible
from aexp.ports.clock import Clock

UNWELL_EVERY_S = 1.0
FORGEABLE = Alert(
    "Approvals are files here: whoever can write the queue can forge them (consent: file).",
    "To have them count on the login node alone: aexp relay restart -- --consent login",
)


class DaemonWatch:
    """Judges the beat from look to look: reads it every 5 s, every second where it may have stopped."""

    def __init__(self, queue: RelayQueue, approver: Approver, clock: Clock) -> None:
        self._queue = queue
        self._approver = approver
        self._clock = clock
        self._watch = BeatWatch()
        self._due = float("-inf")
        self._seen = Standing(False, "")
        self.daemon = ""

    @property
    def is_due(self) -> bool:
        """Whether the beat is read at the next look."""
        return self._clock.monotonic() >= self._due

    def look(self) -> Standing:
        """How it stands now.

        Raises:
            RelayStorageError: the queue cannot be read.
        """
        if not self.is_due:
            return self._seen
        now, beat = self._clock.monotonic(), self._queue.beat()
        gone = beat is not None and self._queue.is_gone(beat)
        old = beat is not None and beat.looks_old(self._clock.wall(), PATIENCE_S)
        raw = None if beat is None or gone else beat.raw
        verdict = self._watch.see(raw, now, looks_old=old)
        unsure = verdict is Verdict.UNSURE and (old or raw is None)
        self._due = now + (UNWELL_EVERY_S if unsure or verdict is Verdict.DOWN else BEAT_INTERVAL_S)
        if beat is not None and not self._queue.storage.shared:
            self.daemon = beat.daemon
        if verdict is Verdict.DOWN:
            self._seen = self._down(beat, gone=gone)
        elif beat is None or unsure:
            self._seen = Standing(False, "looking whether the daemon still lives")
        else:
            self._seen = self._up(beat)
        return self._seen

    def _down(self, beat: Beat | None, *, gone: bool) -> Standing:
        what, following = "No daemon serves this queue", serve_hint(self._queue.storage.url)
        if beat is None:
            why = "none was started, or it ended cleanly"
        elif gone:
            why = "its process is gone from this machine"
        elif self._queue.is_alive(beat):
            why = f"process {_pid(beat)} is there, but its beat has stopped; is it suspended?"
            following = f"Let it go on: kill -CONT {_pid(beat)}"
        else:
            why = f"the beat of the one on {_host(beat)} has stopped"
        return Standing(False, "no daemon", (Alert(f"{what}: {why}.", following),))

    def _up(self, beat: Beat) -> Standing:
        told = beat.facts.get("consent")
        mode = Mode(told) if isinstance(told, str) and told in [*Mode] else Mode.FILE
        what = f"up on {_host(beat)} (pid {_pid(beat)}), consent {mode}"
        alerts = []
        host = self._approver.elsewhere_by(beat)
        if host is not None:
            alerts.append(self._elsewhere(host))
        if beat.trouble:
            alerts.append(Alert(f"The daemon is in trouble: {beat.trouble}", self._see_status()))
        if mode is Mode.FILE:
            alerts.append(FORGEABLE)
        return Standing(True, what, tuple(alerts))

    def _elsewhere(self, host: str) -> Alert:
        command = f"aexp relay console{queue_flag(self._queue.storage.url)}"
        there = typed_at(host, command) if host else f"On its login node: {command}"
        named = host or "the login node"
        return Alert(f"Approvals count only on {named}, where the daemon runs; not here.", there)

    def _see_status(self) -> str:
        return f"See aexp relay status{queue_flag(self._queue.storage.url)}"


def _host(beat: Beat) -> str:
    return visible(str(beat.facts.get("host", "?")), limit=80, ascii_only=True)


def _pid(beat: Beat) -> str:
    pid = beat.facts.get("pid")
    return str(pid) if type(pid) is int and 0 < pid < 1 << 32 else "?"
