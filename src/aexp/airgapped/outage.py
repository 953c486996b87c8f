"""A storage that fails while somebody waits: told once it lasts, and again when it is over."""

from collections.abc import Callable

from aexp.domain.errors import RelayStorageError
from aexp.ports.clock import Clock

TOLD_AFTER_S = 5.0
"""Seconds of failing after which whoever waits is told."""


class Outage:
    """What one wait has met of a storage that fails; a failure that is over in a moment is nobody's news.

    Args:
        on_said: told of it, once each time.
    """

    def __init__(self, clock: Clock, on_said: Callable[[str], None] | None) -> None:
        self._clock = clock
        self._on_said = on_said
        self._since: float | None = None
        self._told = False

    def failed(self, began: float, failure: RelayStorageError) -> None:
        """A look failed.

        Args:
            began: when that look began, by the monotonic clock: it may have been tried for long.
        """
        if self._since is None:
            self._since = began
        if not self._told and self._clock.monotonic() - self._since >= TOLD_AFTER_S:
            self._told = True
            self._say(f"{failure.what} The wait goes on until it is back.")

    def went_well(self) -> None:
        """A look did not fail."""
        if self._told:
            self._say("The queue can be reached again.")
        self._since, self._told = None, False

    def _say(self, text: str) -> None:
        if self._on_said is not None:
            self._on_said(text)
