"""Confining a process to writing below a few folders, with Landlock (landlock(7), Linux 5.19 and later).

A requester can put a link in the place of a folder while git writes into it; no look beforehand closes that
race. The kernel does: it judges where a write really goes. Reading and executing are left as they are.

The bound belongs to a thread and to the processes that it starts. So a thread confines itself, starts the
program and ends. To do it between fork and exec instead takes a real fork and Python in the child, which is
five times slower (``docs/performance.md``).
"""

import ctypes
import os
import stat
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TypeVar

from aexp.adapters.libc import libc, syscall
from aexp.adapters.threads import in_thread

T = TypeVar("T")

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38

_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_IN_FOLDERS = (
    sum(1 << bit for bit in range(4, 13)) | _REFER
)  # remove and make entries of every kind
_OLDEST = 2
"""The first version that can allow a rename from one folder to another, which git needs."""
_TRUNCATES = 3
_DEVICES = (
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@cache
def version() -> int:
    """The version that the kernel speaks; 0 when it has none, or one too old for us."""
    try:
        found = syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0
    return found if found >= _OLDEST else 0


def confined(writable: Iterable[str], act: Callable[[], T]) -> T:
    """Do something, such as start a process, in a thread that may write nowhere else.

    Args:
        writable: files and folders below which it may write; those that do not exist are passed over.

    Raises:
        OSError: the kernel refused; nothing was done.
    """
    ruleset = _ruleset(writable)
    try:
        return in_thread(partial(_restricted, ruleset, act))
    finally:
        os.close(ruleset)


def _ruleset(writable: Iterable[str]) -> int:
    handled = _WRITE_FILE | _IN_FOLDERS | (_TRUNCATE if version() >= _TRUNCATES else 0)
    attributes = ctypes.c_uint64(handled)
    ruleset = syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    try:
        for path in (*_DEVICES, *writable):
            _allow(ruleset, path, handled)
    except BaseException:
        os.close(ruleset)
        raise
    return ruleset


def _restricted(ruleset: int, act: Callable[[], T]) -> T:
    """For a thread that does nothing else any more: it is bound for good."""
    if libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    syscall(_RESTRICT_SELF, ruleset, 0)
    return act()


def _allow(ruleset: int, path: str, handled: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(parent).st_mode)
        allowed = handled if is_folder else handled & (_WRITE_FILE | _TRUNCATE)
        rule = _Beneath(allowed, parent)
        syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
