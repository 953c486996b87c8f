"""Actors that take turns: threads of which exactly one runs, in the order of their virtual alarms.

An actor runs until it sleeps; then the actor whose alarm comes first is handed the baton and time jumps
there. The operating system decides nothing, so a seed decides everything.
"""

import heapq
import itertools
import random
import threading
import traceback
from collections.abc import Callable

MOST_TURNS = 400_000
"""Sleeps in one run; more mean that the run does not settle."""


class Over(BaseException):
    """The run has ended; raised in every actor so that its thread ends. Nothing of ours catches it."""


class _Actor:
    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = False
        self.thread: threading.Thread | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class Engine:
    """Virtual time and the baton. The thread that makes the engine is its first actor, the director.

    Args:
        seed: decides all that is random.

    Attributes:
        now: virtual seconds since the beginning.
        random: the dice of the whole run.
        on_defect: told what escaped from an actor.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to repeat a run, not to keep a secret
        self.now = 0.0
        self.on_defect: Callable[[str], None] = lambda text: None
        self._actors: list[_Actor] = []
        self._agenda: list[tuple[float, int, _Actor]] = []
        self._count = itertools.count()
        self._current = _Actor("director")
        self._closing = False

    @property
    def actor(self) -> str:
        """Who has the baton."""
        return self._current.name

    def spawn(self, name: str, body: Callable[[], None], after: float = 0.0) -> None:
        """A new actor, whose first turn comes ``after`` seconds from now."""
        actor = _Actor(name)
        actor.thread = threading.Thread(target=self._live, args=(actor, body), daemon=True)
        self._actors.append(actor)
        heapq.heappush(self._agenda, (self.now + after, next(self._count), actor))
        actor.thread.start()

    def sleep(self, seconds: float) -> None:
        """Let the others have their turns until ``seconds`` have passed."""
        if self._closing:
            raise Over
        me, alarm = self._current, self.now + max(seconds, 0.0)
        turn = next(self._count)
        if turn > MOST_TURNS:
            raise RuntimeError(f"The run does not settle: {MOST_TURNS} turns by {self.now:.0f} s.")
        if not self._agenda or alarm < self._agenda[0][0]:
            self.now = alarm
            return
        heapq.heappush(self._agenda, (alarm, turn, me))
        if self._pass_on() is not me:
            me.gate.acquire()
            if self._closing:
                raise Over

    def close(self) -> None:
        """End every actor, one after the other. To be called by the director."""
        self._closing = True
        for actor in self._actors:
            if not actor.ended:
                self._current = actor
                actor.gate.release()
            if actor.thread is not None:
                actor.thread.join()

    def _pass_on(self) -> _Actor:
        before = self._current
        self.now, _, following = heapq.heappop(self._agenda)
        self._current = following
        if following is not before:
            # From here on the other thread runs: nothing that it changes may be looked at.
            following.gate.release()
        return following

    def _live(self, actor: _Actor, body: Callable[[], None]) -> None:
        actor.gate.acquire()
        try:
            if not self._closing:
                body()
        except Over:
            pass
        except BaseException as exc:  # noqa: BLE001 - whatever escapes is what the run looks for
            told = "".join(traceback.format_exception(exc)[-6:])
            self.on_defect(f"{type(exc).__name__} escaped from {actor.name}:\n{told}")
        actor.ended = True
        if not self._closing:
            self._pass_on()
