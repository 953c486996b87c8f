"""Private keys in a text: the one kind of secret that has several lines."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple


class Span(NamedTuple):
    """A secret in a text.

    Attributes:
        begin: where that begins by which it is recognised, for example ``password=``.
        start: where the secret itself begins.
        end: where it ends.
        until: where that ends by which it is recognised: behind the ``@`` of a URL.
    """

    begin: int
    start: int
    end: int
    until: int


MAX_KEY_CHARS = 16 * 1024
"""A private key's block is shorter than this; RSA with 16384 bits needs 13,000."""
_KEY_NAME = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY_LINE = (
    r"[ \t]*+(?:remote:[ \t]*+)?"
    r"(?:[A-Za-z0-9+/=]{1,120}|(?:Proc-Type|DEK-Info|Version|Comment):[^\r\n]*|)[ \t]*+"
)
"""A line inside a private key's block."""
_KEY_END = rf"-----END {_KEY_NAME}"
_KEY_BEGIN = "-----BEGIN "


@cache
def _key_patterns() -> tuple[re.Pattern[str], ...]:
    body = rf"[^\r\n]*+(?:(?:\r\n|\r|\n){_KEY_LINE}(?=[\r\n]|\Z))*+"
    return tuple(map(re.compile, (_KEY_BEGIN + _KEY_NAME, _KEY_END, body)))


def open_key(text: str) -> bool:
    """Whether the text ends within a private key's block."""
    found = _key_patterns()[0].match(text, max(text.rfind(_KEY_BEGIN), 0))
    if found is None or _key_patterns()[1].search(text, found.end()):
        return False
    rest = _key_patterns()[2].match(text, found.end())
    return rest is not None and rest.end() == len(text)


def key_blocks(text: str, _: str = "") -> Iterator[Span]:
    """Private keys, from their first line to their last; without a last line as far as they look like one."""
    if "PRIVATE KEY" not in text:
        return
    begin, end, body = _key_patterns()
    ends = [found.end() for found in end.finditer(text)]
    done, at = 0, 0
    for found in begin.finditer(text):
        if found.start() < done:
            continue
        while at < len(ends) and ends[at] <= found.end():
            at += 1
        if at < len(ends) and ends[at] - found.start() <= MAX_KEY_CHARS:
            done = ends[at]
        else:
            rest = body.match(text, found.end())
            done = found.end() if rest is None else rest.end()
            while text[done - 1] in "\r\n":
                done -= 1
        yield Span(found.start(), found.start(), done, done)


def key_rest(text: str) -> tuple[int, bool]:
    """How much of whole lines belongs to a block that began before them, and whether it has ended."""
    found = _rest_pattern().match(text)
    size = 0 if found is None else found.end()
    return size, size < len(text) or (found is not None and found["end"] is not None)


@cache
def _rest_pattern() -> re.Pattern[str]:
    end = rf"(?P<end>[^\r\n]{{0,80}}?{_KEY_END}[ \t]*+(?:\r\n|\r|\n)?)?"
    return re.compile(rf"(?:{_KEY_LINE}(?:\r\n|\r|\n))*+{end}")
