"""Telling in tmux: a message to everyone who looks, and a count for the status line.

The message names a request, so nothing in it may mean anything to tmux: ``#(...)`` in a message would run a
command. :func:`~aexp.domain.notices.plain` leaves no such mark.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from aexp.adapters.notifier.errand import Ended, Errand
from aexp.adapters.notifier.gathering import Gathering
from aexp.domain.errors import RelayNoticeError
from aexp.domain.notices import Notice, headline
from aexp.domain.serving import NAME, pending_option
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier

SHOWN_MS = 10_000
LIMIT_S = 5.0
_LIST = ("list-clients", "-F", "#{version} #{client_name}")
_CLIENT = re.compile(r"(?:[a-z-]*(\d+)\.(\d+)\S* |\S* )?(\S+)")
_WITH_DELAY = (3, 2)
"""The first tmux whose messages can be given a duration."""


class TmuxNotifier(Notifier):
    """Runs tmux, one command at a time.

    Args:
        program: tmux; None where there is none that may be run.
        server: how it finds its server, such as ``-S /tmp/tmux-1000/default``.
        env: all that it finds in its environment.
        option: the one of its options that has the count.
    """

    def __init__(
        self,
        program: str | None,
        server: Sequence[str],
        env: Mapping[str, str],
        clock: Clock,
        option: str = pending_option(NAME),
    ) -> None:
        self._program = program
        self._server = server
        self._env = env
        self._option = option
        self._errand = Errand(clock, LIMIT_S)
        self._gathering = Gathering(clock)
        self._shown: int | None = None
        self._text = ""

    def consent_needed(self, notice: Notice) -> None:
        if self._program is None:
            raise RelayNoticeError(
                "tmux cannot tell anybody: there is none on this node outside the home.",
                "Switch it off with `--notify no-tmux`, or have it installed.",
            )
        self._gathering.add(notice)

    def turn(self, waiting: Collection[str]) -> None:
        ended = self._errand.turn()
        if ended is not None:
            self._go_on(ended)
        if self._errand.busy or self._program is None:
            return
        fresh = self._gathering.due(waiting)
        if fresh:
            self._text = headline(fresh, len(waiting))
        if fresh or len(waiting) != self._shown:
            self._shown = len(waiting)
            self._begin([*self._count(self._shown), *([";", *_LIST] if self._text else [])])

    def descriptors(self) -> Sequence[int]:
        return self._errand.descriptors()

    def close(self) -> None:
        # What failed is not told any more: a server that is gone shows nothing, and one that hangs is told
        # the truth by the next daemon.
        self._errand.finish(1.0)
        self._text = ""
        if self._shown:
            self._begin(self._count(0))
            self._errand.finish(1.0)
        self._shown = None

    def _go_on(self, ended: Ended) -> None:
        text, self._text = self._text, ""
        if ended.status != 0:
            said = visible(ended.output, limit=200) or f"it ended with {ended.status}"
            raise RelayNoticeError(
                f"tmux could not tell anybody: {said}.",
                "Is its server still there? `--notify no-tmux` switches this off.",
            )
        message = _message(ended.output, text) if text else []
        if message:
            self._begin(message)

    def _count(self, waiting: int) -> list[str]:
        # An empty value rather than none: unsetting what was never set is an error in some versions.
        return ["set-option", "-g", self._option, str(waiting or "")]

    def _begin(self, command: Sequence[str]) -> None:
        if self._program is not None:
            self._errand.begin([self._program, *self._server, *command], self._env)


def _message(clients: str, text: str) -> list[str]:
    """The command that shows the text to each client of a list."""
    command: list[str] = []
    for line in clients.splitlines():
        match = _CLIENT.fullmatch(line)
        if match is None:
            continue
        version = (int(match[1]), int(match[2])) if match[1] else (0, 0)
        shown = ("-d", str(SHOWN_MS)) if version >= _WITH_DELAY else ()
        command += [*([";"] if command else []), "display-message", "-c", match[3], *shown, text]
    return command
