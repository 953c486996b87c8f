"""Shortcuts in the protocol, each one known to be wrong: the simulation must notice every one of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock

from aexp.adapters.consent.markers import MarkerDecisions
from aexp.airgapped import consent_desk, owners, rulings, waiting_notes
from aexp.airgapped.burial import Burial
from aexp.airgapped.locks import Locks
from aexp.airgapped.owners import Owners
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.recovery import Recovery
from aexp.airgapped.tokens import Tokens
from aexp.domain import layout
from aexp.domain.consent import Event
from aexp.domain.errors import RelayStorageError, StorageMissingError
from aexp.domain.layout import Token
from aexp.domain.petition import Petition
from aexp.domain.requests import Response
from aexp.ports.storage import QueueStorage


@dataclass(frozen=True)
class Mutation:
    """One shortcut.

    Attributes:
        patches: what is replaced: owner, name, and by what.
        noticed: a pattern that one of the broken promises must match.
        crowd: whether it is one of those that only daemons meet that serve together.
        seed: where to look first: one that was seen to notice it. It may stop doing so with any change
            of the relay or of the simulation; others then do.
    """

    patches: tuple[tuple[Any, str, object], ...]
    noticed: str
    crowd: bool = False
    seed: int = 0

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The code with this shortcut in it."""
        with nullcontext() if not self.patches else _patched(self.patches):
            yield


@contextmanager
def _patched(patches: tuple[tuple[Any, str, object], ...]) -> Iterator[None]:
    owner, name, replacement = patches[0]
    with mock.patch.object(owner, name, replacement):
        if patches[1:]:
            with _patched(patches[1:]):
                yield
        else:
            yield


_withdraw = RelayQueue._withdraw_from


def _copy_then_unlink(storage: QueueStorage, src: str, dst: str) -> bool:
    try:
        data = storage.read(src)
    except StorageMissingError:
        return False
    storage.put(dst, data)
    storage.remove(src)
    return True


def _own_by_copy(self: Tokens, name: str, request_id: str) -> Token | None:
    token = Token(request_id, self.me, "claim")
    return token if _copy_then_unlink(self.storage, name, token.name) else None


def _withdraw_by_copy(self: RelayQueue, name: str, request_id: str, why: str) -> bool:
    copy = f"{layout.STALE}/{request_id}.{self.me}.copy"
    return _copy_then_unlink(self.storage, name, copy) and _withdraw(self, copy, request_id, why)


def _start_what_was_started(self: Recovery, token: Token) -> None:
    self._tokens.storage.take(token.name, layout.inbox(token.request_id))


def _answer_over(self: Tokens, token: Token, response: Response) -> bool:
    self.storage.put(layout.outbox(token.request_id), response.to_bytes())
    self.storage.take(token.name, layout.replied(token.request_id))
    return True


def _bury_over(self: Burial, answer: Response) -> bool:
    self._tokens.storage.put(layout.outbox(answer.request_id), answer.to_bytes())
    return True


def _start_unchecked(self: Tokens, token: Token, *, durable: bool = True) -> Token | None:
    return token.started()


def _let_go_then_answer(
    self: Tokens, token: Token, response: Response, *, durable: bool = True
) -> bool:
    self.storage.remove(token.name)
    won = self.storage.put_new(layout.outbox(token.request_id), response.to_bytes())
    self.storage.put(layout.replied(token.request_id), b"")
    return won


def _approval_first(*, approved: bool, rejected: bool, expired: bool) -> Event | None:
    if approved:
        return Event.APPROVE
    if rejected:
        return Event.REJECT
    return Event.EXPIRE if expired else None


def _believing(act: Callable[..., Any]) -> Callable[..., Any]:
    def believed(*args: Any) -> Any:
        try:
            return act(*args)
        except RelayStorageError:
            return None

    return believed


def _park_without_looking(self: MarkerDecisions, petition: Petition) -> bool:
    self._parked.add(petition.request_id)
    return False


def _look_away(self: Recovery, token: Token) -> None:
    """What is ours but not in hand stays where it is."""


MUTATIONS = {
    "claim by copy": Mutation(
        ((Tokens, "_own", _own_by_copy),),
        "started 2 times|would never run|was cancelled, started",
        seed=13,
    ),
    "withdraw by copy": Mutation(
        ((RelayQueue, "_withdraw_from", _withdraw_by_copy),),
        "would never run|cancelled, started",
        seed=10,
    ),
    "re-queue of a dead daemon's started work": Mutation(
        ((Recovery, "_bury", _start_what_was_started),),
        "started 2 times",
        seed=8,
    ),
    "overwriting an answer": Mutation(
        ((Tokens, "answer", _answer_over), (Burial, "_put", _bury_over)),
        "a second answer",
        seed=13,
    ),
    "no check of the token before the start": Mutation(
        ((Tokens, "start", _start_unchecked),), "started 2 times"
    ),
    "letting go before answering": Mutation(
        ((Tokens, "answer", _let_go_then_answer),),
        "never answered",
        seed=13,
    ),
    "approval before rejection": Mutation(
        ((consent_desk, "decide", _approval_first),), "it had been rejected first"
    ),
    "early approvals count": Mutation(
        ((MarkerDecisions, "park", _park_without_looking),),
        "without an approval",
        seed=3,
    ),
    "no digest of what was parked": Mutation(
        (
            (rulings, "digest", lambda data: "same"),
            (waiting_notes, "digest", lambda data: "same"),
            (Petition, "digest", "same"),
        ),
        "that nobody submitted",
        seed=3,
    ),
    "believing an error of take": Mutation(
        (
            (Tokens, "_own", _believing(Tokens._own)),
            (Tokens, "start", _believing(Tokens.start)),
            (Recovery, "_own", _look_away),
        ),
        "never answered|still holds",
    ),
    "every other owner counts as dead": Mutation(
        ((Owners, "is_dead", lambda self, owner, *known: True),), "who is well|is well"
    ),
    "no word on who has it and who started first": Mutation(
        (
            (Tokens, "in_hands", lambda self: frozenset()),
            (Tokens, "_is_first", lambda self, *given, **more: True),
            (Tokens, "is_repeat", lambda self, token: False),
            (Tokens, "was_started", lambda self, request_id: False),
        ),
        "started 2 times",
        crowd=True,
        seed=3,
    ),
    "no lock on a working copy": Mutation(
        ((Locks, "try_for", lambda self, what: True),),
        "beside",
        crowd=True,
        seed=17,
    ),
    "takeover after three seconds": Mutation(
        ((owners, "TAKEOVER_AFTER_S", 3.0), (owners, "TAKEOVER_LOOKS", 1)), "who is well|is well"
    ),
}
