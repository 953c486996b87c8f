"""Reading what a client elsewhere asks: each part of its type, within its bounds, and none besides."""

from collections.abc import Mapping
from typing import Any

from aexp.domain.errors import AexpError, RelayRejectedError
from aexp.domain.identity import is_request_id
from aexp.domain.text import visible

MAX_TEXT = 4096


class GateClosedError(AexpError):
    """The connection ends here; the text is its last line."""


class GateRefusedError(RelayRejectedError):
    """A client asked for what the gate does not let through."""

    def __init__(self, what: str, hint: str = "Log in to the login node for the rest.") -> None:
        super().__init__(f"The gate lets a client's moves through, and nothing else: {what}.", hint)


class Asked:
    """The parts of one question.

    Args:
        parts: the question's head, without what every head has.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)

    def text(self, name: str, limit: int = MAX_TEXT) -> str:
        """A part that is text."""
        value = self._parts.pop(name, None)
        if not isinstance(value, str) or len(value) > limit:
            raise GateRefusedError(f"'{name}' is no text of at most {limit} characters")
        return value

    def maybe(self, name: str, limit: int = MAX_TEXT) -> str | None:
        """The same, where it may be left out."""
        return self.text(name, limit) if self._parts.get(name) is not None else None

    def request_id(self) -> str:
        """The part ``id``."""
        found = self.text("id", 40)
        if not is_request_id(found):
            raise GateRefusedError(f"'{visible(found)}' is no request id")
        return found

    def flag(self, name: str) -> bool:
        """A part that is true or false."""
        value = self._parts.pop(name, None)
        if not isinstance(value, bool):
            raise GateRefusedError(f"'{name}' is neither true nor false")
        return value

    def number(self, name: str, most: float) -> float:
        """A part that is a number from 0 to ``most``."""
        value = self._parts.pop(name, None)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise GateRefusedError(f"'{name}' is no number from 0 to {most:g}")
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """A part that is a list of texts."""
        value = self._parts.pop(name, None)
        if not isinstance(value, list) or len(value) > most:
            raise GateRefusedError(f"'{name}' is no list of at most {most} texts")
        if not all(isinstance(one, str) and len(one) <= MAX_TEXT for one in value):
            raise GateRefusedError(f"'{name}' holds something else than text")
        return value

    def end(self) -> None:
        """See to it that nothing is left."""
        if self._parts:
            named = ", ".join(visible(name, limit=32) for name in [*self._parts][:4])
            raise GateRefusedError(f"it knows no '{named}' here")
