"""The private git directory of one request, on a disk of this node, where the requester writes nothing.

It holds a configuration of our own making and copies of HEAD and the index; objects, refs and logs are links
into the repository. So git keeps its locks where the user's own git looks for them, and finds no hook,
filter, include or helper. ``docs/security.md`` has the table of what was tried against it.
"""

import logging
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.plain_files import kind_at, write_private
from aexp.adapters.workshop.git_index import BorrowedIndex, borrow_index, release_left
from aexp.adapters.workshop.git_layout import GitLayout, opened
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStartError
from aexp.domain.git_config import LFS_FILTER
from aexp.domain.git_setting import Setting, serialise
from aexp.domain.remote_urls import lfs_endpoint

logger = logging.getLogger("aexp.relay")

_HANDED_BACK = ("FETCH_HEAD", "ORIG_HEAD")
_OVERRULED = frozenset({"core.bare", "core.worktree", "core.splitindex", "core.hookspath"})


@dataclass(frozen=True)
class GitHouse:
    """One private directory.

    Attributes:
        path: where it lies; GIT_DIR.
        layout: the working copy that it stands for.
        index: the borrowed index, for an operation that writes it.
        leave: what closing it does, when it is not to be removed.
    """

    path: Path
    layout: GitLayout
    index: BorrowedIndex | None
    leave: "Callable[[GitHouse], None] | None" = None

    @property
    def is_rebasing(self) -> bool:
        """Whether a rebase was begun in it and not finished."""
        return (self.path / "rebase-merge").is_dir() or (self.path / "rebase-apply").is_dir()

    def give_back(self) -> None:
        """Give the working copy its index, and what the user's own git may be asked for next. Repeatable.

        Raises:
            OSError: something of it could not be written.
            RelayValidationError: the repository is not there any more.
        """
        if self.index is not None:
            self.index.give_back()
        with opened(self.layout.git_dir, self.layout.root) as there:
            for name in _HANDED_BACK:
                if (self.path / name).is_file():
                    _hand_back(there, name, (self.path / name).read_bytes())

    def close(self) -> None:
        """Remove it, whatever became of the operation, or leave it to the next one."""
        if self.leave is not None:
            self.leave(self)
        else:
            discard_house(self.path)


def discard_house(path: Path) -> None:
    """Remove a private directory, and let go of a lock that it still stands for."""
    release_left(path)
    shutil.rmtree(path, onerror=_tell)


def _tell(_act: object, path: str, about: tuple[object, BaseException, object]) -> None:
    if not isinstance(about[1], FileNotFoundError):
        logger.warning("left-behind path=%s reason=%s", path, about[1])


def _hand_back(there: int, name: str, data: bytes) -> None:
    draft = f".{name}-{uuid.uuid4().hex[:8]}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, 0o644, dir_fd=there), "wb") as file:
        file.write(data)
    # A link of that name is replaced, not followed.
    os.rename(draft, name, src_dir_fd=there, dst_dir_fd=there)


@contextmanager
def cannot_be_made(houses: Path) -> Iterator[None]:
    """Within it, that the disk fails is an error that says what to do.

    Raises:
        RelayStartError: in place of an OSError.
    """
    try:
        yield
    except OSError as exc:
        raise RelayStartError(
            f"The private git directory in {houses} cannot be made: {exc.strerror}.",
            "Free space there, or name another folder with AEXP_RELAY_STATE.",
        ) from exc


@dataclass(frozen=True)
class Needs:
    """What an operation needs of its private directory.

    Attributes:
        lfs: whether git-lfs is set up in it.
        writes: whether refs and logs are written.
        index: whether the index is written.
    """

    lfs: bool
    writes: bool
    index: bool


def build_house(
    folder: Path, study: GitStudy, destinations: Sequence[Destination], needs: Needs
) -> GitHouse:
    """Make the directory.

    Args:
        folder: where private directories lie.
        destinations: the only remotes that it knows, with these URLs.

    Raises:
        RelayStartError: another git process has the index's lock.
        OSError: the directory cannot be made.
    """
    layout = study.layout
    path = folder / uuid.uuid4().hex
    path.mkdir(mode=0o700)
    try:
        _furnish(path, study, destinations, needs)
        index = borrow_index(layout, path) if needs.index else None
        if index is None:
            (path / "index").symlink_to(layout.git_dir / "index")
    except BaseException:
        discard_house(path)
        raise
    return GitHouse(path, layout, index)


def _furnish(
    house: Path, study: GitStudy, destinations: Sequence[Destination], needs: Needs
) -> None:
    layout = study.layout
    write_private(house / "config", serialise(_settings(study, destinations, lfs=needs.lfs)))
    write_private(house / "HEAD", study.head)
    for name in ("objects", "refs", "packed-refs", "shallow"):
        (house / name).symlink_to(layout.common / name)
    (house / "info").mkdir()
    (house / "tmp").mkdir()
    write_private(house / "info/exclude", study.exclude)
    write_private(house / "info/attributes", study.attributes)
    if study.sparse is not None:
        write_private(house / "info/sparse-checkout", study.sparse)
    if needs.writes:
        _link_logs(house, layout)
    if study.value("core.splitindex"):
        _link_shared_index(house, layout)
    if needs.lfs and study.uses_lfs:
        with opened(layout.common, layout.root) as common:
            _make(common, "lfs")
        (house / "lfs").symlink_to(layout.common / "lfs")


def _settings(study: GitStudy, destinations: Sequence[Destination], *, lfs: bool) -> list[Setting]:
    used = {one.remote for one in destinations}
    kept = [
        one
        for one in study.kept
        if one.key not in _OVERRULED
        and not one.key.startswith(("filter.lfs.", "url."))
        and (one.section != "remote" or one.subsection in used)
    ]
    own = [Setting("core.bare", "false"), Setting("core.splitindex", "false")]
    own += [Setting(f"remote.{one.remote}.url", one.url) for one in destinations]
    if lfs:
        own += [Setting(key, value) for key, value in LFS_FILTER.items()]
        for one in destinations[:1]:
            # A tracked .lfsconfig counts for less than these.
            url = one.lfs_url or lfs_endpoint(one.url)
            own += [Setting("lfs.url", url), Setting("lfs.pushurl", url)]
    return kept + own


def _link_logs(house: Path, layout: GitLayout) -> None:
    (house / "logs").mkdir()
    for place, name in ((layout.git_dir, "logs/HEAD"), (layout.common, "logs/refs")):
        with opened(place, layout.root) as there:
            # A repository without the folder keeps no logs; those of this operation go with the house.
            if kind_at(there, "logs") == stat.S_IFDIR:
                if name == "logs/refs":
                    _make(there, name)
                (house / name).symlink_to(place / name)


def _make(folder: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)


def _link_shared_index(house: Path, layout: GitLayout) -> None:
    with opened(layout.git_dir, layout.root) as own:
        for name in os.listdir(own):
            if name.startswith("sharedindex.") and kind_at(own, name) == stat.S_IFREG:
                (house / name).symlink_to(layout.git_dir / name)
