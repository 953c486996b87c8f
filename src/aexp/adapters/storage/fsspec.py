"""The queue's storage over an fsspec filesystem that creates exclusively and moves with one winner."""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.storage.mounts import mount_of
from aexp.adapters.storage.reserve import FULL
from aexp.adapters.storage.retrying import patiently
from aexp.adapters.storage.shared_home import SharedHomeFileSystem
from aexp.adapters.storage.steps import UnfitFileError
from aexp.domain import layout
from aexp.domain.errors import (
    RelayStorageError,
    StorageFullError,
    StorageMissingError,
    StorageUnfitError,
)
from aexp.domain.profiles import NETWORK, PROFILES, Profile, profile_for
from aexp.ports.clock import Clock
from aexp.ports.storage import QueueStorage

if TYPE_CHECKING:
    from aexp.adapters.storage.events import FileEvents

T = TypeVar("T")
_UNFIT = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK})


class FsspecStorage(QueueStorage):
    """The seven verbs over ``fs``, below ``root``.

    Args:
        fs: a filesystem that says ``atomic = True`` of itself: ``pipe_file(mode="create")`` and ``mv_file``
            have one winner, and ``pipe_file`` replaces in one step. It has ``stamp``, ``reserve`` and
            ``untrusted`` as the port has them.
        root: the queue's absolute path on it.
        clock: for the waits between two attempts.
        profile: how the filesystem is treated.
        url: what reaches this queue again; for messages.
        events: what makes, at the first wait, what may tell sooner that something has changed.

    Raises:
        RelayStorageError: the filesystem makes no such promise. Most of fsspec's do not.
    """

    def __init__(
        self,
        fs: Any,
        root: str,
        clock: Clock,
        url: str,
        profile: Profile,
        events: "Callable[[], FileEvents] | None" = None,
    ) -> None:
        if not getattr(fs, "atomic", False):
            raise RelayStorageError(
                f"{type(fs).__name__} cannot hold a queue: it does not create or move files atomically.",
                "Use a folder in the shared home, for example --queue ~/.relay.",
            )
        self._fs = fs
        self._root = root
        self._clock = clock
        self._url = url
        self._profile = profile
        self._make_events = events

    @cached_property
    def _events(self) -> "FileEvents | None":
        return None if self._make_events is None else self._make_events()

    @property
    def url(self) -> str:
        return self._url

    @property
    def folder(self) -> str | None:
        return self._root

    @property
    def profile(self) -> Profile:
        return self._profile

    @property
    def shared(self) -> bool:
        # On a file server a node may not see for half a minute what another one did.
        return False

    @property
    def hears(self) -> bool:
        return self._events is not None and self._events.heard

    def list(self, folder: str) -> list[str]:
        try:
            entries = self._do(
                folder, "listed", lambda: self._fs.ls(self._path(folder), detail=False)
            )
        except StorageMissingError:
            return []
        return [entry for entry in entries if not entry.startswith(".")]

    def stamp(self, folder: str) -> object | None:
        found: object | None = self._do(
            folder, "looked at", lambda: self._fs.stamp(self._path(folder))
        )
        return found

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        end = None if limit is None else offset + limit
        data: bytes = self._do(
            name, "read", lambda: self._fs.cat_file(self._path(name), start=offset, end=end)
        )
        return data

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._do(
            name, "written", lambda: self._fs.pipe_file(self._path(name), data, durable=durable)
        )

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        watch = None if not follow or self._events is None else partial(self._events.follow, name)

        def create() -> bool:
            try:
                how: dict[str, Any] = {"mode": "create", "durable": durable, "on_draft": watch}
                self._fs.pipe_file(self._path(name), data, **how)
            except FileExistsError:
                return False
            return True

        return self._do(name, "created", create)

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        how = {"durable": durable, "tell": tell and self._profile.tells}

        def move() -> None:
            self._fs.mv_file(self._path(src), self._path(dst), **how)

        try:
            self._do(src, "moved", move)
        except StorageMissingError:
            return False
        return True

    def remove(self, name: str) -> None:
        self._do(name, "removed", lambda: self._fs.rm_file(self._path(name)))

    def append(self, name: str, data: bytes) -> None:
        # Not repeated after an error: part of the data may have been written. Closing the file is what
        # makes a network filesystem show it to other nodes.
        try:
            with self._fs.open(self._path(name), "ab") as file:
                file.write(data)
        except OSError as exc:
            raise _translated(exc, self._path(name), "appended to") from exc

    def reserve(self, count: int) -> None:
        self._do(layout.SCRATCH, "kept space in", lambda: self._fs.reserve(count))

    def untrusted(self, folders: Sequence[str]) -> str | None:
        found: str | None = self._do("", "looked at", lambda: self._fs.untrusted(folders))
        return found

    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        if self._events is not None:
            from aexp.adapters.storage.events import Ended

            ended = self._events.wait(folders, timeout_s, also, file)
            if ended is not None:
                return ended is Ended.MOVED
        if not also:
            self._clock.sleep(timeout_s)
            return False
        from aexp.adapters.storage.readable import until_readable

        until_readable(also, timeout_s)
        return False

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _do(self, name: str, done: str, call: Callable[[], T]) -> T:
        try:
            return patiently(call, self._clock, self._profile.attempts)
        except OSError as exc:
            raise _translated(exc, self._path(name), done) from exc


def _translated(exc: OSError, path: str, done: str) -> RelayStorageError:
    from aexp.adapters.remedies import reason, remedy

    what = f"{path} could not be {done}: {reason(exc)}."
    unreadable = isinstance(exc, PermissionError) and done == "read"
    if isinstance(exc, UnfitFileError) or exc.errno in _UNFIT or unreadable:
        return StorageUnfitError(what, "Move it away; a queue holds plain files only.")
    if exc.errno in FULL:
        return StorageFullError(what, remedy(exc))
    if isinstance(exc, FileNotFoundError):
        return StorageMissingError(f"{path} does not exist.", "It may have moved on: look again.")
    return RelayStorageError(what, remedy(exc))


def open_file_queue(
    root: str,
    clock: Clock,
    profile: str | None = None,
    *,
    events: bool = True,
    durable: bool = True,
) -> FsspecStorage:
    """The queue in the folder ``root`` of a shared home.

    Args:
        profile: a name of :data:`~aexp.domain.profiles.PROFILES`; by default the one that fits the
            filesystem which the mount table names.
        events: whether file events may end a wait early. They come in real time: with any other clock than
            the machine's there are none, nor with a profile that lists by touching.
        durable: whether what is said to be durable is synced.
    """
    chosen = PROFILES[profile] if profile else _detected(root)
    if not durable:
        chosen = replace(chosen, sync_file=False, sync_folder=False, sync_last=False)
    filesystem = SharedHomeFileSystem(os.path.join(root, layout.SCRATCH), chosen)
    # Where a look changes the folder itself, the event of it would end the next wait, and so on for ever.
    quiet = chosen.freshen != "touch"
    watched = events and quiet and isinstance(clock, SystemClock)
    return FsspecStorage(
        filesystem,
        root,
        clock,
        root,
        chosen,
        partial(_file_events, root, chosen) if watched else None,
    )


def _file_events(root: str, profile: Profile) -> "FileEvents":
    # Imported by the first wait: it loads ctypes, and looking at a queue does without.
    from aexp.adapters.storage.events import FileEvents

    return FileEvents(root, told=profile.tells)


def _detected(root: str) -> Profile:
    mount = mount_of(root)
    return NETWORK if mount is None else profile_for(mount.kind, mount.options)
