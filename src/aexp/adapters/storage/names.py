"""Names in a shared home: made, replaced and moved in one step each, in folders that are held open.

What an operation says about failing is not believed where a reply can be lost; then it is looked for.
"""

import contextlib
import errno
import os
from contextlib import AbstractContextManager

from aexp.adapters.storage.drafts import Draft
from aexp.adapters.storage.steps import Place, UnfitFileError, arrived, same_content
from aexp.domain.profiles import Profile

CLEARINGS = 3
_TELL = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Names:
    """The names below one queue.

    Args:
        root: the queue's absolute path.
        profile: how the filesystem is treated.

    Attributes:
        root_may_be_link: whether the queue itself may be a link; none of its folders may.
    """

    def __init__(self, root: str, profile: Profile) -> None:
        self.root_may_be_link = True
        self._root = root
        self._profile = profile

    def at(self, path: str, *, to_sync: bool = False) -> Place:
        """The folder of ``path``, to be held open, and the name in it."""
        return Place(path, to_list=to_sync, may_be_link=self.follows(path))

    def follows(self, path: str) -> bool:
        """Whether the folder of ``path`` may be a link."""
        return self.root_may_be_link and os.path.dirname(path) == self._root

    def _settles(self, durable: bool) -> bool:
        """Whether a name survives a power cut only once its folder is synced."""
        return durable and self._profile.sync_folder

    def create(self, draft: Draft, path: str, *, settle: bool) -> None:
        """Give a draft a name that nothing has yet.

        Args:
            settle: whether the name survives a power cut on return.

        Raises:
            FileExistsError: something else has it.
        """
        settle = self._settles(settle)
        with self.at(path, to_sync=settle) as (folder, name):
            try:
                os.link(
                    *(draft.name, name),
                    src_dir_fd=draft.folder,
                    dst_dir_fd=folder,
                    follow_symlinks=False,
                )
            except OSError as exc:
                if not self._was_linked(exc, draft, path):
                    raise
            if settle:
                os.fsync(folder)

    def _was_linked(self, exc: OSError, draft: Draft, path: str) -> bool:
        """Whether the link was made although an error says otherwise."""
        may_be = not (self._profile.believes_errors or isinstance(exc, FileNotFoundError))
        if may_be and draft.has_another_name():
            return True
        return isinstance(exc, FileExistsError) and same_content(draft.path, path)

    def replace(self, draft: Draft, path: str, *, settle: bool) -> None:
        """Give a draft a name, whatever has it."""
        settle = self._settles(settle)
        with self.at(path, to_sync=settle) as (folder, name):
            try:
                self._move(draft.folder, draft.name, folder, name)
            except OSError:
                # Nobody else touches the draft: when it is gone it was moved, and the reply was lost.
                if self._profile.believes_errors or arrived(draft.path):
                    raise
            draft.keep()
            if settle:
                os.fsync(folder)

    def move(self, src: str, dst: str, *, durable: bool, tell: bool) -> None:
        """Give what has one name another, where nobody else puts anything.

        Args:
            tell: whether to make an event at the file itself as well, for who waits for this very move.
        """
        settle = self._settles(durable)
        with (
            self.at(dst, to_sync=settle) as (target, two),
            self._beside(src, dst, target) as (
                source,
                one,
            ),
        ):
            try:
                self._move(source, one, target, two)
            except UnfitFileError:
                raise
            except OSError:
                if self._profile.believes_errors or not arrived(dst):
                    raise
            if durable:
                # Two names of one file: a rename leaves both, and says that it was made (rename(2)).
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(one, dir_fd=source)
            if settle:
                os.fsync(target)
            if tell:
                # A hint, which whoever waits does without.
                with contextlib.suppress(OSError):
                    os.close(os.open(two, _TELL, dir_fd=target))

    def _beside(self, src: str, dst: str, target: int) -> AbstractContextManager[tuple[int, str]]:
        """The place of ``src``, which may be in the folder that is open for ``dst``."""
        (one, _, name), two = src.rpartition("/"), os.path.dirname(dst)
        return contextlib.nullcontext((target, name)) if one == two else self.at(src)

    def _move(self, source: int, one: str, target: int, two: str) -> None:
        """One rename; what stands in the way at ``two`` is cleared away first, a few times over."""
        # Imported late: most clients never move anything.
        from aexp.adapters.storage import obstacles

        for _ in range(CLEARINGS):
            try:
                return obstacles.move(source, one, target, two)
            except OSError as exc:
                # A lost reply can look like this too; then nothing is in the way.
                in_the_way = exc.errno in obstacles.IN_THE_WAY
                if not in_the_way or not obstacles.clear(self._root, source, one, target, two):
                    raise
        raise UnfitFileError(errno.EISDIR, "folders keep appearing there", two)
