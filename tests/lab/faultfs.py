"""A passthrough filesystem that fails, hangs or hides on command.

``python -m tests.lab.faultfs BACK POINT RULES`` serves ``BACK`` at ``POINT`` until it is unmounted. ``RULES``
is a JSON list of :class:`tests.lab.faults.Fault`, read anew whenever the file was replaced. The kernel
caches nothing of it, so that a rule counts from the next operation on.
"""

import errno
import fnmatch
import json
import os
import random
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import mfusepy

from tests.lab.faults import Fault, journal

T = TypeVar("T")
_TIMES = ("st_atime", "st_mtime", "st_ctime")
_SAME = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino", "st_blocks", "st_rdev")
_SPACE = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files")


class Rules:
    """The faults in force; threads of the filesystem share them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._faults: list[Fault] = []
        self._left: list[int | None] = []

    def meet(self, op: str, paths: tuple[str, ...]) -> Fault | None:
        """The fault that this operation meets, if any; it is noted and counted."""
        with self._lock:
            self._refresh()
            for position, fault in enumerate(self._faults):
                left = self._left[position]
                if not _concerns(fault, op, paths) or fault.hide_s or left == 0:
                    continue
                if random.random() >= fault.chance:  # noqa: S311
                    continue
                if left is not None:
                    self._left[position] = left - 1
                self._note(op, paths, fault)
                return fault
        return None

    def hides(self, path: str, changed: float) -> bool:
        """Whether a name that came into being at ``changed`` is not to be seen yet."""
        with self._lock:
            self._refresh()
            age_s = time.time() - changed
            return any(
                fault.hide_s > age_s and _concerns(fault, "", (path,)) for fault in self._faults
            )

    def _refresh(self) -> None:
        about = os.stat(self._file)
        version = (about.st_ino, about.st_mtime_ns)
        if version != self._version:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            self._faults = [Fault(**{**fault, "ops": tuple(fault["ops"])}) for fault in found]
            self._left = [fault.times for fault in self._faults]
            self._version = version

    def _note(self, op: str, paths: tuple[str, ...], fault: Fault) -> None:
        line = f"{op} {' '.join(paths)} {fault.error or 'late'}{' (done)' if fault.done else ''}\n"
        with journal(self._file).open("a", encoding="utf-8") as file:
            file.write(line)


def _concerns(fault: Fault, op: str, paths: tuple[str, ...]) -> bool:
    if op and fault.ops and op not in fault.ops:
        return False
    return any(fnmatch.fnmatchcase(path.lstrip("/"), fault.path) for path in paths)


class FaultyFilesystem(mfusepy.Operations):
    """Every operation goes to the folder behind, unless a rule says otherwise."""

    use_ns = True

    def __init__(self, back: Path, rules: Rules) -> None:
        self._back = str(back)
        self._rules = rules
        # Who made a name sees it at once, however late it comes to others.
        self._own: set[str] = set()

    def _do(self, op: str, paths: tuple[str, ...], act: Callable[[], T]) -> T:
        fault = self._rules.meet(op, paths)
        if fault is None:
            return act()
        time.sleep(fault.delay_s)
        if fault.done or not fault.error:
            result = act()
            if not fault.error:
                return result
        raise mfusepy.FuseOSError(getattr(errno, fault.error))

    def _at(self, path: str) -> str:
        return self._back + path

    def _seen(self, path: str) -> os.stat_result:
        about = os.lstat(self._at(path))
        # A folder's ctime changes with its entries, so only files can be told to be new.
        hideable = path not in self._own and not stat.S_ISDIR(about.st_mode)
        if hideable and self._rules.hides(path, about.st_ctime):
            raise mfusepy.FuseOSError(errno.ENOENT)
        return about

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        about = self._do("getattr", (path,), lambda: self._seen(path))
        told = {name: getattr(about, name) for name in _SAME}
        return told | {name: getattr(about, f"{name}_ns") for name in _TIMES}

    def readdir(self, path: str, fh: int) -> list[str]:
        def entries() -> list[str]:
            return [entry for entry in os.listdir(self._at(path)) if self._is_seen(path, entry)]

        return [".", "..", *self._do("readdir", (path,), entries)]

    def _is_seen(self, folder: str, entry: str) -> bool:
        try:
            self._seen(f"{folder.rstrip('/')}/{entry}")
        except OSError:
            return False
        return True

    def open(self, path: str, flags: int) -> int:
        def opened() -> int:
            self._seen(path)
            return os.open(self._at(path), flags | os.O_CLOEXEC)

        return self._do("open", (path,), opened)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        flags = (fi or os.O_RDWR) | os.O_CREAT | os.O_CLOEXEC
        self._own.add(path)
        return self._do("create", (path,), lambda: os.open(self._at(path), flags, mode))

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return self._do("read", (path,), lambda: os.pread(fh, size, offset))

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return self._do("write", (path,), lambda: os.pwrite(fh, data, offset))

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        where = self._at(path) if fh is None else fh
        self._do("truncate", (path,), lambda: os.truncate(where, length))

    def flush(self, path: str, fh: int) -> None:
        self._do("flush", (path,), lambda: None)

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        self._do("fsync", (path,), lambda: os.fsync(fh))

    def release(self, path: str, fh: int) -> None:
        os.close(fh)

    def unlink(self, path: str) -> None:
        self._do("unlink", (path,), lambda: os.unlink(self._at(path)))

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        if flags:
            raise mfusepy.FuseOSError(errno.EINVAL)
        self._own.add(new)
        self._do("rename", (old, new), lambda: os.rename(self._at(old), self._at(new)))

    def link(self, target: str, source: str) -> None:
        self._own.add(target)
        self._do("link", (source, target), lambda: os.link(self._at(source), self._at(target)))

    def mkdir(self, path: str, mode: int) -> None:
        self._own.add(path)
        self._do("mkdir", (path,), lambda: os.mkdir(self._at(path), mode))

    def rmdir(self, path: str) -> None:
        self._do("rmdir", (path,), lambda: os.rmdir(self._at(path)))

    def chmod(self, path: str, mode: int) -> None:
        self._do("chmod", (path,), lambda: os.chmod(self._at(path), mode))

    def statfs(self, path: str) -> dict[str, int]:
        about = os.statvfs(self._at(path))
        return {name: getattr(about, name) for name in _SPACE}


def main(back: str, point: str, rules: str) -> None:
    """Serve until unmounted."""
    os.umask(0)
    mfusepy.FUSE(
        FaultyFilesystem(Path(back), Rules(Path(rules))),
        point,
        foreground=True,
        default_permissions=True,
        fsname="aexp-faultfs",
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
