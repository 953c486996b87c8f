"""Reading a working copy for an operation: what is taken over of its configuration, and where it leads."""

import os
import re
import shlex
import stat
from dataclasses import dataclass
from functools import cached_property

from aexp.adapters.plain_files import kind_at, read_at
from aexp.adapters.workshop.git_configuration import GitConfiguration
from aexp.adapters.workshop.git_layout import GitLayout, bad_copy, opened
from aexp.domain.errors import RelayValidationError
from aexp.domain.git_setting import Setting
from aexp.domain.text import visible

ALTERNATES = "objects/info/alternates"
_REF = re.compile(
    r"ref: refs/heads/((?!.*(?:\.\.|//|@\{|\.lock\Z))[^\x00-\x20\x7f~^:?*\[\\]{1,240})"
)
_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


@dataclass(frozen=True)
class GitStudy:
    """What was read of one working copy, at one moment.

    Attributes:
        head: the text of HEAD.
        branch: the current branch; empty when HEAD is detached.
        settings: the repository's own settings, all of them.
        kept: those that are taken over.
        notices: what is not used, a line each.
        unfinished: an operation that somebody began by hand and has not finished; empty for none.
        sparse: the text of ``info/sparse-checkout``, None without one.
        exclude: the text of ``info/exclude``.
        attributes: the text of ``info/attributes``; it can only name drivers that are taken over.
        uses_lfs: whether the tree or the repository shows signs of git-lfs.
        tree_lfs: the settings in the tree's own ``.lfsconfig``.
    """

    layout: GitLayout
    head: bytes
    branch: str
    settings: tuple[Setting, ...]
    kept: tuple[Setting, ...]
    notices: tuple[str, ...]
    unfinished: str
    sparse: bytes | None
    exclude: bytes
    attributes: bytes
    uses_lfs: bool
    tree_lfs: tuple[Setting, ...]

    def value(self, key: str) -> str | None:
        """The last value of a setting of the repository."""
        found = self._by_key.get(key)
        return found[-1].value if found else None

    def values(self, key: str) -> list[str]:
        """All values of a setting of the repository."""
        return [one.value or "" for one in self._by_key.get(key, [])]

    @cached_property
    def _by_key(self) -> dict[str, list[Setting]]:
        found: dict[str, list[Setting]] = {}
        for one in self.settings:
            found.setdefault(one.key, []).append(one)
        return found


class GitReader:
    """Reads working copies.

    Args:
        configuration: reads and judges what the repositories set.
    """

    def __init__(self, configuration: GitConfiguration) -> None:
        self._configuration = configuration

    def study(self, layout: GitLayout) -> GitStudy:
        """Read it once.

        Raises:
            RelayValidationError: a file is not what git makes, or a setting is refused.
        """
        root = layout.root
        with opened(layout.common, root) as common, opened(layout.git_dir, root) as own:
            settings = self._configuration.read(layout, common, own)
            head = read_at(own, "HEAD", 4096) or b""
            branch = _branch(layout, head)
            kept, notices = self._configuration.sort(layout, settings, branch)
            if _has_hooks(common):
                notices.append("hooks of the repository do not run in the relay")
            attributes = _info(common, "attributes")
            self._refuse_alternates(layout, common)
            unfinished = next(
                (what for name, what in _UNFINISHED.items() if kind_at(own, name)), ""
            )
            sparse, exclude = _info(own, "sparse-checkout"), _info(common, "exclude") or b""
            has_lfs = kind_at(common, "lfs") is not None
        with opened(root, root) as tree:
            tracked = read_at(tree, ".gitattributes") if _plain(tree, ".gitattributes") else None
            lfsconfig = read_at(tree, ".lfsconfig", 65536) if _plain(tree, ".lfsconfig") else None
        uses_lfs = has_lfs or b"filter=lfs" in (tracked or b"") + (attributes or b"")
        return GitStudy(
            layout=layout,
            head=head,
            branch=branch,
            settings=settings,
            kept=tuple(kept),
            notices=tuple(notices),
            unfinished=unfinished,
            sparse=sparse,
            exclude=exclude,
            attributes=attributes or b"",
            uses_lfs=uses_lfs,
            tree_lfs=self._configuration.settings_in(layout, lfsconfig, ".lfsconfig")
            if lfsconfig
            else (),
        )

    def read(self, layout: GitLayout) -> list[Setting]:
        """All settings of a repository, and the list of its alternates as one, none of them judged.

        Raises:
            RelayValidationError: a file is not what git makes.
        """
        with (
            opened(layout.common, layout.root) as common,
            opened(layout.git_dir, layout.root) as own,
        ):
            found = [*self._configuration.read(layout, common, own)]
            alternates = _alternates(layout, common)
        return [*found, alternates] if alternates.value else found

    def _refuse_alternates(self, layout: GitLayout, common: int) -> None:
        setting = _alternates(layout, common)
        if setting.value and not self._configuration.trusts(layout, setting):
            raise RelayValidationError(
                "cwd",
                f"has objects elsewhere: {layout.common}/{ALTERNATES} names "
                f"{visible(setting.value, limit=200)}",
                do="Give it all its objects: `git repack -ad`, then remove that file. Or, on the login node, "
                f"accept it: `aexp relay trust --cwd {shlex.quote(str(layout.root))} --key {ALTERNATES}`.",
            )


def _alternates(layout: GitLayout, common: int) -> Setting:
    """The list of other places for objects, as a setting."""
    handle = os.open("objects", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=common)
    try:
        if kind_at(handle, "info") == stat.S_IFLNK:
            raise bad_copy(layout.root, "has a .git/objects/info that is a symbolic link")
        data = read_at(handle, "info/alternates") if kind_at(handle, "info") else None
    finally:
        os.close(handle)
    return Setting(ALTERNATES, (data or b"").decode("utf-8", "replace").strip())


def _branch(layout: GitLayout, head: bytes) -> str:
    text = head.decode("utf-8", "replace").rstrip("\n")
    if _HEX.fullmatch(text):
        return ""
    match = _REF.fullmatch(text)
    if match is None or not text.isprintable():
        raise bad_copy(
            layout.root,
            f"has a HEAD that the relay cannot use: '{visible(text, limit=80)}'",
            "`git switch NAME` to a branch.",
        )
    return match[1]


def _has_hooks(common: int) -> bool:
    if kind_at(common, "hooks") != stat.S_IFDIR:
        return False
    handle = os.open("hooks", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=common)
    try:
        return any(_is_own_hook(handle, name) for name in os.listdir(handle))
    finally:
        os.close(handle)


def _is_own_hook(folder: int, name: str) -> bool:
    if name.endswith(".sample"):
        return False
    # Those that `git lfs install` writes are no loss: the relay sees to git-lfs itself.
    text = read_at(folder, name) if _plain(folder, name) else b""
    return text is not None and not (len(text) < 1024 and b"git lfs" in text)


def _info(folder: int, name: str) -> bytes | None:
    return read_at(folder, f"info/{name}") if kind_at(folder, "info") == stat.S_IFDIR else None


def _plain(folder: int, name: str) -> bool:
    return kind_at(folder, name) == stat.S_IFREG
