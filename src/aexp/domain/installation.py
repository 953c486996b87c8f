"""What installing does to each file: from what is wanted, what is there, and what was put there before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from aexp.domain.managed_block import Markers, Torn, lf
from aexp.domain.managed_entry import Entry

NEW = ".new"
Part = Markers | Entry
"""Where our part of a file that is the user's is."""


class Outcome(StrEnum):
    """What is done to a file."""

    CREATED = "created"
    IDENTICAL = "identical"
    REFRESHED = "refreshed"
    PRESERVED = "preserved"
    RESTORED = "restored"
    REMOVED = "removed"


@dataclass(frozen=True)
class Wanted:
    """A file to be there.

    Attributes:
        path: relative to the repository's root.
        text: the whole file, the block with its markers, or the value of the entry; LF.
        part: where the block or the entry is; None for a whole file.
    """

    path: str
    text: str
    part: Part | None = None


@dataclass(frozen=True)
class Known:
    """What is recorded of a file that we put there.

    Attributes:
        hashes: of our text; more than one while a run was not finished.
        glued: what was put before a block, or around an entry.
        made: whether a file with a block or an entry was made for that alone.
    """

    hashes: tuple[str, ...]
    glued: str = ""
    made: bool = False


@dataclass(frozen=True)
class Step:
    """What is done to one file.

    Attributes:
        before: the file's text now; None when it is not there.
        after: its text then; None when it is to go. The same as ``before`` where nothing is done.
        known: what is recorded afterwards; None for nothing.
        why: in a few words, where the outcome alone does not say it.
    """

    path: str
    outcome: Outcome
    before: str | None
    after: str | None
    known: Known | None = None
    why: str = ""

    @property
    def changes(self) -> bool:
        """Whether the file is written or removed."""
        return self.before != self.after


@dataclass(frozen=True)
class Ground:
    """What is there and what is recorded, by path.

    Attributes:
        there: the texts of the files that are there.
        known: what we put there before.
    """

    there: Mapping[str, str]
    known: Mapping[str, Known] = field(default_factory=dict)


def digest(text: str) -> str:
    """The hash of a text, whatever its line ends and whether its last line has one."""
    return sha256(lf(text).rstrip("\n").encode()).hexdigest()


def install_plan(
    wanted: Iterable[Wanted],
    ground: Ground,
    parts: Mapping[str, Part] = MappingProxyType({}),
    *,
    beside: bool = False,
) -> list[Step]:
    """What installing does: every file that is wanted, and those that were and are not any more.

    Args:
        parts: of the files that hold a part of ours, by path.
        beside: whether to put our text beside a file that is kept, as ``<name>.new``.
    """
    steps = []
    for one in wanted:
        step = _step(one, ground)
        steps.append(step)
        new = one.path + NEW
        # One that was asked for earlier stays, and stays new, for as long as it may be needed.
        wished = beside or (new in ground.known and new in ground.there)
        if wished and step.outcome is Outcome.PRESERVED:
            whole = one.text if one.part is None else one.part.put_in("", one.text)
            steps.append(_step(Wanted(new, whole), ground))
    named = {step.path for step in steps}
    return steps + [
        _gone(path, ground, parts.get(path)) for path in ground.known if path not in named
    ]


def uninstall_plan(ground: Ground, parts: Mapping[str, Part]) -> list[Step]:
    """What taking everything away does.

    Args:
        parts: of the files that hold a part of ours, by path.
    """
    return [_gone(path, ground, parts.get(path)) for path in ground.known]


def _step(wanted: Wanted, ground: Ground) -> Step:
    there, known = ground.there.get(wanted.path), ground.known.get(wanted.path)
    ours = _ours(there, wanted.part)
    if isinstance(ours, Torn):
        return _kept(wanted.path, there, known, _torn(wanted.part))
    if ours is not None and digest(ours) == digest(wanted.text):
        return Step(wanted.path, Outcome.IDENTICAL, there, there, _recorded(wanted, there, known))
    if ours is not None and not (known and digest(ours) in known.hashes):
        why = "edited" if known else "not from here"
        return _kept(wanted.path, there, known, why)
    after = _written(wanted, there)
    outcome = (
        Outcome.REFRESHED if ours is not None else Outcome.RESTORED if known else Outcome.CREATED
    )
    # A block that is put in anew has another place.
    before = known if ours is not None else None
    return Step(wanted.path, outcome, there, after, _recorded(wanted, there, before))


def _written(wanted: Wanted, there: str | None) -> str:
    if wanted.part is not None:
        return wanted.part.put_in(there or "", wanted.text)
    crlf = there is not None and lf(there) != there
    return wanted.text.replace("\n", "\r\n") if crlf else wanted.text


def _recorded(wanted: Wanted, there: str | None, known: Known | None) -> Known:
    hashes = (digest(wanted.text),)
    if wanted.part is None:
        return Known(hashes)
    if known is not None:
        return Known(hashes, known.glued, known.made)
    held = wanted.part.held(there or "")
    glued = "" if held is not None else wanted.part.glue(there or "")
    return Known(hashes, glued, there is None or _holds_ours_alone(there, wanted.part))


def _holds_ours_alone(there: str, part: Part) -> bool:
    """Whether a file is what an earlier installation made, in another working copy: it came with git."""
    is_block = isinstance(part, Markers) and isinstance(part.held(there), str)
    return is_block and not part.taken_out(there, "").strip()


def _ours(there: str | None, part: Part | None) -> str | Torn | None:
    """What of a file is ours: all of it, or our part; None where there is nothing."""
    return there if part is None else part.held(there or "")


def _torn(part: Part | None) -> str:
    return "" if part is None else part.torn


def _kept(path: str, there: str | None, known: Known | None, why: str) -> Step:
    return Step(path, Outcome.PRESERVED, there, there, known, why)


def _gone(path: str, ground: Ground, part: Part | None = None) -> Step:
    """A file that is not wanted (any more): removed when it is ours and unedited."""
    there, known = ground.there.get(path), ground.known[path]
    ours = _ours(there, part)
    if isinstance(ours, Torn):
        return Step(path, Outcome.PRESERVED, there, there, None, _torn(part))
    if ours is None:
        return Step(path, Outcome.REMOVED, there, there, None, "was gone already")
    if digest(ours) not in known.hashes:
        return Step(path, Outcome.PRESERVED, there, there, None, "edited")
    rest = "" if part is None else part.taken_out(there or "", known.glued)
    whole = part is None or (known.made and not rest.strip())
    return Step(path, Outcome.REMOVED, there, None if whole else rest)
