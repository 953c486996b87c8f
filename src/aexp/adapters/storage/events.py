"""File events of this kernel (inotify(7)) as a hint that it is time to look.

What another node changes in a network filesystem makes no event here, and an event can be lost: whoever
waits looks again after a while in any case. Two ways of watching:

- folders, for a name that appears in them;
- one file, for the move of it that tells, or for every move. A client watches the token of its own request,
  which becomes the mark of the answer in the end: so the answers of others do not wake it, nor does what
  the daemon does with its own before.

The move that tells is followed by an open and a close of the file, which is an event of its own kind. Where
that would ask a file server (see :class:`~aexp.domain.profiles.Profile`), every move counts.

The calls are made with ctypes. The wrappers on PyPI start ``ldconfig`` to find the C library, which takes
longer than a round trip.
"""

import ctypes
import os
import select
import struct
from collections.abc import Sequence
from enum import Enum
from functools import partial
from threading import Lock

from aexp.adapters.libc import libc

_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_CREATE, _MOVED_TO, _MOVE_SELF, _CLOSE_WRITE = 0x100, 0x80, 0x800, 0x8
_IGNORED, _OVERFLOW = 0x8000, 0x4000
_ONLY_FOLDER, _DONT_FOLLOW = 0x01000000, 0x02000000
_HEAD = struct.Struct("iIII")
_BYTES = 64 * 1024
MOST_WATCHED = 64
"""Watches that are kept for the next wait; the oldest go first."""


class Ended(Enum):
    """What ended a wait."""

    MOVED = "the file was moved"
    CHANGED = "something happened in a folder, or may have happened"
    OTHERWISE = "the time is over, or a descriptor is readable"


class FileEvents:
    """Waits for changes below one folder. Opens nothing before the first wait.

    One thread at a time is served; another one that waits meanwhile sleeps. After a fork the child opens its
    own.

    Args:
        root: the absolute path of the folder that names are relative to.
        told: whether the move that counts is told of a file, and the others are not.

    Attributes:
        heard: whether the move of a file that was followed has ever been heard of. On another mount of the
            same folder it is not, even on the same machine.
    """

    def __init__(self, root: str, *, told: bool = False) -> None:
        self._root = root
        self._move = _CLOSE_WRITE if told else _MOVE_SELF
        self._lock = Lock()
        self._handle = -1
        self._pid = -1
        self._watched: dict[str, int] = {}
        self.heard = False

    def wait(
        self, folders: Sequence[str], timeout_s: float, also: Sequence[int], file: str | None
    ) -> Ended | None:
        """Wait until something happened; see :meth:`~aexp.ports.storage.QueueStorage.wait`.

        Returns:
            What ended the wait; None when this kernel, or the user's limits, let nothing be watched: then no
            time has passed.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            watching = self._watch(folders, file)
            own = self._watched.get(file or "")
            ended = self._wait(timeout_s, also, own) if watching else None
        except OSError:
            # A hint that cannot be had is done without.
            self.heard = False
            self._close()
            return None
        else:
            return ended
        finally:
            self._lock.release()

    def follow(self, name: str, path: str) -> None:
        """Watch the file at ``path``, which is about to get this name: its move is not missed then."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._handle < 0 or self._pid != os.getpid():
                self._open()
            self._watched.pop(name, None)
            self._add(name, path, self._move | _DONT_FOLLOW)
        except OSError:
            self.heard = False
            self._close()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            self._close()

    def _watch(self, folders: Sequence[str], file: str | None) -> bool:
        if self._handle < 0 or self._pid != os.getpid():
            self._open()
        if file is not None and self._has(file, self._move | _DONT_FOLLOW):
            return True
        mask = _CREATE | _MOVED_TO | _ONLY_FOLDER | _DONT_FOLLOW
        return all(map(partial(self._has, mask=mask), folders))

    def _has(self, name: str, mask: int) -> bool:
        return name in self._watched or self._add(name, f"{self._root}/{name}", mask)

    def _add(self, name: str, path: str, mask: int) -> bool:
        if len(self._watched) >= MOST_WATCHED:
            self._forget_oldest()
        where = os.fsencode(path)
        number: int = libc().inotify_add_watch(self._handle, where, ctypes.c_uint32(mask))
        if number >= 0:
            self._watched[name] = number
        return number >= 0

    def _forget_oldest(self) -> None:
        # To close the descriptor with all its watches and to open another one takes 6 ms.
        libc().inotify_rm_watch(self._handle, self._watched.pop(next(iter(self._watched))))
        # The kernel tells that the watch is gone. Nobody is to be woken by that; what else has happened to
        # names of earlier requests goes unheard, like anything that a hint may miss.
        self._drain()

    def _wait(self, timeout_s: float, also: Sequence[int], own: int | None) -> Ended:
        poller = select.poll()
        for descriptor in (self._handle, *also):
            poller.register(descriptor, select.POLLIN)
        ready = poller.poll(max(timeout_s, 0.0) * 1000)
        if any(descriptor == self._handle for descriptor, _ in ready):
            moved = own in self._drain()
            self.heard |= moved
            return Ended.MOVED if moved else Ended.CHANGED
        return Ended.OTHERWISE

    def _drain(self) -> set[int]:
        """The numbers of the files that were moved."""
        try:
            data = os.read(self._handle, _BYTES)
        except BlockingIOError:
            return set()
        found: set[int] = set()
        at = 0
        while at < len(data):
            number, mask, _, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size + length
            if mask & self._move:
                found.add(number)
            if mask & _OVERFLOW:
                # Events were lost: whatever is there now is watched anew.
                self._watched.clear()
            elif mask & _IGNORED:
                gone = [name for name, one in self._watched.items() if one == number]
                for name in gone:
                    del self._watched[name]
        return found

    def _open(self) -> None:
        if self._pid == os.getpid():
            self._close()
        self._watched.clear()
        self._handle, self._pid = libc().inotify_init1(_NONBLOCK_CLOEXEC), os.getpid()
        if self._handle < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def _close(self) -> None:
        self._watched.clear()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        # Notebooks make clients and forget them; a user has 128 of these by default.
        self._close()
