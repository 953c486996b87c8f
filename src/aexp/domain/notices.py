"""What a person on the login node is told when a request begins to wait for consent."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aexp.domain.petition import Petition
from aexp.domain.text import visible

MAX_HEADLINE = 240
"""Characters of a notification: terminals and tmux cut what is longer."""
_ODD = re.compile(r"[^A-Za-z0-9 _./,:@+=-]")
_SHORT = 8


@dataclass(frozen=True)
class Notice:
    """A request that has begun to wait, in words that are safe to show.

    What a requester had a say in is printable ASCII, bounded, and without known secrets. It may still hold
    marks that a shell, tmux or a terminal's sequence gives a meaning to: see :func:`plain`.

    Attributes:
        args: the operation's arguments with blanks between.
        reason: why a person is asked.
        digest: what an approval is bound to.
        queue: the queue's path or URL.
        flag: what ``aexp relay`` needs to reach it, such as ``" --queue /x"``; the owner's own words.
    """

    request_id: str
    op: str
    args: str = ""
    cwd: str = ""
    client: str = ""
    reason: str = ""
    digest: str = ""
    queue: str = ""
    flag: str = ""

    @classmethod
    def of(
        cls,
        petition: Petition,
        queue: str = "",
        flag: str = "",
        redact: Callable[[str], str] = str,
    ) -> "Notice":
        """The notice of a petition; ``redact`` takes secrets out of a text."""

        def safe(text: str, limit: int) -> str:
            return visible(redact(text), limit=limit, ascii_only=True)

        return cls(
            request_id=safe(petition.request_id, 64),
            op=safe(petition.op, 64),
            args=safe(" ".join(petition.args), 400),
            cwd=safe(petition.cwd, 4096),
            client=safe(petition.client, 200),
            reason=safe(petition.reason, 400),
            digest=petition.digest,
            queue=queue,
            flag=flag,
        )

    @property
    def short(self) -> str:
        """The first digits of the request's id, as people type them."""
        return self.request_id[:_SHORT]

    @property
    def operation(self) -> str:
        """The operation with its arguments."""
        return f"{self.op} {self.args}".strip()

    def command(self, verb: str, request_id: str | None = None) -> str:
        """What a person types to approve, reject or show it."""
        return f"aexp relay {verb} {request_id or self.short}{self.flag}"


def headline(fresh: Sequence[Notice], waiting: int) -> str:
    """One short plain line for what has begun to wait: what it is, and what to type.

    Args:
        fresh: the requests, at least one; the last is named.
        waiting: how many wait in all.
    """
    last = fresh[-1]
    where = f"in {_end(last.cwd, 64)}"
    # What to type comes before what can be long: a narrow tmux shows no more than its width.
    if waiting == 1:
        return plain(f"aexp: {last.op} waits for consent: {last.command('approve')}, {where}")
    every = f"{waiting} requests wait for consent: aexp relay pending{last.flag}"
    return plain(f"aexp: {every}, the last {last.op} {where}")


def plain(text: str, limit: int = MAX_HEADLINE) -> str:
    """The text in letters, digits and blanks, and marks that neither a terminal nor tmux nor a shell minds.

    A ``;`` would end a field of the sequence, ``#(...)`` would run a command in tmux, ``%`` is a date there.
    """
    return _ODD.sub("_", _cut(text, limit))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _end(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"...{text[3 - limit :]}"
