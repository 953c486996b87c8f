"""What dead daemons left behind, and what this one lost sight of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aexp.airgapped.audit import Audit
from aexp.airgapped.jobs import asked, refusal
from aexp.airgapped.owners import Owners
from aexp.airgapped.tokens import Tokens, mark_replied
from aexp.domain import layout, wire
from aexp.domain.consent import Event, State, transition
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.identity import is_request_id
from aexp.domain.layout import Token
from aexp.domain.requests import Response
from aexp.domain.text import visible
from aexp.ports.clock import Clock


class Recovery:
    """Finds tokens without a living owner.

    Claimed but not started: carried on by us. Started: answered as crashed, never run again.

    Args:
        admit: takes in an owned token (as :meth:`Intake.admit` and what follows it).
        known: whether this daemon has the request in hand.
    """

    def __init__(
        self,
        tokens: Tokens,
        owners: Owners,
        admit: Callable[[Token, bytes], None],
        known: Callable[[str], bool],
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._tokens = tokens
        self._owners = owners
        self._admit = admit
        self._known = known
        self._clock = clock
        self._audit = audit

    def sweep(self) -> None:
        """Look once at everything that is claimed or started."""
        dead: dict[str, bool] = {}
        for token in self._tokens.owned():
            with self._going_on(token.request_id):
                if token.owner == self._tokens.me:
                    self._own(token)
                    continue
                if token.owner not in dead:
                    dead[token.owner] = self._owners.is_dead(token.owner)
                if dead[token.owner]:
                    self._inherit(token)
        self._forget_dead_beats()

    def _forget_dead_beats(self) -> None:
        for entry in self._tokens.storage.list(layout.DAEMONS):
            owner = entry.removesuffix(".hb")
            with self._going_on("-"):
                if owner != self._tokens.me and self._owners.is_dead(owner):
                    self._tokens.storage.remove(f"{layout.DAEMONS}/{entry}")

    @contextmanager
    def _going_on(self, request_id: str) -> Iterator[None]:
        """One file that cannot be handled keeps nobody from the others; it is tried again next time."""
        try:
            yield
        except RelayStorageError as exc:
            self._audit.warn("recovery-failed", request_id, error=exc)

    def bury_originals(self) -> None:
        """Answer for what a daemon of the original kind left running: ``processing/<id>.json``."""
        for entry in self._tokens.storage.list(layout.PROCESSING):
            request_id = layout.request_of(entry)
            if request_id is not None:
                gone = f"{layout.STALE}/{request_id}.original.{self._tokens.me}.crashed"
                self._bury(request_id, f"{layout.PROCESSING}/{entry}", gone)

    def answer_withdrawn(self) -> None:
        """Answer for clients that died between withdrawing a request and saying so."""
        answered = {layout.request_of(entry) for entry in self._tokens.storage.list(layout.OUTBOX)}
        for entry in self._tokens.storage.list(layout.STALE):
            request_id, _, rest = entry.partition(".")
            withdrawn = rest.endswith(".cancelled") and is_request_id(request_id)
            if withdrawn and request_id not in answered:
                what = "The request was withdrawn before it started."
                self._put(refusal(request_id, "?", State.CANCELLED, error=what))
                mark_replied(self._tokens.storage, request_id, f"{layout.STALE}/{entry}")

    def _own(self, token: Token) -> None:
        # Ours, but not in hand: an error came between a move and what should have followed it.
        if self._known(token.request_id):
            return
        if token.stage == "claim":
            self._carry_on(token)
        else:
            self._bury_token(token)

    def _inherit(self, token: Token) -> None:
        if token.stage == "run":
            self._bury_token(token)
            return
        mine = self._tokens.adopt(token)
        if mine is not None:
            self._audit.note("adopted", token.request_id, owner=token.owner)
            self._carry_on(mine)

    def _carry_on(self, token: Token) -> None:
        try:
            data = self._tokens.storage.read(token.name, limit=wire.MAX_BYTES + 1)
        except StorageMissingError:
            return
        except StorageUnfitError:
            self._tokens.set_aside(token)
            data = b""
        self._admit(token, data)

    def _bury_token(self, token: Token) -> None:
        self._bury(token.request_id, token.name, layout.crashed(token, self._tokens.me))

    def _bury(self, request_id: str, name: str, gone: str) -> None:
        body = self._body(name)
        op = visible(str(body.get("op", "?")), limit=64)
        answer = refusal(
            request_id,
            op,
            transition(State.RUNNING, Event.LOSE),
            f"The daemon died while {op} ran; whether it took effect is not known.",
            "Look at `git status` and the remote before you submit it again.",
            asked(body),
        )
        # Answered first, moved second: a crash between the two only means that the next one repeats it.
        won = self._put(answer)
        self._tokens.storage.take(name, gone)
        self._tokens.storage.put(layout.replied(request_id), b"")
        self._audit.warn("crashed", request_id, op=op, answered=won)

    def _put(self, answer: Response) -> bool:
        told = {"writer": self._tokens.me, "answered_at": self._clock.wall()}
        data = answer.model_copy(update=told).to_bytes()
        return self._tokens.storage.put_new(layout.outbox(answer.request_id), data)

    def _body(self, name: str) -> dict[str, Any]:
        try:
            return wire.decode(self._tokens.storage.read(name, limit=wire.MAX_BYTES + 1))
        except (wire.WireError, RelayStorageError):
            return {}
