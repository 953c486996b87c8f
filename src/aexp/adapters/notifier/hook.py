"""Telling by a command of the login node's owner, who knows best how they want to be reached.

At most one runs, and one begins every two seconds at most: what begins to wait meanwhile is told by the next,
with the latest request's facts and their number. So a flood of a hundred requests starts two processes.
"""

import os
import shlex
from collections.abc import Collection, Mapping, Sequence

from aexp.adapters.notifier.errand import Ended, Errand
from aexp.adapters.notifier.gathering import Gathering
from aexp.domain.errors import RelayNoticeError, SettingsError
from aexp.domain.notices import Notice, headline
from aexp.domain.text import visible
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier

LIMIT_S = 10.0
CLOSE_AFTER_S = 2.0
_SETTING = "The setting relay.notify_hook (AEXP_RELAY_NOTIFY_HOOK)"


class HookNotifier(Notifier):
    """Runs the command with the facts in its environment.

    Args:
        argv: see :func:`hook_command`.
        env: what it finds there beside the facts.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], clock: Clock) -> None:
        self._argv = argv
        self._env = env
        self._errand = Errand(clock, LIMIT_S)
        self._gathering = Gathering(clock)

    def consent_needed(self, notice: Notice) -> None:
        self._gathering.add(notice)

    def turn(self, waiting: Collection[str]) -> None:
        ended = self._errand.turn()
        if ended is not None and ended.status != 0:
            # What has gathered meanwhile is told in the next turn.
            raise self._failure(ended)
        if self._errand.busy:
            return
        fresh = self._gathering.due(waiting)
        if fresh:
            self._errand.begin(self._argv, {**self._env, **facts(fresh, len(waiting))})

    def descriptors(self) -> Sequence[int]:
        return self._errand.descriptors()

    def close(self) -> None:
        ended = self._errand.finish(CLOSE_AFTER_S)
        if ended is not None and ended.status != 0:
            raise self._failure(ended)

    def _failure(self, ended: Ended) -> RelayNoticeError:
        how = f"was ended after {LIMIT_S:.0f} s" if ended.late else f"ended with {ended.status}"
        said = f": {visible(ended.output, limit=200)}" if ended.output else ""
        return RelayNoticeError(
            f"The notify hook {visible(self._argv[0])} {how}{said}.",
            "Run it by hand, with AEXP_REQUEST_ID and its like set.",
        )


def facts(fresh: Sequence[Notice], waiting: int) -> dict[str, str]:
    """What the hook finds in its environment: the latest request, and how many there are."""
    last = fresh[-1]
    return {
        "AEXP_REQUEST_ID": last.request_id,
        "AEXP_OP": last.op,
        "AEXP_ARGS": last.args,
        "AEXP_CWD": last.cwd,
        "AEXP_CLIENT": last.client,
        "AEXP_REASON": last.reason,
        "AEXP_DIGEST": last.digest,
        "AEXP_QUEUE": last.queue,
        "AEXP_PENDING": str(waiting),
        "AEXP_NEW": str(len(fresh)),
        "AEXP_APPROVE": last.command("approve", last.request_id),
        "AEXP_REJECT": last.command("reject", last.request_id),
        "AEXP_TEXT": headline(fresh, waiting),
    }


def hook_command(text: str, queue: str | None) -> list[str]:
    """The words of the owner's command: as a shell splits them, ``~/`` put in, and nothing else done to them.

    Args:
        queue: the queue's folder, where every requester writes.

    Raises:
        SettingsError: it is no command, or a part of it lies in the queue.
    """
    try:
        words = [_at_home(word) for word in shlex.split(text)]
    except ValueError as exc:
        raise SettingsError(f"{_SETTING} cannot be split: {exc}.", "Close its quotes.") from exc
    if not words or not os.path.isabs(words[0]):
        raise SettingsError(
            f"{_SETTING} does not begin with an absolute path: {visible(text)!r}.",
            "Write the program's whole path, such as /usr/local/bin/tell, or ~/bin/tell.",
        )
    if not os.path.isfile(words[0]) or not os.access(words[0], os.X_OK):
        raise SettingsError(
            f"{_SETTING} names {visible(words[0])}, which is no program that can be run.",
            "Check the path for a typing error, and its mode (chmod +x).",
        )
    for word in words:
        if queue is not None and os.path.isabs(word) and _lies_in(word, queue):
            raise SettingsError(
                f"{_SETTING} names {visible(word)}, which lies in the queue, where requesters write.",
                "Keep it where only you can write: best on a disk of the login node.",
            )
    return words


def _at_home(word: str) -> str:
    return os.path.expanduser(word) if word.startswith("~/") else word


def _lies_in(path: str, folder: str) -> bool:
    home = os.path.realpath(folder)
    places = (os.path.normpath(path), os.path.realpath(path))
    return any(
        place == root or place.startswith(f"{root}/") for place in places for root in (folder, home)
    )
