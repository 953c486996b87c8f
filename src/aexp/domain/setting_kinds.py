"""The kinds of values that settings have: what is allowed, and how text or a file's value is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# What shows nothing, as characters of a class.
_UNSEEN = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ufeff"
)
# In Python, `$` stands before a last line end, too.
_END = r"$(?!\n)"
_TEXT = rf"^(?=.*\S)[^{_UNSEEN}]+{_END}"
_PLACE = rf"^(?:/|~|[A-Za-z][A-Za-z0-9+.-]*://)[^{_UNSEEN}]*{_END}"


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        allowed: what may be given, in words.
        schema: the same as JSON Schema, for a file.
        read: the setting's value from text or from what a keyword gave; ValueError or TypeError when it
            cannot be one.
        plain: what ``read`` takes, from what a file holds, where numbers, switches and lists are themselves;
            ValueError when the file holds something else.
    """

    allowed: str
    schema: Mapping[str, Any]
    read: Callable[[Any], Any]
    plain: Callable[[Any], Any]

    def of_file(self, value: object) -> Any:
        """The setting's value from a file's.

        Raises:
            ValueError: it cannot be one.
        """
        return self.read(self.plain(value))


def text(allowed: str = "text") -> Kind:
    """One line of text, not empty."""
    return Kind(allowed, {"type": "string", "pattern": _TEXT}, str, _line)


def place() -> Kind:
    """A path or URL that means the same from every folder, when it stands in a file."""
    return Kind(
        "a path from / or ~ on, or a URL",
        {"type": "string", "pattern": _PLACE},
        str,
        _absolute,
    )


def folder() -> Kind:
    """The same, but no server: whoever wrote the file may not choose whom a client trusts."""
    return Kind(
        "a path from / or ~ on, or a file:// URL; a repository's file cannot name a server",
        {"type": "string", "pattern": r"^(/|~|file://)"},
        str,
        _local,
    )


def number(least: float, most: float, unit: str) -> Kind:
    """A number, whole or not."""
    return Kind(
        f"a number of {unit} from {least:g} to {most:g}",
        {"type": "number", "minimum": least, "maximum": most},
        _between(float, least, most),
        _instance(int, float),
    )


def count(least: int, most: int) -> Kind:
    """A whole number."""
    return Kind(
        f"a number from {least} to {most}",
        {"type": "integer", "minimum": least, "maximum": most},
        _between(int, least, most),
        _whole,
    )


def choice(*words: str) -> Kind:
    """One of a few words."""
    allowed = f"{', '.join(words[:-1])} or {words[-1]}"
    return Kind(
        allowed, {"enum": list(words)}, lambda value: words[words.index(value)], _instance(str)
    )


def switch() -> Kind:
    """On or off: 1 or 0 as text, true or false in a file."""
    return Kind("1 or 0 (in a file: true or false)", {"type": "boolean"}, _switch, _flag)


def listing(allowed: str, separator: str, forbidden: str = "") -> Kind:
    """A list in a file; text with separators elsewhere. It may not be empty: leave the setting out for that.

    Args:
        separator: what stands between the items in text.
        forbidden: further characters that no item may hold.
    """

    def joined(value: object) -> str:
        if not isinstance(value, list) or not value:
            raise ValueError(value)
        for item in value:
            if set(_line(item)) & {separator, *forbidden}:
                raise ValueError(item)
        return separator.join(value)

    pattern = rf"^(?=.*\S)[^{_UNSEEN}{separator}{forbidden}]+{_END}"
    item = {"type": "string", "pattern": pattern}
    schema = {"type": "array", "minItems": 1, "items": item}
    return Kind(
        f"{allowed}, {_SEPARATORS[separator]} between (in a file: a list)", schema, str, joined
    )


def words(allowed: str, read: Callable[[Any], Any], some: tuple[str, ...], none: str) -> Kind:
    """Words that ``read`` understands: text with commas, or in a file also a list of them.

    Args:
        some: the words that can stand together, in small letters.
        none: the one that stands alone.
    """

    def joined(value: object) -> str:
        if not isinstance(value, list):
            return _line(value)
        if any("," in _line(item) for item in value):
            raise ValueError(value)
        return ",".join(value)

    word, alone = f"(?:{'|'.join(map(_any_case, some))})", _any_case(none)
    text = rf"^[ ,]*(?:{alone}|{word}(?: *,[ ,]*{word})*)[ ,]*{_END}"
    each, single = ({"type": "string", "pattern": rf"^ *{one} *{_END}"} for one in (word, alone))
    forms = [
        {"type": "string", "pattern": text},
        {"type": "array", "minItems": 1, "items": each},
        {"type": "array", "minItems": 1, "maxItems": 1, "items": single},
    ]
    return Kind(allowed, {"anyOf": forms}, read, joined)


def _any_case(word: str) -> str:
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in word)


_SEPARATORS = MappingProxyType({",": "commas", ":": "colons"})
_SWITCH = MappingProxyType(
    {
        **dict.fromkeys(("1", "true", "yes", "on", "t", "y"), True),
        **dict.fromkeys(("0", "false", "no", "off", "f", "n"), False),
    }
)


def _switch(value: object) -> bool:
    word = str(value).lower()
    if word not in _SWITCH:
        raise ValueError(value)
    return _SWITCH[word]


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004 -- One kind of error for all that cannot be read.
    return value


def _between(kind: Callable[[Any], Any], least: float, most: float) -> Callable[[Any], Any]:
    def read(value: object) -> Any:
        try:
            found = kind(value)
        except OverflowError as exc:
            raise ValueError(value) from exc
        if not least <= found <= most:
            raise ValueError(value)
        return found

    return read


def _instance(*kinds: type) -> Callable[[Any], Any]:
    def plain(value: object) -> object:
        # A bool is an int in Python, and no number to a person.
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise ValueError(value)  # noqa: TRY004 -- As above.
        return value

    return plain


def _whole(value: object) -> object:
    # In JSON, and so in a schema, 4.0 is a whole number.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _instance(int)(value)


def _line(value: object) -> str:
    if not isinstance(value, str) or not re.search(_TEXT, value) or not value.isprintable():
        raise ValueError(value)
    return value


def _local(value: object) -> str:
    found = _line(value)
    if not found.startswith(("/", "~", "file://")):
        raise ValueError(value)
    return found


def _absolute(value: object) -> str:
    found = _line(value)
    if not re.search(_PLACE, found):
        raise ValueError(value)
    return found
