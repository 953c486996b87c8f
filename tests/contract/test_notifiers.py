"""The promises of the notifier, kept by every adapter; each is heard in the place where it tells."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.notifier.hook import HookNotifier
from aexp.adapters.notifier.recording import RecordingNotifier
from aexp.adapters.notifier.terminal import TerminalNotifier
from aexp.adapters.notifier.tmux import TmuxNotifier
from aexp.adapters.notifier.together import NotifiersTogether
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.terminal_output import TerminalOutput
from aexp.domain.ways import Ways
from aexp.ports.notifier import Notifier
from tests.told import EVIL, ONE, TWO, Screen, Tmux, let_go_on, needs_tmux, notice, until
from tests.world import executable


@dataclass
class Told:
    """A notifier, and what people have been told by it.

    Attributes:
        text: all that was told so far.
        at_once: whether it tells without waiting for a turn.
    """

    notifier: Notifier
    text: Callable[[], str]
    clock: ManualClock
    at_once: bool = False

    def hears(self, word: str) -> None:
        """A screen may show it a moment later."""
        until(f"{word} is told", lambda: word in self.text())


def by_memory(folder: Path, stack: ExitStack) -> Told:
    made = RecordingNotifier()
    return Told(made, lambda: "\n".join(one.op for one in made.told), ManualClock())


def by_log(folder: Path, stack: ExitStack) -> Told:
    clock = ManualClock()
    storage = MemoryStorage(clock)

    def text() -> str:
        return storage.read("consent.log").decode() if "consent.log" in storage.list("") else ""

    return Told(ConsentLogNotifier(storage, clock), text, clock, at_once=True)


def on_terminal(*ways: str) -> Callable[[Path, ExitStack], Told]:
    def make(folder: Path, stack: ExitStack) -> Told:
        clock, screen = ManualClock(), Screen()
        stack.callback(screen.close)
        output = TerminalOutput(screen.slave)
        stack.callback(output.close)
        made = TerminalNotifier(output, {"TERM": "xterm"}, Ways(frozenset(ways)), clock)
        return Told(made, lambda: screen.seen().decode(), clock, at_once="line" in ways)

    return make


def by_tmux(folder: Path, stack: ExitStack) -> Told:
    clock, tmux = ManualClock(), Tmux(folder)
    stack.callback(tmux.close)
    made = TmuxNotifier(tmux.program, ["-S", tmux.socket], tmux.env, clock)
    return Told(made, lambda: tmux.screen.seen().decode(errors="replace"), clock)


def by_hook(folder: Path, stack: ExitStack) -> Told:
    clock, heard = ManualClock(), folder / "heard"
    hook = executable(folder / "tell", f'#!/bin/sh\necho "$AEXP_TEXT" >> {heard}\n')
    made = HookNotifier([str(hook)], {"PATH": "/usr/bin:/bin"}, clock)
    return Told(made, lambda: heard.read_text() if heard.exists() else "", clock)


def by_several(folder: Path, stack: ExitStack) -> Told:
    first, second = by_hook(folder, stack), on_terminal("osc")(folder, stack)
    second.clock.tick = lambda: first.clock.advance(3)
    warned: list[object] = []
    members = {"hook": first.notifier, "terminal": second.notifier}
    together = NotifiersTogether(members, second.clock, lambda *told, **_: warned.append(told))
    stack.callback(lambda: pytest.fail(f"{warned}") if warned else None)
    return Told(together, lambda: first.text() + second.text(), second.clock)


MAKERS = {
    "recording": by_memory,
    "log": by_log,
    "line": on_terminal("line"),
    "osc": on_terminal("osc", "bell"),
    "tmux": by_tmux,
    "hook": by_hook,
    "together": by_several,
}


@pytest.fixture(
    params=[pytest.param(name, marks=needs_tmux if name == "tmux" else ()) for name in MAKERS]
)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    with ExitStack() as stack:
        made = MAKERS[request.param](tmp_path, stack)
        yield made
        made.notifier.close()


def test_nothing_is_told_while_nothing_begins_to_wait(told: Told) -> None:
    let_go_on(told.notifier, ())
    let_go_on(told.notifier, {ONE})
    assert "first_op" not in told.text()


def test_what_begins_to_wait_is_told_with_its_operation(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, "first_op"))
    let_go_on(told.notifier, {ONE})
    told.hears("first_op")


def test_it_is_told_once(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, "first_op"))
    let_go_on(told.notifier, {ONE})
    told.hears("first_op")
    before = told.text().count("first_op")
    told.clock.advance(60)
    let_go_on(told.notifier, {ONE})
    assert told.text().count("first_op") == before


def test_what_comes_soon_after_is_told_a_little_later(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, "first_op"))
    let_go_on(told.notifier, {ONE})
    told.notifier.consent_needed(notice(TWO, "second_op"))
    let_go_on(told.notifier, {ONE, TWO})
    told.clock.advance(3)
    let_go_on(told.notifier, {ONE, TWO})
    told.hears("second_op")


def test_what_waits_no_longer_is_not_told(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, "first_op"))
    let_go_on(told.notifier, ())
    told.clock.advance(60)
    let_go_on(told.notifier, ())
    assert ("first_op" in told.text()) == told.at_once


def test_a_hundred_at_once_are_taken(told: Told) -> None:
    ids = [f"{number:032x}" for number in range(100)]
    for one in ids:
        told.notifier.consent_needed(notice(one, "many_op"))
    let_go_on(told.notifier, ids)
    told.hears("many_op")


def test_nothing_that_a_requester_wrote_acts_on_a_terminal(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, f"evil_op{EVIL}", f"/home/{EVIL}"))
    let_go_on(told.notifier, {ONE})
    told.hears("evil_op")
    assert not any(
        bad in told.text() for bad in ("\x1b]0;evil", "\x1b[2Jevil", "\u202e", "evil\r\n")
    )


def test_closing_may_be_repeated_and_it_tells_again_afterwards(told: Told) -> None:
    told.notifier.consent_needed(notice(ONE, "first_op"))
    told.notifier.turn({ONE})
    told.notifier.close()
    told.notifier.close()
    assert not told.notifier.descriptors()
    told.clock.advance(60)
    told.notifier.consent_needed(notice(TWO, "second_op"))
    let_go_on(told.notifier, {TWO})
    told.hears("second_op")
