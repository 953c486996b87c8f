"""A line of progress as a bar, drawn by rich. Imported for the first percentage: rich takes 45 ms."""

import io
import os

from rich.console import Console
from rich.progress_bar import ProgressBar

from aexp.domain.percentages import Percentage

WIDTH = 30
LEAST = 8


def bar(found: Percentage, room: int, encoding: str) -> tuple[str, str]:
    """The line that shows it, without colours and with them; no longer than ``room`` characters.

    The bar gets shorter, and the details go, before the title and the percentage do.

    Args:
        encoding: the terminal's, which may not have the characters of the bar.
    """
    head, tail = f"{found.title} ", f" {found.done:4.0%}"
    details = f" {found.rest}"
    width = min(WIDTH, room - len(head) - len(tail) - len(details))
    if width < LEAST:
        details = ""
        width = min(WIDTH, room - len(head) - len(tail))
    if width < LEAST:
        plain = f"{found.title}{tail}"
        return plain, plain
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    # Without colours the rest of the bar is nothing at all.
    plain = _drawn(found.done, width, file, colours=False).ljust(width)
    wanted = not os.environ.get("NO_COLOR")
    styled = _drawn(found.done, width, file, colours=True) if wanted else plain
    after = f"{tail}{details}"
    return f"{head}{plain}{after}", f"{head}{styled}{after}"


def _drawn(done: float, width: int, file: io.TextIOWrapper, *, colours: bool) -> str:
    console = Console(
        file=file,
        width=width,
        force_terminal=True,
        legacy_windows=False,
        no_color=not colours,
        color_system="auto" if colours else None,
    )
    with console.capture() as capture:
        console.print(ProgressBar(total=1.0, completed=done, width=width), end="")
    return capture.get()
