"""The daemon's moves in the queue: each change of a request's state is one move of its token."""

import os

from aexp.airgapped.presence import is_there
from aexp.airgapped.quarantine import Quarantine
from aexp.domain import layout
from aexp.domain.layout import Token
from aexp.domain.requests import Response
from aexp.ports.storage import QueueStorage

REMEMBERED = 10_000
"""Requests that one daemon remembers to have started."""
MAX_OWNER_BYTES = 400
"""Bytes of the name of whoever has started a request, and some more."""


def mark_replied(storage: QueueStorage, request_id: str, token: str) -> None:
    """Tell waiting clients that the answer is there; what is left of the token becomes the mark.

    A move needs no space, so this works on a full disk as well.
    """
    mark = layout.replied(request_id)
    if not storage.take(token, mark, tell=True):
        storage.put(mark, b"")


class Tokens:
    """The tokens of one queue in the hands of one daemon.

    Args:
        storage: where the queue is.
        me: the daemon's name.
    """

    def __init__(self, storage: QueueStorage, me: str) -> None:
        self.storage = storage
        self.me = me
        self.quarantine = Quarantine(storage)
        self._attempts: dict[str, str] = {}
        self._answering: dict[str, Token] = {}
        self._begun: dict[str, None] = {}

    def arrivals(self) -> list[str]:
        """The ids that wait in the inbox."""
        return layout.requests_in(self.storage.list(layout.INBOX))

    def claim(self, request_id: str) -> Token | None:
        """Own a request of the inbox; None when somebody else was faster or the client withdrew it."""
        return self._own(layout.inbox(request_id), request_id)

    def park(self, token: Token) -> bool:
        """Let an owned request wait for consent; False when it is not ours any more."""
        return self.storage.take(token.name, layout.pending(token.request_id))

    def unpark(self, request_id: str) -> Token | None:
        """Own a request that waited for consent; None when it was withdrawn or another was faster."""
        return self._own(layout.pending(request_id), request_id)

    def start(self, token: Token, *, durable: bool = True) -> Token | None:
        """Note that the operation may begin from now on; None when it is not ours any more.

        Args:
            durable: whether that must be known after a power cut.

        After this nobody ever runs the request again, whatever happens. Where several daemons serve, a file
        that was left twice (by a client whose first reply was lost) may have two tokens: which of them starts
        is decided here, once and for all, and the other is set aside.
        """
        request_id, started = token.request_id, token.started()
        # Kept while it is not known what came of it: whoever asks again is the same.
        attempt = self._attempts.setdefault(request_id, os.urandom(8).hex())
        # A first try may have been made although it seemed to fail; nobody else makes this name.
        moved = self.storage.take(token.name, started.name, durable=durable) or (
            started in self.owned()
        )
        first = moved and self._is_first(started, attempt, durable=durable)
        del self._attempts[request_id]
        return started if first else None

    def _is_first(self, token: Token, attempt: str, *, durable: bool) -> bool:
        if not self.storage.shared:
            return True
        request_id = token.request_id
        name, body = layout.started(request_id), f"{token.owner} {attempt}\n".encode()
        # A server that goes back to older data has forgotten that it was started; we have not.
        if (
            request_id not in self._begun
            and self.storage.put_new(name, body, durable=durable)
            and not self.is_answered(request_id)
        ):
            self._begun[request_id] = None
            if len(self._begun) > REMEMBERED:
                del self._begun[next(iter(self._begun))]
            return True
        self.set_token_aside(token)
        return False

    def is_repeat(self, token: Token) -> bool:
        """Whether another daemon than the dead owner of this token has started the request."""
        if not self.storage.shared:
            return False
        name = layout.started(token.request_id)
        # One that died before it could say so was the first; nobody may start the request any more.
        if self.storage.put_new(name, f"{token.owner} buried\n".encode()):
            return False
        said = self.storage.read(name, limit=MAX_OWNER_BYTES).decode("ascii", "replace")
        return said.partition(" ")[0] != token.owner

    def was_started(self, request_id: str) -> bool:
        """Whether a daemon has started the request; where several serve, it never comes back then."""
        return self.storage.shared and is_there(self.storage, layout.started(request_id))

    def in_hands(self) -> frozenset[str]:
        """The requests that some daemon has, or that wait for consent."""
        parked = layout.requests_in(self.storage.list(layout.PENDING))
        return frozenset([token.request_id for token in self.owned()] + parked)

    def give_back(self, token: Token) -> bool:
        """Return an owned request that provably never started to the inbox."""
        return self.storage.take(token.name, layout.inbox(token.request_id))

    def answer(self, token: Token, response: Response, *, durable: bool = True) -> bool:
        """Publish the one answer and let go of the token.

        A request that did not start is fenced first: if its claim was adopted meanwhile, the adopter
        answers, and may run it.

        Args:
            durable: whether the answer must outlive a power cut.

        Returns:
            False when the request had its answer already, or is not ours: ours is dropped.
        """
        if token.stage == "claim":
            ours = self._answering.get(token.request_id) or self.start(token)
            if ours is None:
                return False
            # Known while the rest fails: asked again, it is no second start.
            self._answering[token.request_id] = token = ours
        name = layout.outbox(token.request_id)
        won = self.storage.put_new(name, response.to_bytes(), durable=durable)
        mark_replied(self.storage, token.request_id, token.name)
        self._answering.pop(token.request_id, None)
        return won

    def owned(self) -> list[Token]:
        """Every token in ``processing/``, whoever owns it."""
        return layout.tokens_in(self.storage.list(layout.PROCESSING))

    def adopt(self, token: Token) -> Token | None:
        """Take over a claim whose owner died; it provably never started."""
        mine = token.owned_by(self.me)
        return mine if self.storage.take(token.name, mine.name) else None

    def set_aside(self, token: Token) -> Token | None:
        """Keep an owned file that is no request where a person can look at it.

        Returns:
            The token to answer with, None when the file is not ours any more.
        """
        fenced = self.start(token)
        if fenced is not None:
            self.quarantine.keep(fenced.name, f"{token.request_id}.json")
        return fenced

    def set_token_aside(self, token: Token) -> None:
        """Keep the token of a request that was left twice: another one stands for it."""
        self.quarantine.keep(token.name, f"{token.request_id}.json")

    def set_aside_repeat(self, request_id: str) -> bool:
        """The same for a file of the inbox whose id is known already; the first one stays as it is.

        Returns:
            False when it was gone.
        """
        return self.quarantine.keep(layout.inbox(request_id), f"{request_id}.json")

    def set_aside_parked(self, request_id: str) -> None:
        """The same for what stands among the requests that wait for consent and is none."""
        self.quarantine.keep(layout.pending(request_id), f"{request_id}.json")

    def is_answered(self, request_id: str) -> bool:
        """Whether the request was answered before, by whatever daemon."""
        # A name that may not exist yet is asked for here. It is only ever made by a link, which tells
        # the truth also where this node remembers wrongly that the name is missing.
        return is_there(self.storage, layout.outbox(request_id))

    def is_with_us(self, request_id: str) -> bool:
        """Whether the file of a request in our hands is where we left it: owned, or among those that wait.

        Each place is asked by its name: a listing may hold what has just left it.
        """
        claim = Token(request_id, self.me, "claim")
        places = (claim.name, claim.started().name, layout.pending(request_id))
        return any(is_there(self.storage, place) for place in places)

    def holds(self, request_id: str) -> bool:
        """Whether we have the request's claim: what a move was that seemed to fail and was made."""
        return Token(request_id, self.me, "claim") in self.owned()

    def _own(self, name: str, request_id: str) -> Token | None:
        token = Token(request_id, self.me, "claim")
        if self.storage.take(name, token.name) or self.holds(request_id):
            return token
        return None
