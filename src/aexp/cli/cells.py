"""What a text takes on a terminal: columns, not characters. A wide character takes two, an accent none."""


def cells(text: str) -> int:
    """Columns that a terminal takes for a text of printable characters."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def padded(text: str, width: int) -> str:
    """The text, and spaces behind it up to so many columns."""
    return text + " " * (width - cells(text))


def beginning(text: str, room: int) -> str:
    """As much of the text's beginning as fits into so many columns."""
    if text.isascii():
        return text[: max(room, 0)]
    for position, char in enumerate(text):
        room -= _cells_of(char)
        if room < 0:
            return text[:position]
    return text


def head(text: str, room: int, end: str = "…") -> str:
    """The beginning of a text, with an ellipsis where something is missing.

    Args:
        room: columns, at least one.
        end: the ellipsis, one column wide.
    """
    return text if cells(text) <= room else beginning(text, room - 1) + end


def ending(text: str, room: int) -> str:
    """As much of its end; it does not begin with the accent of a character that is cut off."""
    if text.isascii():
        return text[max(len(text) - room, 0) :]
    start = len(text)
    for position in range(len(text) - 1, -1, -1):
        taken = _cells_of(text[position])
        room -= taken
        if room < 0:
            break
        start = position if taken else start
    return text[start:]


def _cells_of(char: str) -> int:
    # Imported late: most of what is shown is plain ASCII.
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in ("Me", "Mn", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
