"""Whether a working copy is in a state that an operation can work with; and where HEAD is in it."""

from pathlib import Path

from aexp.adapters.workshop.git_layout import bad_copy
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.errors import ProgramMissingError, RelayValidationError
from aexp.domain.operations import BRANCH
from aexp.domain.text import visible
from aexp.ports.workshop import Order

MOVES = frozenset({"git_pull", "git_rebase"})
"""The operations that change the files of the working copy."""
_CARRIES = MOVES | {"git_push"}


def require_fit(op: str, root: Path, study: GitStudy, *, lfs: bool) -> None:
    """Refuse an operation that would fail half-way.

    Args:
        lfs: whether git-lfs is installed on the login node.

    Raises:
        ProgramMissingError: files of the working copy need git-lfs, which is not there.
        RelayValidationError: the working copy is in the middle of something else.
    """
    if study.uses_lfs and not lfs and op in _CARRIES:
        raise bad_copy(
            root,
            "keeps files with git-lfs, which is not installed on the login node outside the home",
            "On the login node: install git-lfs there, then aexp relay restart.",
            ProgramMissingError,
        )
    if op in MOVES and study.unfinished:
        raise bad_copy(
            root,
            f"is in the middle of {study.unfinished}",
            "Finish or abort it first, without a network: `git status` says how.",
        )


def settled(order: Order, study: GitStudy) -> tuple[str, ...]:
    """The order's arguments with ``HEAD`` replaced by the branch that it is on.

    Raises:
        RelayValidationError: it is on no branch, or on one whose name is not accepted.
    """
    if order.op != "git_push":
        return order.args
    remote, branch = order.args
    if branch != "HEAD":
        return remote, branch
    if not BRANCH.accepts(study.branch):
        shown = visible(study.branch, limit=80) or "no branch (it is detached)"
        do = "Give a branch: aexp relay push -b NAME, or: git switch NAME"
        raise RelayValidationError("args[1] (branch)", f"is HEAD, which is on {shown}", do=do)
    return remote, study.branch
