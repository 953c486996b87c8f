"""What a daemon remembers of the requests that wait for a person.

Ten thousand may wait, so a look at which nothing has changed walks none of them.
"""

import secrets
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from dataclasses import dataclass, replace

from aexp.airgapped.jobs import asked, refusal
from aexp.airgapped.waiting_notes import Note
from aexp.domain.consent import State
from aexp.domain.destinations import Destination
from aexp.domain.petition import Petition
from aexp.domain.requests import Response


@dataclass(frozen=True)
class Parked:
    """What the daemon remembers of a waiting request: the file in the queue is for people to read.

    Attributes:
        destinations: where it would connect, as it was found when it began to wait.
    """

    petition: Petition
    note: Note
    destinations: tuple[Destination, ...] = ()

    @property
    def op(self) -> str:
        """The operation's name."""
        return self.petition.op

    def refusal(self, state: State, error: str, hint: str | None = None) -> Response:
        """The answer that it did not run: it repeats the request as people saw it, not its file."""
        shown = self.petition
        repeated = asked({"args": [*shown.args], "cwd": shown.cwd})
        return refusal(shown.request_id, shown.op, state, error, hint, repeated)


def drawn(petition: Petition) -> Petition:
    """The petition with a fresh nonce: an approval fits this waiting of the request, and no other."""
    return replace(petition, nonce=secrets.token_hex(16))


class ParkedRequests(MutableMapping[str, Parked]):
    """Request id to what is remembered, in the order in which they began to wait here.

    Attributes:
        agreed: whether ``pending/`` was seen to hold these and no others; no longer once one comes or goes.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Parked] = {}
        self.agreed = False
        self._oldest = float("inf")

    def since_before(self, wall: float) -> list[str]:
        """The requests that have waited since before that moment, in seconds since 1970."""
        if wall <= self._oldest:
            return []
        # Of those that have gone meanwhile nobody has told it.
        self._oldest = min((one.note.since for one in self._by_id.values()), default=float("inf"))
        return [one for one, parked in self._by_id.items() if parked.note.since < wall]

    def __getitem__(self, request_id: str) -> Parked:
        return self._by_id[request_id]

    def __setitem__(self, request_id: str, parked: Parked) -> None:
        if request_id not in self._by_id:
            self.agreed = False
        self._by_id[request_id] = parked
        self._oldest = min(self._oldest, parked.note.since)

    def __delitem__(self, request_id: str) -> None:
        del self._by_id[request_id]
        self.agreed = False

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def keys(self) -> KeysView[str]:
        """The ids; as with the other two, no slower than those of a plain dictionary."""
        return self._by_id.keys()

    def values(self) -> ValuesView[Parked]:
        """What is remembered of each."""
        return self._by_id.values()

    def items(self) -> ItemsView[str, Parked]:
        """Both."""
        return self._by_id.items()
