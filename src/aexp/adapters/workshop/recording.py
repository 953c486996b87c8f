"""A workshop that looks at nothing but the folder, for tests of programs that use the relay."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aexp.adapters.plain_files import inode_of
from aexp.domain.preview import Preview
from aexp.domain.validation import working_copy
from aexp.ports.filesystem import Filesystem
from aexp.ports.workshop import Order, Reach, Survey, Workshop


class PlainWorkshop(Workshop):
    """Takes every order as it is.

    Args:
        home: below which the working copies lie.
        find: what a survey gives; without it, the working copy and the arguments as they are.

    Attributes:
        tips: the commit of each branch, for the preview of a push.
        previewed: the requests that were looked at closely.
    """

    def __init__(
        self,
        filesystem: Filesystem,
        home: Path,
        find: Callable[[Order, Survey], Survey] | None = None,
    ) -> None:
        self._filesystem = filesystem
        self._home = home
        self._find = find
        self.worries: list[str] = []
        self.tips: dict[str, str] = {}
        self.previewed: list[str] = []

    def survey(self, order: Order) -> Survey:
        root = working_copy(order.cwd, self._home, self._exists)
        plain = Survey(root=root, args=order.args)
        return plain if self._find is None else self._find(order, plain)

    def reach(self, op: str, cwd: Path) -> Reach:
        survey = self.survey(Order("", op, (), cwd))
        return Reach(survey.root, survey.destinations)

    def identity(self, root: Path) -> str:
        return inode_of(root)

    def preview(self, order: Order, survey: Survey, *, moved: bool) -> Survey:
        self.previewed.append(order.request_id)
        if survey.preview is not None or survey.inventory:
            return survey
        tip = self.tips.get(survey.args[-1], "") if order.op == "git_push" else ""
        known = (
            () if moved or not tip else (f"refs/remotes/{survey.args[0]}/{survey.args[-1]} {tip}",)
        )
        found = Preview(
            commit=tip,
            branch=survey.args[-1] if tip else "",
            known=known,
            known_count=len(known),
            seal=tip,
        )
        found = found.summed_up() if tip else found
        return replace(survey, inventory=found.inventory, preview=found, commit=tip)

    def decisions(self) -> Sequence[str]:
        return ()

    def concerns(self) -> Sequence[str]:
        return tuple(self.worries)

    def _exists(self, path: str) -> bool:
        return self._filesystem.kind(path) is not None
