"""The parts of the console's screen. All take text as it is: markup in it means nothing."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from aexp.airgapped.console.picture import Alert

Line = tuple[str, str]
"""Text, and the style of it."""
_FIELD_CHARS = 11


class Lines(Static):
    """Lines of text, drawn anew only when they change."""

    def __init__(self, *, id: str, classes: str = "") -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self._lines: tuple[Line, ...] = ()
        self.add_class("-empty")

    def put(self, lines: Sequence[Line]) -> None:
        """Show these lines, or nothing at all when there are none."""
        if tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        self.set_class(not lines, "-empty")
        self.update(Content("\n").join([Content.styled(text, style) for text, style in lines]))

    @property
    def text(self) -> str:
        """What it shows."""
        return "\n".join(text for text, _ in self._lines)


class Fields(Static):
    """A petition: a name and a value a line; what wraps stays in the column of the values."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._lines: tuple[str, ...] = ()

    def put(self, lines: Sequence[str]) -> None:
        """Show these lines of a petition."""
        if tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        table = Table.grid(padding=0)
        table.add_column(width=_FIELD_CHARS, no_wrap=True)
        table.add_column(overflow="fold", ratio=1)
        table.expand = True
        for line in lines:
            name, value = line[:_FIELD_CHARS], line[_FIELD_CHARS:]
            table.add_row(Text(name, style="bold"), Text(value))
        self.update(table)

    @property
    def text(self) -> str:
        """What it shows."""
        return "\n".join(self._lines)


class Scroll(VerticalScroll):
    """A part that can be longer than its room: Tab goes there, the arrow keys move it."""


class Choice(OptionList):
    """What waits, one of it chosen: by its id, whatever becomes of the order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="waiting", markup=False, compact=True)
        self._rows: dict[str, str] = {}

    @property
    def chosen(self) -> str | None:
        """The id of the request under the cursor."""
        option = self.highlighted_option
        return None if option is None else option.id

    def put(self, rows: dict[str, str]) -> None:
        """Show these requests, id to text, in this order; the cursor stays on its request."""
        if rows == self._rows:
            return
        chosen, same = self.chosen, [*rows] == [*self._rows]
        changed = [known for known, text in rows.items() if text != self._rows.get(known)]
        self._rows = dict(rows)
        if same:
            for request_id in changed:
                self.replace_option_prompt(request_id, Content(rows[request_id]))
            return
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(Content(text), id=known) for known, text in rows.items()])
            if rows:
                self.highlighted = [*rows].index(chosen) if chosen in rows else 0


def alert_lines(alerts: Sequence[Alert]) -> list[Line]:
    """What is wrong, each with what to do."""
    lines: list[Line] = []
    for alert in alerts:
        lines.append((alert.what, "bold ansi_red"))
        if alert.next:
            lines.append((f"  next: {alert.next}", "bold"))
    return lines
