"""The answer to a request whose daemon died while it ran: what is known, and nothing that is not."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aexp.airgapped.audit import Audit
from aexp.airgapped.jobs import asked, refusal
from aexp.airgapped.publisher import without_secrets
from aexp.airgapped.tokens import Tokens
from aexp.domain import layout, wire
from aexp.domain.consent import Event, State, transition
from aexp.domain.errors import RelayStorageError
from aexp.domain.identity import ProcessId
from aexp.domain.operations import look_before_again
from aexp.domain.output import MAX_LOG_BYTES, BoundedOutput
from aexp.domain.requests import Response
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.executor import Executor
from aexp.ports.processes import Processes

KILL_AFTER_S = 10.0
"""Seconds between asking a stray command to end and forcing it."""
LOOK_EVERY_S = 0.2
KEPT_BYTES = 64 * 1024
CHUNK = 1 << 20


@dataclass(frozen=True)
class Remains:
    """A started request without a living owner.

    Attributes:
        name: where its token lies.
        gone: where the token goes.
        owner: the dead daemon's name, as the token says it.
    """

    request_id: str
    name: str
    gone: str
    owner: str


class Burial:
    """Ends what a dead daemon's command left running on this machine, then answers "crashed"."""

    def __init__(
        self,
        tokens: Tokens,
        executor: Executor,
        processes: Processes,
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._tokens = tokens
        self._executor = executor
        self._processes = processes
        self._clock = clock
        self._audit = audit
        self._ending: dict[str, tuple[Remains, float]] = {}
        self._look_due = float("-inf")

    def begin(self, remains: Remains) -> None:
        """Answer for the request, now or as soon as nothing of it runs on this machine any more."""
        if remains.request_id in self._ending:
            return
        strays = self._executor.end_strays(remains.request_id, force=False)
        if not strays:
            self._answer(remains, outlived=False)
            return
        self._audit.warn("outlived-its-daemon", remains.request_id, processes=strays)
        self._ending[remains.request_id] = (remains, self._clock.monotonic())

    def go_on(self) -> bool:
        """Look after those that are still ending; True when one was answered."""
        now = self._clock.monotonic()
        if not self._ending or now < self._look_due:
            return False
        self._look_due = now + LOOK_EVERY_S
        answered = False
        for request_id, (remains, since) in [*self._ending.items()]:
            force = now - since >= KILL_AFTER_S
            if not self._executor.end_strays(request_id, force=force):
                self._answer(remains, outlived=True)
                del self._ending[request_id]
                answered = True
        return answered

    @property
    def busy(self) -> bool:
        """Whether something is still being ended."""
        return bool(self._ending)

    def _answer(self, remains: Remains, *, outlived: bool) -> None:
        body = self._body(remains.name)
        op = visible(str(body.get("op", "?")), limit=64)
        what, hint = self._words(remains, op, outlived=outlived)
        state = transition(State.RUNNING, Event.LOSE)
        answer = refusal(remains.request_id, op, state, what, hint, asked(body))
        output = self._output(remains.request_id)
        # Answered first, moved second: a crash between the two only means that the next one repeats it.
        won = self._put(replace(answer, stdout=output))
        self._tokens.storage.take(remains.name, remains.gone)
        self._tokens.storage.put(layout.replied(remains.request_id), b"")
        self._audit.warn("crashed", remains.request_id, op=op, answered=won)

    def _words(self, remains: Remains, op: str, *, outlived: bool) -> tuple[str, str]:
        look = look_before_again(op)
        died = f"The daemon died while {op} ran; whether it took effect is not known."
        if outlived:
            return f"{died} The command had outlived it and was ended.", look
        owner = ProcessId.parse(remains.owner)
        if owner is not None and self._processes.alive(owner) is None:
            # Another machine's processes cannot be seen from here.
            return died, f"It may still be running on {owner.host}: make sure there first. {look}"
        return died, look

    def _output(self, request_id: str) -> str:
        output = BoundedOutput(KEPT_BYTES)
        name, offset = layout.log(request_id), 0
        # Where there is no log, or none that can be read to its end, the answer goes without the rest.
        with suppress(RelayStorageError):
            # Bounded here too: anybody can put a file of a terabyte in the log's place.
            while offset < MAX_LOG_BYTES:
                chunk = self._tokens.storage.read(name, offset, CHUNK)
                if not chunk:
                    break
                output.add(chunk)
                offset += len(chunk)
        output.close()
        return output.text(name)

    def _put(self, answer: Response) -> bool:
        clean = without_secrets(answer, self._audit.redactor)
        signed = replace(clean, writer=self._tokens.me, answered_at=self._clock.wall())
        data = signed.to_bytes()
        return self._tokens.storage.put_new(layout.outbox(answer.request_id), data)

    def _body(self, name: str) -> dict[str, Any]:
        try:
            return wire.decode(self._tokens.storage.read(name, limit=wire.MAX_BYTES + 1))
        except (wire.WireError, RelayStorageError):
            return {}
