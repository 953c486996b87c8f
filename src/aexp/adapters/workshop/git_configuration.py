"""Reading what a repository sets, as bytes, and judging it setting by setting."""

import hashlib
import os
import shlex
from collections import OrderedDict
from collections.abc import Callable, Iterable

from aexp.adapters.plain_files import read_at
from aexp.adapters.workshop.git_layout import GitLayout, bad_copy
from aexp.domain.errors import RelayValidationError
from aexp.domain.git_config import Fate, can_be_trusted, fate
from aexp.domain.git_setting import Setting
from aexp.domain.text import visible

MOST_NAMED = 5
REMEMBERED = 256
"""Configurations whose parsed form is kept, by the hash of their bytes."""


class GitConfiguration:
    """Reads and judges the settings of repositories.

    Args:
        parse: the settings in the bytes of a configuration file, without following its includes; raises
            ValueError with git's words when it is none.
        trusts: whether the login node's owner accepted this very setting for the working copy.
    """

    def __init__(
        self,
        parse: Callable[[bytes], list[Setting]],
        trusts: Callable[[GitLayout, Setting], bool],
    ) -> None:
        self._parse = parse
        self.trusts = trusts
        self._parsed: OrderedDict[bytes, tuple[Setting, ...]] = OrderedDict()

    def read(self, layout: GitLayout, common: int, own: int) -> tuple[Setting, ...]:
        """What a repository and its worktree set, from open folders.

        Raises:
            RelayValidationError: a file is not what git makes.
        """
        data = read_at(common, "config")
        if data is None:
            raise bad_copy(layout.root, "has no .git/config")
        settings = self.settings_in(layout, data, f"{layout.common}/config")
        if any(one.key == "extensions.worktreeconfig" for one in settings):
            more = read_at(own, "config.worktree")
            if more is not None:
                settings += self.settings_in(layout, more, f"{layout.git_dir}/config.worktree")
        return settings

    def settings_in(self, layout: GitLayout, data: bytes, where: str) -> tuple[Setting, ...]:
        """The settings in the bytes of a file, which is named ``where`` in errors.

        Raises:
            RelayValidationError: git cannot read them.
        """
        digest = hashlib.sha256(data).digest()
        if digest not in self._parsed:
            try:
                self._parsed[digest] = tuple(self._parse(data))
            except ValueError as exc:
                raise bad_copy(layout.root, f"has a {where} that git cannot read: {exc}") from exc
            if len(self._parsed) > REMEMBERED:
                self._parsed.popitem(last=False)
        self._parsed.move_to_end(digest)
        return self._parsed[digest]

    def sort(
        self, layout: GitLayout, settings: Iterable[Setting], branch: str
    ) -> tuple[list[Setting], list[str]]:
        """The settings that are taken over, and what is said about the others.

        Args:
            branch: the current one; what is set for the others does not matter to an operation.

        Raises:
            RelayValidationError: some are refused; names them, and what to do.
        """
        kept: list[Setting] = []
        dropped: dict[str, None] = {}
        refused: dict[str, Setting] = {}
        points_back = not layout.is_submodule
        for setting in settings:
            verdict = fate(setting)
            if setting.section == "branch" and setting.subsection != branch:
                continue
            if _points_back(layout, setting):
                points_back = True
                continue
            if verdict is Fate.REFUSE and not self.trusts(layout, setting):
                refused[setting.key] = setting
            elif verdict in (Fate.KEEP, Fate.REFUSE):
                kept.append(setting)
            elif verdict is Fate.DROP:
                dropped[setting.key] = None
        if not points_back:
            raise bad_copy(
                layout.root, "has a .git file that leads to the repository of another folder"
            )
        if refused:
            raise _refused(layout, [*refused.values()])
        notices = [
            f"{visible(key, limit=80)} in {layout.common}/config is not used" for key in dropped
        ]
        return kept, notices


def _refused(layout: GitLayout, settings: list[Setting]) -> RelayValidationError:
    told = "; ".join(
        f"{visible(one.key, limit=120)} = '{visible(one.value or '', limit=80)}'"
        for one in settings[:MOST_NAMED]
    )
    keys = [visible(one.key, limit=120) for one in settings[:MOST_NAMED]]
    way_out = "Take it out: `git config --unset-all KEY`"
    whole = len(settings) <= MOST_NAMED and all(one.key in keys for one in settings)
    if whole and all(can_be_trusted(one) for one in settings):
        flags = " ".join(f"--key {shlex.quote(key)}" for key in keys)
        folder = shlex.quote(str(layout.root))
        way_out += f"; or, on the login node, accept it: `aexp relay trust --cwd {folder} {flags}`"
    return RelayValidationError(
        "cwd",
        f"cannot be used: {layout.common}/config sets {told}, which the relay does not take from a "
        "repository: it could run a program or lead elsewhere",
        do=f"{way_out}.",
    )


def _points_back(layout: GitLayout, setting: Setting) -> bool:
    """Whether this is the core.worktree that git writes into a submodule."""
    if setting.key != "core.worktree" or not layout.is_submodule or not setting.value:
        return False
    return os.path.normpath(layout.git_dir / setting.value) == str(layout.root)
