"""Hearing of changes: channels of the server, together with descriptors of this process."""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import redis
from redis.client import PubSub
from redis.exceptions import RedisError

MOST_CHANNELS = 64
"""Channels that one listener keeps for the next wait; the oldest go first."""
CONFIRMED_WITHIN_S = 1.0
MOST_AT_ONCE = 1000
"""Messages that are read at one look: whoever tells more than that keeps nobody from the work."""
QUIET_FOR_S = 5.0
"""Seconds for which nothing is listened to after the server could not be reached."""


class Listener(threading.local):
    """One thread's ear. Opens nothing before the first wait.

    Args:
        connect: makes a client for it.
    """

    def __init__(self, connect: Callable[[], redis.Redis]) -> None:
        self._connect = connect
        self._pid = os.getpid()
        self._ear: PubSub | None = None
        self._client: redis.Redis | None = None
        self._channels: dict[bytes, None] = {}
        self._deaf_until = float("-inf")

    def follow(self, channels: Iterable[bytes]) -> bool:
        """Hear of what is told on these from now on; whether any of them is new."""
        wanted = dict.fromkeys(channels)
        if self._pid != os.getpid():
            self._pid, self._ear = os.getpid(), None
            self._channels.clear()
        new = [channel for channel in wanted if channel not in self._channels]
        if not new or monotonic() < self._deaf_until:
            return False
        try:
            self._subscribe(new, wanted)
        except (RedisError, OSError):
            # A hint that cannot be had is done without.
            self._go_deaf()
            return False
        return True

    def wait(
        self, channels: Sequence[bytes], timeout_s: float, also: Sequence[int]
    ) -> bytes | None:
        """The first of these channels on which something is told, or was since the last wait.

        Returns:
            None when the time is over, or a descriptor in ``also`` is readable, or nothing can be heard.
        """
        until = monotonic() + max(timeout_s, 0.0)
        while True:
            try:
                heard = self._heard(channels)
            except (RedisError, OSError):
                self._go_deaf()
                heard = None
            if heard is not None:
                return heard
            left = until - monotonic()
            if left <= 0 or not self._until_readable(left, also):
                return None

    def close(self) -> None:
        """Hear nothing any more."""
        ear, self._ear = self._ear, None
        self._channels.clear()
        if ear is not None:
            with contextlib.suppress(RedisError, OSError):
                ear.close()
        self._client = None

    def _go_deaf(self) -> None:
        self.close()
        self._deaf_until = monotonic() + QUIET_FOR_S

    def _subscribe(self, new: list[bytes], wanted: dict[bytes, None]) -> None:
        if self._ear is None:
            # Kept: what closes its connections goes with it.
            self._client = self._connect()
            self._ear = self._client.pubsub()
        ear = self._ear
        too_many = len(self._channels) + len(new) - MOST_CHANNELS
        old = [channel for channel in self._channels if channel not in wanted][: max(too_many, 0)]
        for channel in old:
            del self._channels[channel]
            ear.unsubscribe(channel)
        ear.subscribe(*new)
        until = monotonic() + CONFIRMED_WITHIN_S
        lacking = set(new)
        while lacking:
            left = until - monotonic()
            if left <= 0:
                raise OSError("the server did not confirm in time")
            message = ear.get_message(timeout=left)
            if message is not None and message["type"] == "subscribe":
                lacking.discard(message["channel"])
        self._channels.update(dict.fromkeys(new))

    def _heard(self, channels: Sequence[bytes]) -> bytes | None:
        """The first channel that something lies ready of; what others tell is left out."""
        heard = None
        for _ in range(MOST_AT_ONCE):
            message = None if self._ear is None else self._ear.get_message(timeout=0)
            if message is None:
                return heard
            if message["type"] == "message" and message["channel"] in channels:
                heard = heard or message["channel"]
        # There is no end of it: what lies behind this may be anything, so whoever waits looks.
        return heard or next(iter(channels), None)

    def _until_readable(self, timeout_s: float, also: Sequence[int]) -> bool:
        """Whether the server said something in time, before any of the descriptors was readable."""
        poller = select.poll()
        own = self._socket()
        for descriptor in also if own < 0 else (own, *also):
            poller.register(descriptor, select.POLLIN)
        ready = poller.poll(timeout_s * 1000)
        return [descriptor for descriptor, _ in ready] == [own]

    def _socket(self) -> int:
        connection = None if self._ear is None else self._ear.connection
        # redis-py has no name for it that is not private, and nothing else to wait for both.
        sock = None if connection is None else connection._get_socket()
        return -1 if sock is None else sock.fileno()
