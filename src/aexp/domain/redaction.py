"""Keeping secrets out of what is written where others can read it: answers, logs, the audit trail."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from aexp.domain.private_keys import MAX_KEY_CHARS, Span, key_rest, open_key
from aexp.domain.secret_shapes import REACH, TELLING, secrets_in

MARK = "[redacted]"
MAX_LINE = 64 * 1024
"""Bytes of a line without an end from which on it is passed on in pieces."""
_SHORTEST = 6
_ROUNDS = 4
_NAMES = re.compile(
    r"TOKEN(?!I[SZ])|SECRET|PASSW|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|AUTHORIZATION"
    r"|COOKIE|(?:^|_)(?:PASS|PAT|JWT|AUTH|KEY)(?:_|$)",
    re.IGNORECASE,
)
_NO_NAMES = re.compile(
    r"(?:_(?:FILE|PATH|DIR|SOCK|URL|URI|HOST|TYPE|ID|NAME|HELPER)|ASKPASS)$", re.IGNORECASE
)
_URL = re.compile(r"://[^\s/?#\"'<>\\@:]{0,256}:([^\s/?#\"'<>\\]{1,2048})@")


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The secrets in an environment.

    These are the values of variables whose names speak of one (``WANDB_API_KEY``, ``GH_TOKEN``,
    ``DB_PASSWORD``; not ``…_FILE``, ``…_PATH`` and their like), and the passwords in URLs of any variable
    (``HTTPS_PROXY``). To keep ordinary words legible, a value counts only when it has at least 8 characters
    and is no path, and is either 16 characters long without a blank or holds two of: a small letter, a
    capital letter, a digit, another character. A value of several lines counts line by line.
    """
    found: set[str] = set()
    for name, value in environ.items():
        if _NAMES.search(name) and not _NO_NAMES.search(name):
            found.update(line.strip() for line in value.splitlines() if _is_odd(line.strip()))
        found.update(match[1] for match in _URL.finditer(value) if len(match[1]) >= 8)
    return frozenset(found)


def _is_odd(value: str) -> bool:
    if len(value) < 8 or value.startswith(("/", "~/", "./")):
        return False
    kinds = ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]")
    mixed = sum(re.search(kind, value) is not None for kind in kinds) >= 2
    return mixed or (len(value) >= 16 and not re.search(r"\s", value))


class Redactor:
    """Replaces secrets by ``[redacted]``: those that it was told of, and those whose shape is known.

    Args:
        secrets: texts that must not be shown; see :func:`secrets_of`. Their forms in URLs and in JSON count
            as well. A secret with fewer than 6 characters is passed over.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({form for secret in secrets for form in _forms(secret)})

    @property
    def reach(self) -> int:
        """Characters after its beginning by which every secret is recognised."""
        return max(REACH, *map(len, self._secrets)) if self._secrets else REACH

    def text(self, text: str) -> str:
        """The text without its secrets; once more changes nothing. Takes linear time, never raises."""
        for _ in range(_ROUNDS):
            # The gaps close when a long secret becomes a short mark: something new may be seen then.
            redacted = self._once(text)
            if redacted == text:
                break
            text = redacted
        return text

    def data(self, value: Any) -> Any:
        """The same for every text in lists and dictionaries; other values stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.data(key): MARK if self._gives_away(key, item) else self.data(item)
                for key, item in value.items()
            }
        return [self.data(item) for item in value] if isinstance(value, list | tuple) else value

    def spans(self, text: str) -> list[Span]:
        """Where the secrets are, in the order in which they begin; they may overlap."""
        found = secrets_in(text)
        for secret in self._secrets:
            at = text.find(secret)
            while at >= 0:
                found.append(Span(at, at, at + len(secret), at + len(secret)))
                at = text.find(secret, at + len(secret))
        return sorted(found)

    def stream(self) -> "RedactingStream":
        """A fresh stream that leaves the same secrets out."""
        return RedactingStream(self)

    def _once(self, text: str) -> str:
        found = self.spans(text)
        if not found:
            return text
        parts, done = [], 0
        for start, end in _merged(found):
            parts += [text[done:start], MARK]
            done = end
        return "".join([*parts, text[done:]])

    @staticmethod
    def _gives_away(key: Any, item: Any) -> bool:
        return isinstance(key, str) and isinstance(item, str) and key.lower().endswith(TELLING)


def _merged(spans: Iterable[Span]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _forms(secret: str) -> Iterable[str]:
    forms = {secret, quote(secret, safe="", errors="replace"), json.dumps(secret)[1:-1]}
    for form in forms:
        text = form
        # What begins or ends like the mark would be found in it, again and again.
        while text and any(text.endswith(MARK[:size]) for size in range(1, len(MARK))):
            text = text[:-1]
        while text and any(text.startswith(MARK[size:]) for size in range(1, len(MARK))):
            text = text[1:]
        if len(text) >= _SHORTEST and text not in MARK and MARK not in text:
            yield text


class RedactingStream:
    """The same for bytes that come in pieces, wherever they are cut.

    What has come is held back up to the last line end (``\\n`` or ``\\r``); of a line with more than 64 KiB,
    only the last few KiB are. Bytes that are no UTF-8 pass unchanged.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = bytearray()
        self._key_left = 0
        self._drops_line = False

    def feed(self, data: bytes) -> bytes:
        """Take in what comes next; what can be passed on by now."""
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        out = b""
        if end:
            lines = bytes(self._held) + data[:end]
            self._held = bytearray(data[end:])
            out = _bytes(self._lines(_text(lines)))
        else:
            self._held += data
        if self._drops_line:
            self._held.clear()
        elif len(self._held) > max(MAX_LINE, 8 * self._redactor.reach):
            out += self._part_of_line()
        return out

    def close(self) -> bytes:
        """The rest."""
        rest, self._held = _text(bytes(self._held)), bytearray()
        return _bytes(self._lines(rest))

    def _lines(self, text: str) -> str:
        if self._drops_line:
            ended = re.search(r"[\r\n]", text)
            text = "" if ended is None else text[ended.start() :]
            self._drops_line = ended is None
        if self._key_left:
            text = self._after_key(text)
        if "PRIVATE KEY" in text:
            self._key_left = MAX_KEY_CHARS if open_key(text) else 0
        return self._redactor.text(text)

    def _after_key(self, text: str) -> str:
        """The text without what belongs to a private key that began before it."""
        size, ended = key_rest(text)
        self._key_left = 0 if ended else max(self._key_left - size, 0)
        return text[size:]

    def _part_of_line(self) -> bytes:
        text = _text(bytes(self._held))
        spans = self._redactor.spans(text)
        cut = max(len(text) - self._redactor.reach, 0)
        for span in reversed(spans):
            if span.begin < cut < span.until:
                cut = span.begin
        if cut == 0:
            cut = 1
            for span in spans:
                if span.begin < cut < span.until:
                    cut = span.until
            # One secret from the beginning on: what more of it may come is left out, up to the line's end.
            self._drops_line = cut == len(text)
        self._held = bytearray(_bytes(text[cut:]))
        self._key_left = 0
        return _bytes(self._redactor.text(text[:cut]))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
