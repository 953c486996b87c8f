"""What a decision is taken in: the whole of what is decided on, and a line to type."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from aexp.airgapped.approver import Shown
from aexp.airgapped.console.picture import Picture
from aexp.cli.console.panes import Fields, Line, Lines, Scroll
from aexp.domain.decisions import CONFIRM_CHARS, MAX_REASON_CHARS, Waiting
from aexp.domain.errors import SettingsError
from aexp.domain.grant_offers import GrantOffer
from aexp.domain.grants import span
from aexp.domain.petition import labelled

USUAL_SPAN = "1h"
ESCAPE = Binding("escape", "cancel", "Back")
SCROLLING: list[BindingType] = [
    Binding("up", "scroll(-1)", "Up", show=False, priority=True),
    Binding("down", "scroll(1)", "Down", show=False, priority=True),
    Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
    Binding("pagedown", "page(1)", "Page down", key_display="PgDn", priority=True),
]


class Dialog(ModalScreen[str | None]):
    """Something to read whole and a line to type; gives what was typed, None when it was left.

    Args:
        title: what is asked.
        fields: what is decided on.
        notes: what the person must know of it.
        prompt: what to type.
        judge: from what was typed to why that will not do; empty when it will.
        gone: from a picture to why there is nothing to decide any more; empty while there is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [ESCAPE, *SCROLLING]

    def __init__(
        self,
        title: str,
        fields: list[str],
        notes: list[Line],
        prompt: str,
        judge: Callable[[str], str] = lambda _: "",
        gone: Callable[[Picture], str] = lambda _: "",
        typed: str = "",
        most: int = MAX_REASON_CHARS,
    ) -> None:
        super().__init__()
        self._asked, self._fields, self._notes = title, fields, notes
        self._prompt, self._judge, self._gone = prompt, judge, gone
        self._typed, self._most = typed, most
        self._over = False

    def compose(self) -> ComposeResult:
        yield Static(self._asked, classes="title", markup=False)
        with Scroll(id="whole", can_focus=False):
            yield Fields(id="fields")
        yield Lines(id="notes")
        yield Static(self._prompt, id="prompt", markup=False)
        line = Input(self._typed, max_length=self._most, id="line", compact=True)
        line.cursor_blink = False
        yield line
        yield Lines(id="answer")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#fields", Fields).put(self._fields)
        self.query_one("#notes", Lines).put(self._notes)
        self.query_one("#line", Input).focus()

    def see(self, picture: Picture) -> None:
        """A new picture: what is asked may have lost its object."""
        why = self._gone(picture)
        if why and not self._over:
            self._over = True
            self.query_one("#line", Input).disabled = True
            self._say(f"{why} Nothing was decided; Esc goes back.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        if self._over:
            return
        why = self._judge(event.value)
        if why:
            self.query_one("#line", Input).clear()
            self._say(why)
        else:
            self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Move what is read."""
        self.query_one("#whole", Scroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Move it by what can be seen at once."""
        whole = self.query_one("#whole", Scroll)
        whole.scroll_relative(y=pages * max(whole.size.height - 1, 1), animate=False)

    def _say(self, text: str) -> None:
        self.query_one("#answer", Lines).put([(text, "bold ansi_red")])


def approval(shown: Shown) -> Dialog:
    """Ask for what only who has looked can know: how the digest of what is shown begins."""
    petition = shown.petition

    def gone(picture: Picture) -> str:
        digest = picture.digest_of(petition.request_id)
        if digest is None:
            return "It does not wait any more."
        return "It has changed since it was shown." if digest not in ("", petition.digest) else ""

    return Dialog(
        "Approve this?",
        petition.lines(),
        [(shown.warning, "ansi_yellow")] if shown.warning else [],
        f"To approve, type the first {CONFIRM_CHARS} digits of the digest (its last line):",
        _begins(petition.digest, "nothing was approved"),
        gone,
        most=CONFIRM_CHARS,
    )


def duration(shown: Shown) -> Dialog:
    """Ask for how long an operation shall run in a folder without a question."""

    def judge(typed: str) -> str:
        try:
            span(typed.strip())
        except SettingsError as exc:
            return str(exc)
        return ""

    return Dialog(
        "Grant this operation in this folder?",
        # A grant is for every request of this operation, so the arguments of this one say nothing.
        labelled([("operation", shown.petition.op), ("folder", shown.petition.cwd)]),
        [("What it would allow is shown next; nothing is granted yet.", "")],
        "For how long, such as 30m, 2h or 1d (24 hours at most):",
        judge,
        typed=USUAL_SPAN,
        most=8,
    )


def grant(offer: GrantOffer) -> Dialog:
    """Ask for how the digest of what would be allowed begins."""
    return Dialog(
        "Grant this?",
        offer.lines(),
        [],
        f"To grant, type the first {CONFIRM_CHARS} digits of the digest (its last line):",
        _begins(offer.digest, "nothing was granted"),
        most=CONFIRM_CHARS,
    )


def _begins(digest: str, otherwise: str) -> Callable[[str], str]:
    def judge(typed: str) -> str:
        fits = typed.strip().lower() == digest[:CONFIRM_CHARS]
        return "" if fits else f"That is not how the digest begins; {otherwise}."

    return judge


def rejection(one: Waiting) -> Dialog:
    """Ask why a request is refused."""

    def gone(picture: Picture) -> str:
        waits = picture.digest_of(one.request_id) is not None
        return "" if waits else "It does not wait any more."

    told = [
        ("request", one.request_id),
        ("operation", " ".join([one.op, *one.args])),
        ("folder", one.cwd),
        ("asked by", one.client),
        ("why", one.reason),
    ]
    return Dialog(
        "Reject this?",
        [f"{name:<10} {value}" for name, value in told if value],
        [],
        "What the requester is told; Enter rejects, with or without a reason:",
        gone=gone,
    )


class HelpScreen(ModalScreen[None]):
    """The keys, and how to read the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "app.pop_screen", "Back")
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with Scroll(id="whole"):
            yield Static(self._text, markup=False)
        yield Footer(show_command_palette=False, compact=True)
