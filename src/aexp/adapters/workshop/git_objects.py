"""Reading commits and pointer files from the bytes of git objects."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from aexp.domain.preview import CommitLine

_AUTHOR = re.compile(rb"^author .*> (\d{1,11}) ([+-])(\d\d)([0-5]\d)$", re.MULTILINE)
_POINTER = re.compile(
    rb"\Aversion https://git-lfs\.github\.com/spec/v1\n(?:[^\n]*\n)*?size (\d{1,18})\n"
)
MOST_POINTER_BYTES = 1024


def objects(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Each whole object in the output of ``git cat-file --batch``: its id, its type, its bytes."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        words = data[at:end].decode("ascii", "replace").split(" ")
        at = end + 1
        if len(words) != 3 or not words[2].isdigit():
            continue
        size = int(words[2])
        body = data[at : at + size]
        at += size + 1
        if len(body) == size:
            yield words[0], words[1], body


def fits(object_id: str, kind: str, body: bytes) -> bool:
    """Whether the bytes are those of the object: git itself does not look when it reads one."""
    whole = f"{kind} {len(body)}".encode("ascii") + b"\0" + body
    made = hashlib.sha256(whole) if len(object_id) == 64 else hashlib.sha1(whole)  # noqa: S324
    return made.hexdigest() == object_id


def commit_line(object_id: str, body: bytes) -> CommitLine:
    """A commit for a person; as it says itself, with no mailmap and no signature looked at."""
    head, _, message = body.partition(b"\n\n")
    subject = message.strip().partition(b"\n")[0].decode("utf-8", "backslashreplace")
    return CommitLine(object_id, _date(head), subject.rstrip() or "(no message)")


def claimed(body: bytes) -> int | None:
    """The bytes that a pointer file of git-lfs claims to stand for; None for another file."""
    found = _POINTER.match(body)
    return None if found is None else int(found[1])


def _date(head: bytes) -> str:
    found = _AUTHOR.search(head)
    if found is None:
        return ""
    hours, minutes = int(found[3]), int(found[4])
    away = timedelta(hours=hours, minutes=minutes) * (-1 if found[2] == b"-" else 1)
    try:
        zone = timezone(away) if away else UTC
        return datetime.fromtimestamp(int(found[1]), zone).isoformat(" ", "minutes")
    except (ValueError, OverflowError, OSError):
        return ""
