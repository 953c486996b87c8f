"""What dead daemons left behind, and what this one lost sight of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aexp.airgapped.audit import Audit
from aexp.airgapped.burial import Burial, Remains
from aexp.airgapped.owners import Owners
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.withdrawn import answer_withdrawn
from aexp.domain import layout, wire
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.layout import Token
from aexp.ports.clock import Clock

LONGEST_S = 1.0
"""Seconds that one look may take: thousands of tokens may be planted."""


class Recovery:
    """Finds tokens without a living owner.

    Claimed but not started: carried on by us. Started: answered as crashed, never run again.

    Args:
        admit: takes in an owned token (as :meth:`Intake.admit` and what follows it).
        known: whether this daemon has the request in hand.
        burial: answers for what was started.

    Attributes:
        sees_others: whether there were traces of other daemons at the last look. Whether they live is told
            only by looking often enough.
    """

    def __init__(
        self,
        tokens: Tokens,
        owners: Owners,
        admit: Callable[[Token, bytes], None],
        known: Callable[[str], bool],
        burial: Burial,
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._tokens = tokens
        self._owners = owners
        self._admit = admit
        self._known = known
        self._burial = burial
        self._clock = clock
        self._told: set[str] = set()
        self._originals_buried = False
        self._began = float("-inf")
        self._audit = audit
        self.sees_others = True

    def sweep(self) -> None:
        """Look once at everything that is claimed or started."""
        if not self._originals_buried:
            self._bury_originals()
            self._originals_buried = True
        tokens = self._tokens.owned()
        beating = self._owners.beating()
        dead: dict[str, bool] = {}
        self._began = self._clock.monotonic()
        owners = {token.owner for token in tokens}
        self.sees_others = not owners.union(beating) <= {self._tokens.me}
        for token in tokens:
            if self._is_enough:
                break
            with self._going_on(token.name):
                if token.owner == self._tokens.me:
                    self._own(token)
                    continue
                if token.owner not in dead:
                    dead[token.owner] = self._owners.is_dead(token.owner, beating)
                if dead[token.owner]:
                    self._inherit(token)
        self._forget_dead_beats(beating)
        self._answer_withdrawn()

    @property
    def _is_enough(self) -> bool:
        """Whether the rest of a flood is left for the next look, so that the beat goes on."""
        return self._clock.monotonic() - self._began > LONGEST_S

    def _forget_dead_beats(self, beating: frozenset[str]) -> None:
        for owner in sorted(beating):
            name = layout.own_beat(owner)
            with self._going_on(name):
                if owner != self._tokens.me and self._owners.may_forget(owner, beating):
                    self._tokens.storage.remove(name)

    @contextmanager
    def _going_on(self, name: str) -> Iterator[None]:
        """One file that cannot be handled keeps nobody from the others; it is tried again next time."""
        try:
            yield
        except RelayStorageError as exc:
            if name not in self._told:
                self._told.add(name)
                self._audit.warn("recovery-failed", error=exc)

    def _bury_originals(self) -> None:
        """Answer for what a daemon of the original kind left running: ``processing/<id>.json``.

        Done once: at our start no such daemon was there; what appears later may be a living one's.
        """
        for entry in self._tokens.storage.list(layout.PROCESSING):
            request_id = layout.request_of(entry)
            name = f"{layout.PROCESSING}/{entry}"
            if request_id is not None:
                with self._going_on(name):
                    gone = layout.crashed(request_id, "original")
                    self._burial.begin(Remains(request_id, name, gone, "original"))

    def _answer_withdrawn(self) -> None:
        """Answer for clients that died between withdrawing a request and saying so.

        A client that is only slow finds our answer, which says the same.
        """
        for entry in self._tokens.storage.list(layout.STALE):
            if self._is_enough:
                return
            request_id = layout.withdrawn_in(entry)
            if request_id is not None:
                with self._going_on(entry):
                    answer_withdrawn(
                        self._tokens.storage,
                        request_id,
                        f"{layout.STALE}/{entry}",
                        "The request was withdrawn before it started.",
                        writer=self._tokens.me,
                        wall=self._clock.wall(),
                    )

    def _own(self, token: Token) -> None:
        # Ours, but not in hand: an error came between a move and what should have followed it.
        if self._known(token.request_id):
            return
        if token.stage == "claim" and self._tokens.was_started(token.request_id):
            self._tokens.set_token_aside(token)
        elif token.stage == "claim":
            self._carry_on(token)
        else:
            self._bury(token)

    def _inherit(self, token: Token) -> None:
        if token.stage == "run":
            self._bury(token)
            return
        if self._is_copy(token):
            self._tokens.set_token_aside(token)
            return
        known = self._known(token.request_id)
        mine = self._tokens.adopt(token)
        if mine is not None:
            self._audit.note("adopted", token.request_id, owner=token.owner)
            if not known:
                self._carry_on(mine)

    def _is_copy(self, token: Token) -> bool:
        """Whether the claim of a dead daemon is of a file that was left twice, where several serve.

        That we know the request does not tell: it may have been taken from us while we seemed to be dead,
        by one that seems to be dead now. Then this is the one file that there is, and ours again.
        """
        request_id = token.request_id
        if not self._tokens.storage.shared:
            return False
        if self._tokens.was_started(request_id):
            return True  # What has started has no claim any more.
        return self._known(request_id) and self._tokens.is_with_us(request_id)

    def _carry_on(self, token: Token) -> None:
        try:
            data = self._tokens.storage.read(token.name, limit=wire.MAX_BYTES + 1)
        except StorageMissingError:
            return
        except StorageUnfitError:
            fenced = self._tokens.set_aside(token)
            if fenced is None:
                return
            token, data = fenced, b""
        self._admit(token, data)

    def _bury(self, token: Token) -> None:
        if self._tokens.is_repeat(token):
            self._tokens.set_token_aside(token)
            return
        gone = layout.crashed(token.request_id, token.owner)
        self._burial.begin(Remains(token.request_id, token.name, gone, token.owner))
