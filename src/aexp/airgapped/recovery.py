"""What dead daemons left behind, and what this one lost sight of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aexp.airgapped.audit import Audit
from aexp.airgapped.burial import Burial, Remains
from aexp.airgapped.jobs import refusal
from aexp.airgapped.owners import Owners
from aexp.airgapped.tokens import Tokens, mark_replied
from aexp.domain import layout, wire
from aexp.domain.consent import State
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.identity import is_request_id
from aexp.domain.layout import Token


class Recovery:
    """Finds tokens without a living owner.

    Claimed but not started: carried on by us. Started: answered as crashed, never run again.

    Args:
        admit: takes in an owned token (as :meth:`Intake.admit` and what follows it).
        known: whether this daemon has the request in hand.
        burial: answers for what was started.
    """

    def __init__(
        self,
        tokens: Tokens,
        owners: Owners,
        admit: Callable[[Token, bytes], None],
        known: Callable[[str], bool],
        burial: Burial,
        audit: Audit,
    ) -> None:
        self._tokens = tokens
        self._owners = owners
        self._admit = admit
        self._known = known
        self._burial = burial
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
                name = f"{layout.PROCESSING}/{entry}"
                self._burial.begin(Remains(request_id, name, gone, "original"))

    def answer_withdrawn(self) -> None:
        """Answer for clients that died between withdrawing a request and saying so."""
        answered = {layout.request_of(entry) for entry in self._tokens.storage.list(layout.OUTBOX)}
        for entry in self._tokens.storage.list(layout.STALE):
            request_id, _, rest = entry.partition(".")
            withdrawn = rest.endswith(".cancelled") and is_request_id(request_id)
            if withdrawn and request_id not in answered:
                what = "The request was withdrawn before it started."
                data = refusal(request_id, "?", State.CANCELLED, what).to_bytes()
                self._tokens.storage.put_new(layout.outbox(request_id), data)
                mark_replied(self._tokens.storage, request_id, f"{layout.STALE}/{entry}")

    def _own(self, token: Token) -> None:
        # Ours, but not in hand: an error came between a move and what should have followed it.
        if self._known(token.request_id):
            return
        if token.stage == "claim":
            self._carry_on(token)
        else:
            self._bury(token)

    def _inherit(self, token: Token) -> None:
        if token.stage == "run":
            self._bury(token)
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

    def _bury(self, token: Token) -> None:
        gone = layout.crashed(token, self._tokens.me)
        self._burial.begin(Remains(token.request_id, token.name, gone, token.owner))
