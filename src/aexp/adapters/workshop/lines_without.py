"""Output as it comes, without the lines that begin in a certain way."""

_ENDS = (b"\n", b"\r")


class LinesWithout:
    """Leaves lines out. Nothing is held back but what may still become the beginning of one.

    Args:
        beginning: how a line begins that is left out; empty for none.
    """

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._held = b""
        self._keeps: bool | None = None
        """Whether the line that goes on is shown; None where that is not known yet."""

    def of(self, data: bytes) -> bytes:
        """What of the output is shown, now that this has come."""
        if not self._beginning:
            return data
        return b"".join(map(self._shown, data.splitlines(keepends=True)))

    def rest(self) -> bytes:
        """What was held back, once nothing more comes."""
        rest, self._held = self._held, b""
        return rest

    def _shown(self, part: bytes) -> bytes:
        ends = part.endswith(_ENDS)
        if self._keeps is None:
            part, self._held = self._held + part, b""
            if not ends and len(part) < len(self._beginning) and self._beginning.startswith(part):
                self._held = part
                return b""
            self._keeps = not part.startswith(self._beginning)
        shown = part if self._keeps else b""
        if ends:
            self._keeps = None
        return shown
