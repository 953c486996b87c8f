"""The console on a terminal: a thin Textual application around :mod:`aexp.airgapped.console`."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import nullcontext
from typing import ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, OptionList

from aexp.airgapped.console.picture import Picture
from aexp.airgapped.console.watching import Console
from aexp.cli.console.deciding import Decisions
from aexp.cli.console.dialogs import Dialog, HelpScreen
from aexp.cli.console.panes import Choice, Fields, Lines, Scroll, alert_lines
from aexp.cli.console.words import Words, headline
from aexp.domain.decisions import Waiting
from aexp.domain.errors import AexpError

T = TypeVar("T")
FULL_TAIL = 2
"""Requests that run up to which each has three lines of output; with more of them each has one."""

HELP = """\
WAITING    what needs a person's yes, the oldest first, and what it would do
RUNNING    what runs now, with the end of its output
HISTORY    what is over, the latest first

a          approve: shows all of it, takes the first digits of its digest
r          reject, with a reason
g          grant: this operation may run in this folder for a while unasked
up, down   choose (also k and j)
Tab        go to the next part of the screen, to scroll in it
b          switch the bell off or on
q, Ctrl-C  leave the console; nothing is decided by that

Nothing is approved but what was shown: what changed meanwhile is refused.
What a stranger wrote is shown spelt out, so that it cannot act here."""


def _ended(call: Callable[[], T]) -> Callable[[], T]:
    """Call it now; the result gives what it returned, or raises what it raised."""
    done = Future[T]()
    try:
        done.set_result(call())
    except BaseException as exc:  # noqa: BLE001 (whoever asks for the result gets it)
        done.set_exception(exc)
    return done.result


class ConsoleApp(App[None]):
    """What waits on top, what would be done below it, then what runs and what is over.

    Args:
        home: the path that is shown as ``~``.
        bell: whether something new that waits rings it.
    """

    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (17, "-tall"), (32, "-roomy")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "approve", "Approve"),
        Binding("r", "reject", "Reject"),
        Binding("g", "grant", "Grant"),
        Binding("b", "switch_bell", "Bell", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, console: Console, *, home: str = "", bell: bool = True) -> None:
        # Said from the start: with NO_COLOR all would be drawn in one colour otherwise.
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.animation_level = "none"
        self._console = console
        self._home = home
        self._rings = bell
        self._picture: Picture | None = None
        self._one_at_a_time = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._deciding = False
        self._decisions = Decisions(self, console, self._apart, self._on_the_terminal)

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        yield Lines(id="alerts")
        yield Lines(id="said")
        yield Lines(id="waiting-title", classes="title")
        yield Choice()
        with Scroll(id="preview"):
            yield Lines(id="preview-alert")
            yield Fields(id="preview-fields")
        yield Lines(id="grants")
        yield Lines(id="running-title", classes="title")
        with Scroll(id="running"):
            yield Lines(id="running-lines")
        yield Lines(id="history-title", classes="title")
        with Scroll(id="history"):
            yield Lines(id="history-lines")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(Choice).focus()
        self.run_worker(self._watch())

    async def _watch(self) -> None:
        while True:
            self._wanted.clear()
            await self.look()
            try:
                await asyncio.wait_for(self._wanted.wait(), self._console.pause_s)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Look once and show it."""
        chosen = self.query_one(Choice).chosen if self._picture else None
        picture = await self._apart(lambda: self._console.look(chosen))
        self._ring(picture)
        self._picture = picture
        self._show(picture)
        if isinstance(self.screen, Dialog):
            self.screen.see(picture)

    async def _apart(self, call: Callable[[], T]) -> T:
        """Call it where waiting for a file server holds nothing up, one call at a time."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(call)

    async def _on_the_terminal(self, call: Callable[[], T]) -> T:
        """Call it with the screen put away, so that what it asks is asked on the terminal."""
        async with self._one_at_a_time:
            with nullcontext() if self.is_headless else self.suspend():
                # Textual takes the terminal back only when the block ends without an exception.
                ended = _ended(call)
            return ended()

    def _ring(self, picture: Picture) -> None:
        if self._picture is None or not self._rings:
            return
        known = {one.request_id for one in self._picture.waiting}
        if any(one.request_id not in known for one in picture.waiting):
            self.bell()

    def _show(self, picture: Picture) -> None:
        base = self.screen_stack[0]
        words = Words(max(base.size.width - 2, 20), self._home)

        def put(name: str, lines: list[tuple[str, str]]) -> None:
            base.query_one(f"#{name}", Lines).put(lines)

        put("head", [(headline(picture), "bold")])
        alerts = [*picture.standing.alerts, *([picture.alert] if picture.alert else [])]
        put("alerts", alert_lines(alerts))
        count = len(picture.waiting)
        put("waiting-title", [(f"WAITING FOR YOU ({count})" if count else "NOTHING WAITS", "")])
        rows = {one.request_id: words.waiting(one, picture.at) for one in picture.waiting}
        base.query_one(Choice).put(rows)
        preview = picture.preview
        base.set_class(not rows, "-idle")
        if preview is not None:
            put("preview-alert", alert_lines([preview.alert] if preview.alert else []))
            base.query_one("#preview-fields", Fields).put(preview.lines)
        put("grants", [(words.grant(one), "ansi_yellow") for one in picture.grants])
        tail = 3 if len(picture.running) <= FULL_TAIL else 1
        runs = len(picture.running)
        put("running-title", [(f"RUNNING ({runs})" if runs else "NOTHING RUNS", "")])
        put("running-lines", words.running(picture.running, picture.at, tail))
        put("history-title", [("HISTORY" if picture.history else "NOTHING IS OVER YET", "")])
        put("history-lines", [words.past(one) for one in picture.history])

    def on_resize(self, _: events.Resize) -> None:
        """Lines are made for a width."""
        if self._picture is not None:
            self._show(self._picture)

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another request was chosen: its preview is wanted now."""
        self._wanted.set()

    def action_approve(self) -> None:
        """Show the whole of the chosen request, and let exactly that run."""
        self._decide(self._decisions.approve)

    def action_reject(self) -> None:
        """Refuse the chosen request."""
        self._decide(self._decisions.reject)

    def action_grant(self) -> None:
        """Let the operation of the chosen request run in its folder for a while."""
        self._decide(self._decisions.grant)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(HELP))

    def action_switch_bell(self) -> None:
        """Switch the bell."""
        self._rings = not self._rings
        self._say("The bell rings when something new waits." if self._rings else "The bell is off.")

    def _decide(self, how: Callable[[Waiting], Awaitable[str]]) -> None:
        """Take one decision on the request under the cursor, by its id; never two at once."""
        chosen = self.query_one(Choice).chosen
        waiting = self._picture.waiting if self._picture else ()
        one = next((one for one in waiting if one.request_id == chosen), None)
        if one is None:
            self._say("Nothing waits.")
        elif not self._deciding:
            self._deciding = True
            self._say("")
            self.run_worker(self._carry_out(how, one))

    async def _carry_out(self, how: Callable[[Waiting], Awaitable[str]], one: Waiting) -> None:
        try:
            self._say(await how(one))
        except AexpError as exc:
            self._say(exc.what, exc.hint, wrong=True)
        finally:
            self._deciding = False
            self._wanted.set()

    def _say(self, what: str, hint: str = "", *, wrong: bool = False) -> None:
        lines = [(what, "bold ansi_red" if wrong else "bold")] if what else []
        lines += [(f"  next: {hint}", "")] if hint else []
        self.screen_stack[0].query_one("#said", Lines).put(lines)
