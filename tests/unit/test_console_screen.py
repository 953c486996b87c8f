"""The console's screen, driven by keys: Textual's pilot presses them, nothing waits for real time."""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from aexp.airgapped.console.watching import Console
from aexp.cli.console.app import ConsoleApp
from aexp.cli.console.dialogs import Dialog
from aexp.cli.console.panes import Choice, Fields, Lines
from aexp.cli.console.words import Words, coarse_age
from aexp.domain.decisions import Waiting
from tests.unit.test_approval import EVIL, ONE, TWO, petition
from tests.unit.test_console import Desk

THREE = "0a" * 16
MARKUP = "[red]x[/red] [@click=app.quit]y[/] [link=x]"


class Screen:
    """A console on a screen of a size, with a pilot."""

    def __init__(self, desk: Desk, app: ConsoleApp, pilot: Pilot[None]) -> None:
        self.desk, self.app, self.pilot = desk, app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is being decided apart from the screen, and what came of it is shown."""
        for _ in range(5):
            await self.app._apart(lambda: None)
            await self.pilot.pause()

    async def look(self, seconds: float = 1.0) -> None:
        self.desk.clock.advance(seconds)
        await self.app.look()
        await self.pilot.pause()

    def text(self, name: str) -> str:
        return self.app.screen_stack[0].query_one(f"#{name}", Lines).text

    @property
    def chosen(self) -> str | None:
        return self.app.screen_stack[0].query_one(Choice).chosen

    @property
    def dialog(self) -> Dialog:
        assert isinstance(self.app.screen, Dialog)
        return self.app.screen

    @property
    def answer(self) -> str:
        return self.dialog.query_one("#answer", Lines).text

    def drawn(self) -> str:
        """What the terminal would show."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def on_screen(
    desk: Desk,
    script: Callable[[Screen], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    **options: Any,
) -> None:
    """Run the script against a console; its own looks never come in between."""

    async def run() -> None:
        app = ConsoleApp(desk.console, home="/home/ada", **options)
        async with app.run_test(size=size) as pilot:
            screen = Screen(desk, app, pilot)
            await screen.settle()
            await script(screen)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _no_looks_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "pause_s", 3600.0)


@pytest.fixture
def desk() -> Desk:
    made = Desk(petition(cwd="/home/ada/x"), petition(TWO, inventory=("run-1: 3 files",)))
    made.beats("login")
    return made


def test_what_waits_is_on_top_with_its_preview_then_what_runs_and_what_is_over(desk: Desk) -> None:
    desk.runs(THREE)
    desk.prints(THREE, "$ git push\nwriting 10%\rwriting 40%\r")
    desk.notes("received", THREE, op="git_pull", cwd="/home/ada/y")
    desk.notes("done", THREE, op="git_pull", state="completed", returncode=0)

    async def script(screen: Screen) -> None:
        drawn = screen.drawn()
        places = [
            drawn.index(text)
            for text in ("up on login1", "WAITING FOR YOU (2)", ONE[:8], TWO[:8], "digest ", "RUNNING (1)",
                         "git_push origin x", "| writing 40%", "HISTORY", "git_pull", "a Approve", "g Grant")
        ]  # fmt: skip
        assert places == sorted(places)
        assert "~/x" in drawn
        await screen.press("down")
        assert screen.chosen == TWO
        assert "run-1: 3 files" in screen.drawn()

    on_screen(desk, script)


def test_approving_takes_the_digits_of_what_is_shown_and_nothing_else(desk: Desk) -> None:
    digits = petition(cwd="/home/ada/x").digest[:4]

    async def script(screen: Screen) -> None:
        await screen.press("a")
        assert petition(cwd="/home/ada/x").digest in screen.drawn()
        for wrong in ("", "y", "0000" if digits != "0000" else "1111"):
            await screen.press(*wrong, "enter")
            assert "nothing was approved" in screen.answer
        assert desk.line.said == []
        await screen.press(*digits, "enter")
        assert desk.line.said == [("approve", ONE)]
        assert screen.text("said").startswith(f"Approved {ONE[:8]}: wandb_sync")

    on_screen(desk, script)


def test_keys_typed_ahead_approve_nothing(desk: Desk) -> None:
    async def script(screen: Screen) -> None:
        await screen.pilot.press("a", "a", "enter", "y", "enter", "a", "enter", "enter")
        await screen.settle()
        assert desk.line.said == []
        await screen.press("escape")
        assert screen.text("said") == "Nothing was approved."

    on_screen(desk, script)


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_what_changes_or_goes_away_while_it_is_shown_is_not_approved(
    desk: Desk, change: str
) -> None:
    digits = petition(cwd="/home/ada/x").digest[:4]

    async def script(screen: Screen) -> None:
        await screen.press("a")
        del desk.line.petitions[ONE]
        if change == "changed":
            desk.line.petitions[ONE] = petition(cwd="/home/ada/other")
        await screen.look()
        told = "It has changed" if change == "changed" else "It does not wait any more"
        assert told in screen.answer
        assert screen.dialog.query_one("#line", Input).disabled
        await screen.press(*digits, "enter")
        assert desk.line.said == []
        await screen.press("escape")
        assert desk.line.said == []

    on_screen(desk, script)


def test_a_change_in_the_last_moment_is_refused_by_the_daemon(desk: Desk) -> None:
    async def script(screen: Screen) -> None:
        await screen.press("a")
        desk.line.petitions[ONE] = petition(cwd="/home/ada/other")
        await screen.press(*petition(cwd="/home/ada/x").digest[:4], "enter")
        assert desk.line.said == []
        assert "is not what waits" in screen.text("said")

    on_screen(desk, script)


def test_the_choice_follows_its_request_when_the_order_changes(desk: Desk) -> None:
    async def script(screen: Screen) -> None:
        await screen.press("down")
        desk.line.petitions = {THREE: petition(THREE), **desk.line.petitions}
        await screen.look()
        assert next(iter(screen.app.query_one(Choice)._rows)) == THREE
        assert screen.chosen == TWO
        await screen.press("r")
        assert TWO in screen.drawn()
        await screen.press(*"no", "enter")
        assert desk.line.said == [("reject", TWO, "no")]

    on_screen(desk, script)


def test_a_rejection_takes_a_reason_and_can_be_left(desk: Desk) -> None:
    async def script(screen: Screen) -> None:
        await screen.press("r", *"not now", "escape")
        assert desk.line.said == []
        await screen.press("r", *"[b]no[/b]", "enter")
        assert desk.line.said == [("reject", ONE, "[b]no[/b]")]
        assert screen.text("said").startswith(f"Rejected {ONE[:8]}")

    on_screen(desk, script)


def test_a_grant_takes_a_time_then_the_digits_of_what_it_would_allow(desk: Desk) -> None:
    granted: list[str] = []
    give = desk.line.grant
    desk.line.grant = lambda digest, *, keep: (granted.append(digest), give(digest, keep=keep))[1]  # type: ignore[method-assign]

    async def script(screen: Screen) -> None:
        await screen.press("g")
        await screen.press("enter", "escape")
        assert screen.text("said") == "Nothing was granted."
        await screen.press("g", *"5 weeks", "enter")
        assert "is no span of time" in screen.answer
        await screen.press(*"2d", "enter")
        assert "24 hours" in screen.answer
        await screen.press(*"30m", "enter")
        drawn = screen.drawn()
        assert "every wandb_sync of this folder" in drawn
        assert "(30 min)" in drawn
        await screen.press(*"nope", "enter")
        assert "nothing was granted" in screen.answer
        assert desk.line.grants() == []
        digest = re.findall(r"digest +([0-9a-f]{64})", screen.drawn())[-1]
        await screen.press(*digest[:4], "enter")
        (given,) = desk.line.grants()
        assert granted == [digest]
        assert given.ends_in_s == 30 * 60
        assert screen.text("said").startswith(f"Granted {given.short}: wandb_sync in /home/ada/x")
        assert f"granted {given.short} until" in screen.text("grants")

    on_screen(desk, script)


def test_the_time_is_asked_for_the_operation_without_the_arguments_of_one_request() -> None:
    async def script(screen: Screen) -> None:
        await screen.press("g")
        drawn = screen.drawn()
        assert "operation  wandb_sync" in drawn
        assert "wandb/run-7" not in drawn

    on_screen(Desk(replace(petition(), args=("wandb/run-7",))), script)


def test_a_long_petition_is_scrolled_to_its_digest() -> None:
    long = petition(inventory=tuple(f"run-{number}" for number in range(60)))
    desk = Desk(long)
    desk.beats("login")

    async def script(screen: Screen) -> None:
        await screen.press("a")
        assert long.digest not in screen.drawn()
        await screen.press(*["pagedown"] * 9)
        assert long.digest in screen.drawn()
        await screen.press("up")
        assert long.digest[:4] + "x" not in screen.drawn()
        await screen.press(*long.digest[:4], "enter")
        assert desk.line.said == [("approve", ONE)]

    on_screen(desk, script)


def test_on_another_node_it_says_where_to_go_and_approves_nothing() -> None:
    desk = Desk(host="gpu7")
    desk.beats("login", "login2")
    desk.waits(petition(inventory=("run-1",)), "login")

    async def script(screen: Screen) -> None:
        assert "Approvals count only on login2" in screen.text("alerts")
        assert "next: ssh -t login2 aexp relay console" in screen.text("alerts")
        assert "run-1" in screen.drawn()
        await screen.press("a")
        assert not isinstance(screen.app.screen, Dialog)
        assert "next: Its beat says where" in screen.text("said")

    on_screen(desk, script)


def test_where_approvals_are_signed_what_was_shown_is_signed() -> None:
    desk = Desk(host="laptop")
    desk.beats("signed")
    one = petition(inventory=("run-1",))
    desk.waits(one, "signed")

    async def script(screen: Screen) -> None:
        await screen.press("a")
        assert "Your signature counts for exactly what is shown" in screen.drawn()
        await screen.press(*one.digest[:4], "enter")
        assert desk.approved() == {ONE: f"signed {one.digest}\n".encode()}
        assert screen.text("said").startswith(f"Signed for {ONE[:8]}")
        await screen.press("g", "enter")
        assert "No grants are given here" in screen.text("said")

    on_screen(desk, script)


def test_without_a_daemon_and_without_anything_that_waits_it_says_so() -> None:
    desk = Desk()

    async def script(screen: Screen) -> None:
        assert "No daemon serves this queue" in screen.text("alerts")
        assert "NOTHING WAITS" in screen.drawn()
        await screen.press("a", "r")
        assert screen.text("said") == "Nothing waits."

    on_screen(desk, script)


def test_the_bell_rings_for_what_is_new_and_can_be_switched_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(ConsoleApp, "bell", lambda _: rung.append(1))

    async def script(screen: Screen) -> None:
        await screen.look()
        assert rung == []
        desk.line.petitions[THREE] = petition(THREE)
        await screen.look()
        await screen.look()
        assert rung == [1]
        await screen.press("b")
        assert screen.text("said") == "The bell is off."
        desk.line.petitions["0b" * 16] = petition("0b" * 16)
        await screen.look()
        assert rung == [1]

    on_screen(desk, script)
    desk.line.petitions.pop(THREE)

    async def silent(screen: Screen) -> None:
        desk.line.petitions[THREE] = petition(THREE)
        await screen.look()
        assert rung == [1]

    on_screen(desk, silent, bell=False)


def hostile_desk() -> Desk:
    text = MARKUP + EVIL
    one = petition(
        op=text, args=(text,), cwd=text, client=text, reason=text, inventory=(text,), destinations=(text,)
    )  # fmt: skip
    desk = Desk(one)
    desk.beats("login", text)
    desk.runs(TWO, op=text, args=[text], cwd=text, client=text)
    desk.prints(TWO, f"{text}\n".encode("utf-8", "surrogateescape"))
    desk.notes("done", TWO, op=MARKUP, args=MARKUP, cwd=MARKUP, state="crashed", error=MARKUP)
    return desk


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 30), (30, 8)])
def test_markup_and_controls_in_what_a_stranger_wrote_mean_nothing(size: tuple[int, int]) -> None:
    async def script(screen: Screen) -> None:
        seen = screen.drawn()
        for key, least in (("a", 7), ("r", 4)):
            await screen.press(key)
            assert isinstance(screen.app.screen, Dialog)
            asked = screen.drawn()
            assert size[0] < 200 or asked.count("[red]x[/red] [@click=app.quit]y[/]") >= least
            seen += asked
            await screen.press("escape")
        assert all(char.isprintable() or char == "\n" for char in seen)
        if size[0] == 200:
            assert seen.count("[red]x[/red] [@click=app.quit]y[/]") >= 7
            assert "wandb" not in seen
        assert screen.app.is_running

    on_screen(hostile_desk(), script, size)


def test_nothing_is_drawn_anew_when_nothing_has_changed(desk: Desk) -> None:
    drawn: list[str] = []

    async def script(screen: Screen) -> None:
        for part in (
            *screen.app.query(Lines),
            *screen.app.query(Fields),
            screen.app.query_one(Choice),
        ):
            part.refresh = lambda *_, part=part, **__: drawn.append(str(part.id)) or part  # type: ignore[method-assign,misc]
        for _ in range(20):
            desk.beats("login")
            await screen.look()
        assert drawn == []
        desk.runs(THREE)
        await screen.look()
        assert set(drawn) == {"running-title", "running-lines"}

    on_screen(desk, script)


@pytest.mark.parametrize("size", [(40, 20), (40, 10), (80, 12), (200, 50)])
def test_a_small_pane_still_shows_what_waits(desk: Desk, size: tuple[int, int]) -> None:
    async def script(screen: Screen) -> None:
        drawn = screen.drawn()
        assert ONE[:8] in drawn
        assert "WAITING FOR YOU (2)" in drawn
        assert "a Approve" in drawn
        assert max(map(len, drawn.splitlines())) <= size[0]
        await screen.pilot.resize_terminal(80, 24)
        await screen.settle()
        assert TWO[:8] in screen.drawn()

    on_screen(desk, script, size)


def test_help_tells_the_keys_and_q_leaves(desk: Desk) -> None:
    async def script(screen: Screen) -> None:
        await screen.press("question_mark")
        assert "Nothing is approved but what was shown" in screen.drawn()
        await screen.press("escape", "q")
        assert not screen.app.is_running

    on_screen(desk, script)


def test_a_file_server_that_hangs_does_not_hold_up_the_screen(desk: Desk) -> None:
    gate = threading.Event()

    async def script(screen: Screen) -> None:
        look = desk.console.look
        desk.console.look = lambda chosen=None: (gate.wait(), look(chosen))[1]  # type: ignore[method-assign]
        looking = asyncio.create_task(screen.app.look())
        await screen.pilot.press("question_mark")
        await screen.pilot.pause()
        assert "Nothing is approved but what was shown" in screen.drawn()
        assert not looking.done()
        gate.set()
        await looking

    on_screen(desk, script)


def test_ages_change_once_a_minute_and_folders_keep_their_end() -> None:
    assert [coarse_age(0.0, now) for now in (0, 59, 60, 119, 300, 7200)] == [
        "<1 min", "<1 min", "1 min", "1 min", "5 min", "2 h",
    ]  # fmt: skip
    assert coarse_age(None, 5.0) == "?"
    one = Waiting(
        ONE, "wandb_sync", (), "/home/ada/" + "x" * 80 + "/end", "gpu7-19c29fcf-1-2-abcdef01", 0.0
    )
    for width in (30, 40, 80, 120):
        lines = Words(width, "/home/ada").waiting(one, 0.0).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[-1].endswith("/end")
        assert len(lines) == (2 if width < 66 else 1)
    assert "gpu7 " in Words(80, "/home/ada").waiting(one, 0.0)
