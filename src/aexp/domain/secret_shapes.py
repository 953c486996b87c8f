"""Where credentials stand in a text: their shapes, found in time linear in the text's length.

No shape reaches over a line end, with the exception of private keys. Every pattern either begins at a fixed
text, or can begin only once in a run of the characters that it takes: hostile input cannot make a search
start over and over. What a shape needs is first looked for as plain text, which is much faster.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from aexp.domain.private_keys import Span, key_blocks

Shape = Callable[[str, str], Iterator[Span]]
"""From a text and the same text in lower case to the secrets in it."""

SHORT = 1000
"""Characters of a text up to which one search for all hints is faster than one for each shape."""
REACH = 4096
"""Characters after its beginning by which every shape is recognised."""

_RUN = "[A-Za-z0-9_-]"
_REST = rf"{_RUN}*(?:\.{_RUN}+)*"
_TOKENS = (
    *((f"gh{kind}_", "[A-Za-z0-9]{16}") for kind in "pousr"),
    ("github_pat_", f"{_RUN}{{16}}"),
    *((f"gl{kind}-", f"{_RUN}{{16}}") for kind in ("pat", "dt", "rt", "ptt", "cbt", "oas", "soat")),
    ("wandb_v1_", f"{_RUN}{{16}}"),
    ("local-", "[0-9a-f]{40}(?![0-9A-Za-z])"),
    ("hf_", "[A-Za-z0-9]{24}"),
    ("npm_", "[A-Za-z0-9]{24}"),
    ("pypi-", f"{_RUN}{{32}}"),
    ("AKIA", "[0-9A-Z]{12}"),
    ("ASIA", "[0-9A-Z]{12}"),
    ("AIza", f"{_RUN}{{30}}"),
    *((f"xox{kind}-", "[A-Za-z0-9-]{10}") for kind in "abceoprs"),
    ("xapp-", "[A-Za-z0-9-]{10}"),
    ("sk-", f"(?:[A-Za-z0-9]{{20}}|(?:ant|proj|svcacct|admin|or-v1)-{_RUN}{{12}})"),
    *((f"{kind}_live_", "[A-Za-z0-9]{16}") for kind in ("sk", "rk")),
)
"""How a token begins, and what must follow at least. All that may belong to it is taken with it."""
_WHOLE_WORDS = frozenset({"hf_", "npm_", "pypi-", "AKIA", "ASIA", "sk-", "local-"})
"""Beginnings that are also the ends of ordinary words: ``risk-…``."""

TELLING = (
    "token", "secret", "password", "passwd", "passphrase", "_pass", "apikey", "api_key", "api-key",
    "accesskey", "access_key", "access-key", "secretkey", "secret_key", "secret-key", "private_key",
    "private-key", "privatekey", "accountkey", "credential", "credentials", "signature", "_auth",
)  # fmt: skip
"""What the names of secrets end with, in lower case."""
_HEADERS = ("authorization", "cookie")
_ENDING = "0123456789_-"


def secrets_in(text: str) -> list[Span]:
    """Every secret in the text whose shape is known, in no order; they may overlap."""
    lower = text.lower()
    if len(text) < SHORT and _hints().search(lower) is None:
        return []
    return [span for shape in _shapes() for span in shape(text, lower)]


def looks_like_token(text: str) -> bool:
    """Whether a user's name in a URL is a token instead: a known shape, or long, with letters and digits."""
    if len(text) < 20:
        return False
    shaped = any(span.start == 0 for span in secrets_in(text))
    mixed = re.search("[A-Za-z]", text) and re.search("[0-9]", text)
    return shaped or (mixed is not None and re.fullmatch(f"{_RUN}{{20,}}", text) is not None)


@cache
def _hints() -> re.Pattern[str]:
    """What at least one of must be in a text with a secret, in lower case: one look in place of forty."""
    tokens = [beginning.lower() for beginning, _ in _TOKENS]
    words = (*TELLING, *_HEADERS, "eyj", "://", "bearer", "api", "login", "private key")
    return re.compile("|".join(map(re.escape, (*tokens, *words))))


@cache
def _shapes() -> tuple[Shape, ...]:
    # Compiled at the first use: most processes that import this never redact anything.
    return (
        *map(_token, _TOKENS),
        _web_tokens(),
        _urls(),
        _named(),
        _bearers(),
        _wandb(),
        _netrc(),
        key_blocks,
    )


def _token(known: tuple[str, str]) -> Shape:
    beginning, least = known
    before = "(?<![A-Za-z0-9])" if beginning in _WHOLE_WORDS else ""
    pattern = re.compile(before + re.escape(beginning) + least + _REST)

    def shape(text: str, _: str) -> Iterator[Span]:
        if beginning in text:
            for found in pattern.finditer(text):
                yield Span(found.start(), found.start(), found.end(), found.end())

    return shape


def _web_tokens() -> Shape:
    """JSON web tokens: ``eyJ….….…``."""
    pattern = re.compile(f"eyJ{_RUN}*(?:\\.{_RUN}*)*")

    def shape(text: str, _: str) -> Iterator[Span]:
        if "eyJ" in text:
            for found in pattern.finditer(text):
                if "." in found[0].rstrip(".") and len(found[0]) >= 24:
                    yield Span(found.start(), found.start(), found.end(), found.end())

    return shape


_TOKEN_IS_USER = "x-oauth-basic"  # noqa: S105
"""What stands in the place of a password when the user is the token."""
_USERINFO = r"://([^\s/?#\"'<>\\]{1,2048})@"


def _urls() -> Shape:
    """The password in ``scheme://user:password@host``, and the user when that is a token."""
    plain = re.compile(_USERINFO)
    # A password with a slash in it, which git takes for a port that is no number.
    slashed = re.compile(
        r"://[^\s/?#@:\"'<>\\\[\]]{1,256}:(?![0-9]{0,5}(?:[/?#\s\"']|\Z))([^\s\"'<>@]{1,256})@"
    )

    def shape(text: str, _: str) -> Iterator[Span]:
        if "://" not in text or "@" not in text:
            return
        for found in plain.finditer(text):
            yield from _userinfo(found)
        for found in slashed.finditer(text):
            yield Span(found.start(), *found.span(1), found.end())

    return shape


def _userinfo(found: re.Match[str]) -> Iterator[Span]:
    user, _, password = found[1].partition(":")
    start, end = found.span(1)
    if password:
        yield Span(found.start(), start + len(user) + 1, end, found.end())
    if password == _TOKEN_IS_USER or looks_like_token(user):
        yield Span(found.start(), start, start + len(user), found.end())


def _named() -> Shape:
    """What a telling name is given: ``token=…``, ``"password": "…"``, ``Authorization: …``."""
    name = re.compile(
        r"(?<![A-Za-z0-9_-])(?P<option>--)?(?P<name>[A-Za-z0-9_-]{3,}+)(?:"
        r"(?:\\?[\"'])?\]?[ \t]{0,4}(?:=>|:=|==?|:|%3[ADad])[ \t]{0,4}|(?(option)[ \t]{1,4}(?!-)|(?!)))\\?"
    )
    quoted = r"\"(?P<d>(?:[^\"\\\r\n]|\\[^\r\n])+)|'(?P<s>[^'\r\n]+)"
    value = re.compile(rf"{quoted}|(?P<b>[^\s\"'&]+)")
    header = re.compile(rf"{quoted}|(?P<b>[^\s\"'][^\r\n]*)")
    userinfo = re.compile(_USERINFO)

    def shape(text: str, lower: str) -> Iterator[Span]:
        if not any(word in lower for word in (*TELLING, *_HEADERS)):
            return
        done = 0
        for found in name.finditer(text):
            told = found["name"].lower().rstrip(_ENDING)
            pattern = header if told.endswith(_HEADERS) else value
            # Inside another secret nothing is looked for again: that would take squared time.
            if found.end() < done or not told.endswith((*TELLING, *_HEADERS)):
                continue
            given = pattern.match(text, found.end())
            # In https://x-access-token:…@host the name is a user; what follows the @ is no secret.
            is_user = userinfo.match(text, max(found.start() - 3, 0)) is not None
            if given is not None and not is_user:
                start, done = given.span(given.lastgroup or 0)
                yield Span(found.start(), start, done, done)

    return shape


def _bearers() -> Shape:
    pattern = re.compile(r"bearer[ \t]{1,4}([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)

    def shape(text: str, lower: str) -> Iterator[Span]:
        if "bearer" in lower:
            for found in pattern.finditer(text):
                if re.search("[0-9]", found[1]):
                    yield Span(found.start(), *found.span(1), found.end())

    return shape


def _wandb() -> Shape:
    """Forty hexadecimal digits after words that say they are a key; alone they are a commit."""
    pattern = re.compile(
        r"(?:api[ _-]?key|wandb[ \t._-]{0,4}login)[^\r\n]{0,32}?"
        r"(?<![0-9A-Za-z])([0-9a-f]{40})(?![0-9A-Za-z])",
        re.IGNORECASE,
    )

    def shape(text: str, lower: str) -> Iterator[Span]:
        if "api" in lower or "login" in lower:
            for found in pattern.finditer(text):
                yield Span(found.start(), *found.span(1), found.end())

    return shape


def _netrc() -> Shape:
    """``machine HOST login USER password …`` (netrc), on one line or on several."""
    whole = r"machine[ \t]+\S{1,256}[ \t]+(?:login[ \t]+\S{1,256}[ \t]+)?password[ \t]+(\S+)"
    alone = r"(?:^|(?<=\r))[ \t]*+password[ \t]++(\S++)(?=[ \t]*+(?:[\r\n]|\Z))"
    pattern = re.compile(f"{whole}|{alone}", re.MULTILINE)

    def shape(text: str, _: str) -> Iterator[Span]:
        if "password " in text or "password\t" in text:
            for found in pattern.finditer(text):
                yield Span(found.start(), *found.span(found.lastindex or 0), found.end())

    return shape
