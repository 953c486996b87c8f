"""Several notifiers side by side: where one fails, the others tell all the same."""

from collections.abc import Callable, Collection, Mapping, Sequence

from aexp.domain.errors import RelayError
from aexp.domain.notices import Notice
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier

REPEATED_AFTER_S = 60.0
"""Seconds before the same failure of the same notifier is told again."""


class NotifiersTogether(Notifier):
    """Raises nothing: a failure is one warning, with the name of the one that failed.

    Args:
        members: name to notifier.
        warn: ``warn(event, request_id, **facts)``, for the daemon's log.
    """

    def __init__(
        self, members: Mapping[str, Notifier], clock: Clock, warn: Callable[..., None]
    ) -> None:
        self._members = dict(members)
        self._clock = clock
        self._warn = warn
        self._told: dict[str, tuple[str, float]] = {}

    @property
    def names(self) -> list[str]:
        """Who is among them."""
        return [*self._members]

    def consent_needed(self, notice: Notice) -> None:
        self._each(lambda one: one.consent_needed(notice), notice.request_id)

    def turn(self, waiting: Collection[str]) -> None:
        self._each(lambda one: one.turn(waiting))

    def descriptors(self) -> Sequence[int]:
        return [fd for one in self._members.values() for fd in one.descriptors()]

    def close(self) -> None:
        self._each(lambda one: one.close())

    def _each(self, act: Callable[[Notifier], None], request_id: str = "-") -> None:
        for name, member in self._members.items():
            try:
                act(member)
            except RelayError as exc:
                self._failed(name, str(exc), request_id)

    def _failed(self, name: str, error: str, request_id: str) -> None:
        now = self._clock.monotonic()
        text, at = self._told.get(name, ("", float("-inf")))
        if error != text or now - at >= REPEATED_AFTER_S:
            self._told[name] = (error, now)
            self._warn("notice-failed", request_id, by=name, error=error)
