"""The ways in which a person on the login node is told that consent is waited for, each with its switch."""

from dataclasses import dataclass

from aexp.domain.errors import SettingsError

WAYS = ("log", "line", "bell", "osc", "tmux", "hook")
"""``consent.log``; a line, bell and notification on the daemon's terminal; tmux; the owner's command."""
SOME = ("all", *WAYS, *(f"no-{way}" for way in WAYS))
"""The words that can stand together."""
ALLOWED = (
    f"all, none, or some of {', '.join(WAYS)} with commas between; no-bell is all but the bell"
)


@dataclass(frozen=True)
class Ways:
    """What is switched on.

    Attributes:
        on: the ways that may be used.
        named: those of them that somebody asked for by name, and not only with all the others.
    """

    on: frozenset[str] = frozenset(WAYS)
    named: frozenset[str] = frozenset()

    def __contains__(self, way: str) -> bool:
        return way in self.on


ALL = Ways()


def read_ways(text: object) -> Ways:
    """The ways that a setting such as ``all``, ``none``, ``bell,tmux`` or ``no-bell`` switches on.

    Raises:
        SettingsError: it holds another word; names the nearest one that there is.
        ValueError: it holds no word, or another one beside ``none``.
    """
    words = [word.strip().lower() for word in str(text).split(",") if word.strip()]
    if not words or ("none" in words and len(words) > 1):
        raise ValueError(text)
    for word in words:
        if word not in ("all", "none") and word.removeprefix("no-") not in WAYS:
            raise _unknown(word)
    off = {word.removeprefix("no-") for word in words if word.startswith("no-")}
    named = {word for word in words if word in WAYS}
    all_of_them = "all" in words or (not named and words != ["none"])
    return Ways(frozenset(WAYS if all_of_them else named) - off, frozenset(named - off))


def _unknown(word: str) -> SettingsError:
    import difflib

    from aexp.domain.text import visible

    known = [*SOME, "none"]
    near = difflib.get_close_matches(word[:64], known, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return SettingsError(
        f"The setting notify (AEXP_RELAY_NOTIFY) names {visible(word, limit=64)!r}, "
        "which is no way to tell a person.",
        f"{meant}Allowed: {ALLOWED}.",
    )
