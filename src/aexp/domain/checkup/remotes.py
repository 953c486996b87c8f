"""Whether the remotes of a working copy can be reached, without leading anything to a new place.

A requester can write the working copy that a person checks up. So a remote is asked only where an
operation of the relay would go there unasked for good: where it is remembered. A new or changed one is
named, and it is for the person to accept it.
"""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aexp.domain.destinations import Destination, judge
from aexp.domain.failures import failure_of
from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.remote_urls import redacted_url
from aexp.domain.text import age

MOST_ASKED = 16
MOST_SAID = 300
"""Characters of what git said that are repeated."""
_SILENT_FIX = (
    "See with `git ls-remote` in that folder whether the host answers; it may need a proxy."
)


@dataclass(frozen=True)
class Reply:
    """What became of asking a remote.

    Attributes:
        returncode: that of git; None when nothing came in time.
        said: the end of what it printed.
        took_s: seconds.
    """

    returncode: int | None
    said: bytes
    took_s: float


@dataclass(frozen=True)
class Place:
    """One URL of a remote, and what it is used for."""

    destination: Destination
    verbs: tuple[str, ...]

    @property
    def told(self) -> str:
        """The place for people, without a password."""
        one = self.destination
        return f"{one.remote} ({' and '.join(self.verbs)}) {redacted_url(one.url)}"


def places(destinations: Iterable[Destination]) -> list[Place]:
    """Each URL of each remote once."""
    found: dict[tuple[str, str], list[Destination]] = {}
    for one in destinations:
        found.setdefault((one.remote, one.url), []).append(one)
    return [Place(group[0], tuple(one.verb for one in group)) for group in found.values()]


def sorted_out(
    configured: Sequence[Destination], known: Sequence[Destination]
) -> tuple[list[Place], list[tuple[Place, Destination | None]]]:
    """Those that may be asked, and those that may not with what was remembered in their place.

    The first use of a working copy is a question here as well: to look at it must not be one.
    """
    questions = dict(judge(configured, known, strict=True).questions)
    asked = [one for one in configured if one not in questions]
    unasked = places(questions)
    return places(asked), [(place, questions[place.destination]) for place in unasked]


def judge_unasked(name: str, root: Path, place: Place, before: Destination | None) -> Finding:
    """A destination that is not remembered, and was not contacted."""
    what = "is not remembered yet" if before is None else "leads elsewhere than before"
    lfs = place.destination.lfs_url
    told = f"{place.told} {what}, and was not contacted"
    if lfs:
        told += f"; LFS at {redacted_url(lfs)}"
    if before is not None:
        was = redacted_url(before.url) + (
            f" with LFS at {redacted_url(before.lfs_url)}" if before.lfs_url else ""
        )
        told += f"; before: {was}"
    return warn(
        name,
        told,
        f"If that is right, on the login node: aexp relay trust -C {shlex.quote(str(root))}",
    )


def judge_reply(name: str, place: Place, reply: Reply, shown: Callable[[str], str]) -> Finding:
    """What a remote that was asked has said.

    Args:
        shown: takes secrets out of a text.
    """
    if reply.returncode == 0:
        return ok(name, f"{place.told} answers ({age(reply.took_s)})")
    if reply.returncode is None:
        return fail(name, f"{place.told} did not answer within {age(reply.took_s)}", _SILENT_FIX)
    failure = failure_of("git_ls_remote", reply.returncode, reply.said)
    lines = filter(str.strip, reply.said.decode("utf-8", "replace").split("\n"))
    said = shown(next(lines, f"git ended with {reply.returncode}"))[:MOST_SAID]
    if failure is None:
        return fail(name, f"{place.told} failed: {said}", _SILENT_FIX)
    return fail(name, f"{place.told}: {failure.kind} ({said})", failure.hint)
