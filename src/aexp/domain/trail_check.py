"""Whether the trail and its copy are whole, and the same."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from aexp.domain.chain import Report, verify

Lines = Callable[[], Iterable[bytes] | None]
"""Gives the lines with their ends, from the first on at each call; None when there is no such file."""


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        trail: of the trail on this machine; None when there is none.
        copy: of the copy in the queue; None when there is none.
        problems: what is wrong, for people; empty when all fits.
        may_pass: whether the only problem is one that a line which is just being written makes, too.
    """

    trail: Report | None
    copy: Report | None
    problems: tuple[str, ...] = ()
    may_pass: bool = False


def examine(trail: Lines, copy: Lines, heads: Mapping[int, str]) -> Findings:
    """Verify both, and compare them.

    Args:
        heads: numbers and hashes of lines that were noted elsewhere.

    Raises:
        RelayStorageError: the copy cannot be read.
    """
    own, copied = trail(), copy()
    if own is None:
        report = None if copied is None else verify(copied, heads)
        return Findings(None, report, () if report is None else _wrong("copy in the queue", report))
    ours = verify(own, heads)
    problems = _wrong("trail", ours)
    if copied is None:
        return Findings(ours, None, (*problems, "The copy in the queue is missing."))
    theirs = verify(copied)
    told, may_pass = _difference(trail() or (), copy() or ())
    if not told:
        return Findings(ours, theirs, problems)
    return Findings(ours, theirs, (*problems, told), may_pass and not problems)


def _wrong(which: str, report: Report) -> tuple[str, ...]:
    told = [f"The {which} was changed: {reason}." for reason in report.missing.values()]
    if report.bad_line is not None:
        told.insert(
            0, f"The {which} was changed: line {report.bad_line} does not fit: {report.why}."
        )
    return tuple(told)


def _difference(trail: Iterable[bytes], copy: Iterable[bytes]) -> tuple[str, bool]:
    """Where the copy is not what the trail is, and whether it may be just on its way there."""
    pairs = zip_longest(trail, copy, fillvalue=b"")
    for number, (line, theirs) in enumerate(pairs, 1):
        # A torn line is none: the daemon will cut it off.
        ours = line if line.endswith(b"\n") else b""
        if ours == theirs:
            continue
        if ours.startswith(theirs):
            return (
                f"The copy in the queue ends before line {number}, the trail on this machine goes on: "
                "its end was cut off, or the daemon could not write it.",
                True,
            )
        if theirs.startswith(ours):
            return f"The copy in the queue goes on with line {number}, the trail does not.", True
        if number == 1:
            return (
                "The copy in the queue is another trail: it was written anew, or by a daemon on "
                "another login node (then verify it there).",
                False,
            )
        return (
            f"The copy in the queue was changed: line {number} is not what the trail on this machine has.",
            False,
        )
    return "", False
