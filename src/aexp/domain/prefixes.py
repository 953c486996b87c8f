"""Ids as people type them: the first few digits."""

from collections.abc import Iterable

from aexp.domain.errors import RelayNotFoundError
from aexp.domain.identity import PREFIX


def the_one(prefix: str, ids: Iterable[str]) -> str:
    """The one id that begins with ``prefix``.

    Args:
        prefix: at least one character of the id.

    Raises:
        RelayNotFoundError: none, or more than one.
    """
    if PREFIX.fullmatch(prefix) is None:
        raise RelayNotFoundError(
            "A request id is 32 hexadecimal digits, or the first few of them.",
            "See `aexp relay ls` for the ids.",
        )
    found = {known for known in ids if known.startswith(prefix)}
    if not found:
        raise RelayNotFoundError(
            f"No request begins with {prefix}.", "`aexp relay ls` lists the ids."
        )
    if len(found) > 1:
        raise RelayNotFoundError(f"{len(found)} requests begin with {prefix}.", "Give more digits.")
    return found.pop()
