"""Whose turn it is: neither a client's flood of requests nor a flood of files keeps the others waiting."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from aexp.ports.clock import Clock

MOST_CLIENTS = 64
"""Clients that are told apart; further ones wait in one line together."""

SLICE_S = 0.3
"""Seconds that one look at the inbox may take before the daemon does something else."""
LEAST_SLICE, FIRST_SLICE, MOST_SLICE = 8, 32, 256


class Waiting(Protocol):
    """What can wait its turn."""

    @property
    def request_id(self) -> str:
        """Names it, once."""

    @property
    def client(self) -> str:
        """Whose it is, as the request says; "" where it does not say."""


T = TypeVar("T", bound=Waiting)


class Turns(Generic[T]):
    """Items in a fair order: clients take turns, and the items of one client keep their order.

    Whose item was taken out goes to the end of the round.

    Args:
        most_clients: clients that are told apart.
    """

    def __init__(self, most_clients: int = MOST_CLIENTS) -> None:
        self._most = most_clients
        self._lines: OrderedDict[str | None, OrderedDict[str, T]] = OrderedDict()
        self._line_of: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._line_of)

    def __iter__(self) -> Iterator[T]:
        """One item of each client in turn, then the second of each, and so on; safe against changes."""
        lines = [iter([*line.values()]) for line in self._lines.values()]
        while lines:
            remaining = []
            for line in lines:
                for item in line:
                    yield item
                    remaining.append(line)
                    break
            lines = remaining

    def has(self, request_id: str) -> bool:
        """Whether it waits here."""
        return request_id in self._line_of

    def get(self, request_id: str) -> T | None:
        """The item, None when it does not wait here."""
        if request_id not in self._line_of:
            return None
        return self._lines[self._line_of[request_id]][request_id]

    def count(self, client: str) -> int:
        """How many items wait in the client's line."""
        return len(self._lines.get(self._name(client), ()))

    def add(self, item: T) -> None:
        """Let it wait behind the others of its client."""
        name = self._name(item.client)
        self._lines.setdefault(name, OrderedDict())[item.request_id] = item
        self._line_of[item.request_id] = name

    def put_back(self, item: T) -> None:
        """Let it wait in front of all others: it was taken out, and could not go on."""
        self.add(item)
        name = self._line_of[item.request_id]
        self._lines[name].move_to_end(item.request_id, last=False)
        self._lines.move_to_end(name, last=False)

    def remove(self, item: T) -> None:
        """Take it out; its client's next turn comes after everybody else's."""
        name = self._line_of.pop(item.request_id)
        line = self._lines[name]
        del line[item.request_id]
        if line:
            self._lines.move_to_end(name)
        else:
            del self._lines[name]

    def clear(self) -> list[T]:
        """Take out all of them, in order."""
        items = [*self]
        self._lines.clear()
        self._line_of.clear()
        return items

    def _name(self, client: str) -> str | None:
        """The client's line: its own, or the common one where there are too many clients."""
        return client if client in self._lines or len(self._lines) < self._most else None


class Arrivals:
    """Which of the files that wait in the inbox are taken next.

    Half of a slice goes to what came last, the other half to what has waited longest: a flood that fills
    the inbox holds up neither a single new request nor an old one.
    """

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}
        self._odd = 0

    def choose(self, listed: Sequence[str], most: int) -> list[str]:
        """At most ``most`` of the ids that are listed.

        Args:
            listed: all that wait now, in whatever order.
        """
        there = frozenset(listed)
        waited = [one for one in self._seen if one in there]
        fresh = [one for one in listed if one not in self._seen]
        self._seen = dict.fromkeys([*waited, *fresh])
        if len(listed) <= most:
            return [*listed]
        # Of an odd number, now this half has one more and now the other.
        half, self._odd = (most + self._odd) // 2, 1 - self._odd
        # The order of a listing may be the flood's own, so it decides nothing.
        newest = [*spread(fresh, half), *reversed(waited)][:half]
        return [*dict.fromkeys([*newest, *waited, *fresh])][:most]


def spread(items: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of the items, from all over the sequence."""
    step = max(len(items) / most, 1.0) if most else 1.0
    return [items[int(position * step)] for position in range(min(most, len(items)))]


class Slice:
    """How many files are taken at one step: as many as take a fraction of a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._most = FIRST_SLICE

    @contextmanager
    def measured(self) -> Iterator[int]:
        """The number for this step; how long the step takes decides on the next."""
        began = self._clock.monotonic()
        yield self._most
        took = self._clock.monotonic() - began
        if took > SLICE_S:
            self._most = max(self._most // 2, LEAST_SLICE)
        elif took < SLICE_S / 4:
            self._most = min(self._most * 2, MOST_SLICE)
