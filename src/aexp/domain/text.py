"""Showing text that a stranger wrote: nothing in it may act on the reader's terminal."""

import time

_KEEP = frozenset("\n\t")


def visible(
    text: str,
    *,
    limit: int = 200,
    keep: frozenset[str] = frozenset(),
    ascii_only: bool = False,
) -> str:
    r"""The text with every control, escape, bidi and unpaired surrogate character spelt out.

    Args:
        text: what a request, a file name or a command said.
        limit: characters kept before the spelling out; the rest becomes an ellipsis.
        keep: characters that stay as they are although they are not printable.
        ascii_only: spell out every character beyond ASCII too, for what a person approves: letters of
            other alphabets can look like Latin ones.

    >>> visible("a\x1b[2K\nb")
    'a\\x1b[2K\\nb'
    """
    cut = len(text) > limit
    shown = text[: limit - 1] if cut else text
    if not cut and _plain(shown, ascii_only=ascii_only):
        return shown
    spelt = "".join(
        char if _plain(char, ascii_only=ascii_only) or char in keep else _spell(char)
        for char in shown
    )
    return spelt + ("..." if ascii_only else "…") if cut else spelt


def visible_lines(text: str, *, limit: int = 1 << 24) -> str:
    """Like :func:`visible`, for text of several lines: line ends and tabs stay.

    A bare carriage return, with which programs write over their own progress, becomes a line end.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return visible(lines, limit=limit, keep=_KEEP)


def middle_cut(text: str, most: int, source: str) -> tuple[str, bool]:
    """Head and tail of a text of at most ``most`` characters, and whether something is left out between.

    Args:
        source: what has the whole text, for the line that says what is left out.
    """
    if len(text) <= most:
        return text, False
    head = most // 3
    tail = most - head
    gap = f"\n[... {len(text) - most} characters left out here; {source} has them ...]\n"
    return text[:head] + gap + text[-tail:], True


def _plain(text: str, *, ascii_only: bool) -> bool:
    return text.isprintable() and (text.isascii() or not ascii_only)


def _spell(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def capital(text: str) -> str:
    """The same as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def age(seconds: float) -> str:
    """A duration as people say it: ``40 ms``, ``0.4 s``, ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds < 0.1:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (120.0, "min")):
        if seconds >= size:
            return f"{seconds / (60.0 if unit == 'min' else size):.0f} {unit}"
    return f"{seconds:.0f} s"


def local_time(seconds: float) -> str:
    """A moment, in seconds since 1970, on this node's clock and in its zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "?"


def amount(size: int) -> str:
    """Bytes as people say them: ``812 B``, ``4.2 KiB``, ``1.5 GiB``."""
    value, unit = float(size), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
