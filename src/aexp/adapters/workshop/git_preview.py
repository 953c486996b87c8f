"""What a push would send, from the objects of a repository that nobody trusts.

Nothing in it is believed but what its id proves. The commits that are shown are hashed again; the refs that
say what is on the remote already are only named, and what tells of other parents than the commits themselves
(commit-graph, grafts, replacements) is not looked at.
"""

import hashlib
import re
from dataclasses import dataclass, replace

from aexp.adapters.workshop.git_layout import GitLayout, bad_copy
from aexp.adapters.workshop.git_objects import (
    MOST_POINTER_BYTES,
    claimed,
    commit_line,
    fits,
    objects,
)
from aexp.adapters.workshop.git_questions import GitQuestions, Said
from aexp.domain.errors import RelayValidationError
from aexp.domain.parcels import Parcel, largest
from aexp.domain.preview import NEWEST, CommitLine, Preview
from aexp.domain.records import MAX_NUMBER

MOST_COMMITS = 10_000
MOST_POINTERS = 4000
_BLOB = re.compile(rb"blob (\d+) ([0-9a-f]+) ?(.*)")
_MISSING = re.compile(rb"\??[0-9a-f]+ missing")
_FORMAT = "%(objecttype) %(objectsize) %(objectname) %(rest)"
SOUND = "See what `git fsck` finds, and mend it."


@dataclass(frozen=True)
class Basis:
    """All that a preview follows from.

    Attributes:
        tip: the commit that the branch is on.
        known: (ref, id) of what is taken as being on the remote already, the branch's own first.
        shallow: the SHA-256 of the list of commits without parents; empty for a whole history.
        lfs: whether git-lfs would send files.
    """

    layout: GitLayout
    branch: str
    tip: str
    known: tuple[tuple[str, str], ...]
    shallow: str
    lfs: bool

    @property
    def seal(self) -> str:
        """SHA-256 over all of it that can change while somebody decides."""
        told = [self.tip, self.shallow, *(f"{ref} {found}" for ref, found in self.known)]
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()

    def range(self, *, whole: bool) -> bytes:
        """What ``git rev-list --stdin`` reads."""
        hidden = () if whole else (f"^{found}" for _, found in self.known)
        return "".join(f"{one}\n" for one in (self.tip, *hidden)).encode("ascii")


@dataclass
class Look:
    """One look at the objects."""

    basis: Basis
    questions: GitQuestions

    def preview(self) -> Preview:
        """What was seen.

        Raises:
            RelayValidationError: the commits cannot be read.
        """
        basis = self.basis
        self._commits([basis.tip])
        ids, whole, more = self._ids()
        found = Preview(
            commit=basis.tip,
            branch=basis.branch,
            known=() if whole else tuple(" ".join(one) for one in basis.known[:NEWEST]),
            known_count=0 if whole else len(basis.known),
            commits=self._commits(ids[:NEWEST]),
            commit_count=len(ids),
            more_commits=more,
            shallow=bool(basis.shallow),
            seal=basis.seal,
        )
        return self._with_files(found, whole=whole).summed_up()

    def _ids(self) -> tuple[list[str], bool, bool]:
        """The commits, the newest first; whether it is the whole history; whether there are more."""
        whole = not self.basis.known
        said = self._listed(whole=whole, until=0.4)
        if not said.whole and not said.data and not whole:
            # To tell them apart from many others takes a walk through all. Show more, rather than nothing.
            whole, said = True, self._listed(whole=True, until=0.6)
        if said.failed or not (said.whole or said.data):
            raise self._unreadable("has a history that cannot be read, or not in time")
        ids = said.data.decode("ascii", "replace").split()
        return ids[:MOST_COMMITS], whole, not said.whole or len(ids) > MOST_COMMITS

    def _listed(self, *, whole: bool, until: float) -> Said:
        given = self.basis.range(whole=whole)
        command = ("rev-list", f"--max-count={MOST_COMMITS + 1}", "--stdin")
        return self.questions.ask(command, given=given, until=until)

    def _commits(self, ids: list[str]) -> tuple[CommitLine, ...]:
        given = "".join(f"{one}\n" for one in ids).encode("ascii")
        said = self.questions.ask(("cat-file", "--batch"), given=given, until=0.7)
        lines = {}
        for found, kind, body in objects(said.data):
            if kind != "commit" or not fits(found, kind, body):
                raise self._unreadable(f"has {found}, whose contents are not those of that commit")
            lines[found] = commit_line(found, body)
        if self.basis.tip in ids and self.basis.tip not in lines:
            raise self._unreadable(f"has a branch on {self.basis.tip}, which cannot be read")
        return tuple(lines.get(one, CommitLine(one)) for one in ids)

    def _with_files(self, found: Preview, *, whole: bool) -> Preview:
        # Trees and commits as well: a filter would pass over the ones that are missing without a word.
        said = self.questions.ask(
            ("rev-list", "--objects", "--missing=print", "--stdin"),
            ("cat-file", "--buffer", f"--batch-check={_FORMAT}"),
            given=self.basis.range(whole=whole),
            until=0.9,
        )
        if said.failed:
            raise self._unreadable("has files that cannot be listed")
        blobs = [match for line in said.lines if (match := _BLOB.fullmatch(line))]
        parcels = {match[2]: Parcel(_text(match[3]), _most(int(match[1]))) for match in blobs}
        pointers, all_looked_at = self._pointers(parcels)
        return replace(
            found,
            file_count=len(parcels),
            size=_most(sum(one.size for one in parcels.values())),
            largest=largest([*parcels.values(), *pointers]),
            lfs_count=len(pointers),
            lfs_size=_most(sum(one.size for one in pointers)),
            missing=sum(1 for line in said.lines if _MISSING.fullmatch(line)),
            more_files=not (said.whole and all_looked_at),
        )

    def _pointers(self, parcels: dict[bytes, Parcel]) -> tuple[list[Parcel], bool]:
        """The files that git-lfs would send, and whether all were looked at."""
        if not self.basis.lfs:
            return [], True
        small = [one for one, parcel in parcels.items() if parcel.size < MOST_POINTER_BYTES]
        given = b"".join(one + b"\n" for one in small[:MOST_POINTERS])
        said = self.questions.ask(("cat-file", "--buffer", "--batch"), given=given)
        sizes = {found: claimed(body) for found, _, body in objects(said.data)}
        pointers = [
            Parcel(parcels[one].path, size, lfs=True)
            for one in small
            if (size := sizes.get(one.decode("ascii"))) is not None
        ]
        return pointers, said.whole and len(small) <= MOST_POINTERS

    def _unreadable(self, problem: str) -> RelayValidationError:
        return bad_copy(self.basis.layout.root, problem, SOUND)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace") or "(no name)"


def _most(number: int) -> int:
    # A header may claim what it likes.
    return min(number, MAX_NUMBER - 1)
