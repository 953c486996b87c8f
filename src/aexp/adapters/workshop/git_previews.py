"""The previews of pushes: from what they are made, and how much time they may take."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from aexp.adapters.plain_files import read_at
from aexp.adapters.remedies import reason
from aexp.adapters.workshop.environment import house_environment
from aexp.adapters.workshop.git_house import Needs, build_house
from aexp.adapters.workshop.git_layout import GitLayout, bad_copy, opened
from aexp.adapters.workshop.git_preview import SOUND, Basis, Look
from aexp.adapters.workshop.git_questions import GitQuestions
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.errors import RelayValidationError
from aexp.domain.preview import Preview

LIMIT_S = 1.5
"""Seconds for one preview: the daemon serves nobody else meanwhile."""
BUSY_S = 6.0
"""Seconds of a minute that all previews may take together."""
MOST_KNOWN = 1000
MOST_KEPT = 128
MOST_SHALLOW_BYTES = 4 << 20
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitPreviews:
    """Previews, each made once from the same basis: what was counted once stays so while somebody decides.

    Args:
        git: the program.
        houses: the folder of private git directories.
        environment: all that git finds in its environment, but for what ties it to a directory.
        now: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        git: str,
        houses: Path,
        environment: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._git = git
        self._houses = houses
        self._environment = environment
        self._now = now
        self._kept: OrderedDict[Basis, Preview] = OrderedDict()
        self._minute = now()
        self._spent = 0.0

    def of_push(self, study: GitStudy, args: tuple[str, ...], *, lfs: bool, moved: bool) -> Preview:
        """What would be sent.

        Args:
            args: the remote and the branch.
            lfs: whether git-lfs would send files.
            moved: whether what is known of the remote came from another URL.

        Raises:
            RelayValidationError: there is no such branch, or its commits cannot be read.
        """
        self._refuse_a_flood(study.layout, 2 * BUSY_S)
        try:
            return self._look(study, args, lfs=lfs, moved=moved)
        except OSError as exc:
            what = f"cannot be looked at, in {self._houses}: {reason(exc)}"
            hint = "Free space there, or name another folder on the login node (AEXP_RELAY_STATE)."
            raise bad_copy(study.layout.root, what, hint) from exc

    def _look(self, study: GitStudy, args: tuple[str, ...], *, lfs: bool, moved: bool) -> Preview:
        # It knows no remote: there is nobody to fetch from in place of a missing object.
        house = build_house(self._houses, study, (), Needs(lfs=False, writes=False, index=False))
        environment = {**self._environment, **house_environment(str(house.path), ".", ())}
        questions = GitQuestions(self._git, environment, str(house.path), LIMIT_S)
        try:
            basis = _basis(study.layout, args, questions, lfs=lfs, moved=moved)
            return self._of(basis, questions)
        finally:
            self._spent += questions.spent
            house.close()

    def _of(self, basis: Basis, questions: GitQuestions) -> Preview:
        if basis not in self._kept:
            # What was looked at once is not lost when others ask for too much: somebody may have approved it.
            self._refuse_a_flood(basis.layout, BUSY_S)
            self._kept[basis] = Look(basis, questions).preview()
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[basis]

    def _refuse_a_flood(self, layout: GitLayout, most_s: float) -> None:
        if self._now() - self._minute > 60.0:
            self._minute, self._spent = self._now(), 0.0
        if self._spent > most_s:
            raise bad_copy(
                layout.root,
                "cannot be looked at now: other pushes that a person must be asked about take up the time",
                "Submit the same request again in a minute.",
            )


def _basis(
    layout: GitLayout,
    args: tuple[str, ...],
    questions: GitQuestions,
    *,
    lfs: bool,
    moved: bool,
) -> Basis:
    remote, branch = args
    mine, theirs = f"refs/heads/{branch}", f"refs/remotes/{remote}"
    said = questions.ask(("for-each-ref", "--format=%(objectname) %(refname)", mine, theirs))
    if not said.whole:
        raise bad_copy(layout.root, "has refs that cannot be read in time", SOUND)
    found = {}
    for line in said.lines:
        value, _, name = line.decode("utf-8", "surrogateescape").partition(" ")
        if _ID.fullmatch(value):
            found[name] = value
    if mine not in found:
        raise RelayValidationError(
            "args[1] (branch)",
            f"is {branch}, which is no branch here",
            do=f"There is no local branch {branch}: `git branch` lists them.",
        )
    own = f"{theirs}/{branch}"
    names = [one for one in found if one.startswith(f"{theirs}/") and not one.endswith("/HEAD")]
    names.sort(key=lambda one: (one != own, one))
    with opened(layout.common, layout.root) as common:
        shallow = read_at(common, "shallow", MOST_SHALLOW_BYTES)
    return Basis(
        layout=layout,
        branch=branch,
        tip=found[mine],
        known=() if moved else tuple((one, found[one]) for one in names[:MOST_KNOWN]),
        shallow=hashlib.sha256(shallow).hexdigest() if shallow else "",
        lfs=lfs,
    )
