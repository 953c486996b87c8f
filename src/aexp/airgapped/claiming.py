"""Claiming what waits in the inbox, a slice at a time, whatever lies there."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aexp.airgapped.flood import FloodAudit
from aexp.airgapped.tokens import Tokens
from aexp.airgapped.turns import Arrivals, Slice
from aexp.domain import wire
from aexp.domain.errors import RelayStorageError, StorageMissingError, StorageUnfitError
from aexp.domain.layout import Token
from aexp.ports.clock import Clock

FAILURES = 3
"""Files that may fail at one look before the storage itself is held to have failed."""
NO_FILE = b"\0"
"""What stands for the content of what is no plain file."""
REMEMBERED = 10_000
Room = Callable[[int], int]
"""Gives how many requests may be taken where so many wait."""


class Claims:
    """The requests of the inbox, as they become ours."""

    def __init__(self, tokens: Tokens, clock: Clock, flood: FloodAudit) -> None:
        self._tokens = tokens
        self._flood = flood
        self._arrivals = Arrivals()
        self._slice = Slice(clock)
        self._seen: dict[str, None] = {}

    @contextmanager
    def slice(
        self, pulse: Callable[[], None], room: Room | None = None
    ) -> Iterator[list[tuple[Token, bytes]]]:
        """Claim some, in the order in which the clients say they submitted; how long the caller then takes
        decides how many the next slice has.

        Args:
            pulse: beats if it is time; called between any two requests.
            room: how many may be taken; without it there is room for all.

        Raises:
            RelayStorageError: the storage failed.
        """
        with self._slice.measured() as most:
            claimed = self._some(most, pulse, room)
            claimed.sort(key=lambda found: found[0])
            yield [(token, data) for _, token, data in claimed]

    def remember(self, request_id: str) -> None:
        """The request is known: another file with its id is a repeat."""
        self._seen[request_id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def forget(self, request_id: str) -> None:
        """The request left our hands without an answer; whoever has it may give it back to the inbox."""
        self._seen.pop(request_id, None)

    def _some(
        self, most: int, pulse: Callable[[], None], room: Room | None
    ) -> list[tuple[float, Token, bytes]]:
        claimed: list[tuple[float, Token, bytes]] = []
        failures: list[RelayStorageError] = []
        for request_id in self._chosen(most, room):
            try:
                token = self._claim(request_id)
                read = None if token is None else self._read(token)
            except RelayStorageError as exc:
                # One file that cannot be handled keeps nobody from the others.
                failures.append(exc)
                if len(failures) >= FAILURES:
                    break
                continue
            if read is not None:
                claimed.append((_submitted(read[1]), *read))
            pulse()
        if failures and not claimed:
            raise failures[0]
        if failures:
            self._flood.warn("not-taken", error=failures[0])
        return claimed

    def _chosen(self, most: int, room: Room | None) -> list[str]:
        arrivals = self._tokens.arrivals()
        most = most if room is None else min(most, room(len(arrivals)))
        chosen = self._arrivals.choose(arrivals, most)
        if not chosen or not self._tokens.storage.shared:
            return chosen
        # Looked at after the inbox: whoever took the first file of this id has left its traces by now.
        held = self._tokens.in_hands()
        for request_id in filter(held.__contains__, chosen):
            # What has not started may have been given back a moment ago, and this may be no copy.
            if self._tokens.was_started(request_id):
                self._set_aside(request_id)
        return [request_id for request_id in chosen if request_id not in held]

    def _set_aside(self, request_id: str) -> None:
        if self._tokens.set_aside_repeat(request_id):
            self._flood.warn("seen-before", request_id)

    def _read(self, token: Token) -> tuple[Token, bytes] | None:
        try:
            return token, self._tokens.storage.read(token.name, limit=wire.MAX_BYTES + 1)
        except StorageMissingError:
            # Taken for dead while we stood still: it is another daemon's now.
            return None
        except StorageUnfitError as exc:
            # A link, a FIFO, a folder: kept for a person to look at, answered as invalid.
            self._flood.warn("set-aside", token.request_id, error=exc)
            fenced = self._tokens.set_aside(token)
            return None if fenced is None else (fenced, NO_FILE)

    def _claim(self, request_id: str) -> Token | None:
        # The same id again is a copy of an old request, or a client's repeat after a lost reply. It is
        # moved away without being claimed: the claim would replace the token of the first one.
        # Where several daemons serve, another may have had it after us and given it back.
        known = request_id in self._seen and not self._tokens.storage.shared
        if known or self._tokens.is_answered(request_id):
            self._set_aside(request_id)
            return None
        return self._tokens.claim(request_id)


def _submitted(data: bytes) -> float:
    try:
        return seconds(wire.decode(data).get("submitted_at")) or 0.0
    except wire.WireError:
        return 0.0


def seconds(value: object) -> float | None:
    """A date as clients write it, in seconds since 1970: a number, or ISO 8601 text."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, str):
            return None
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
