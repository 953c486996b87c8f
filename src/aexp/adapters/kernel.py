"""What the kernel has and Python may lack: conda's and older ones of uv were built without these calls.

The C library is loaded only where Python lacks one.
"""

import errno
import os
import signal

_PIDFD_SEND_SIGNAL, _PIDFD_OPEN = 424, 434  # the same on every architecture
_MEMFD_CREATE = {"x86_64": 319, "aarch64": 279, "ppc64le": 360, "s390x": 350, "riscv64": 279}
_MFD_CLOEXEC = 1
_NOT_HERE = (errno.ENOSYS, errno.EPERM)
"""What a kernel without the call says, or a container that forbids it."""


def process_descriptor(pid: int) -> int | None:
    """A descriptor that stays with a process whatever becomes of its number, readable when it has ended.

    Returns:
        None where the kernel has none (before Linux 5.3): then the number alone names the process, and
        its end is noticed by asking again.

    Raises:
        ProcessLookupError: there is no such process.
        OSError: it cannot be had now, such as when too many files are open.
    """
    try:
        if hasattr(os, "pidfd_open"):
            return os.pidfd_open(pid)
        handle = _syscall(_PIDFD_OPEN, pid, 0)
    except OSError as exc:
        if exc.errno in _NOT_HERE:
            return None
        raise
    os.set_inheritable(handle, False)
    return handle


def send_signal(handle: int | None, pid: int, number: signal.Signals) -> None:
    """Send a signal to a process.

    Args:
        handle: what :func:`process_descriptor` gave.

    Raises:
        ProcessLookupError: it has ended.
    """
    if handle is None:
        os.kill(pid, number)
    elif hasattr(signal, "pidfd_send_signal"):
        signal.pidfd_send_signal(handle, number)
    else:
        _syscall(_PIDFD_SEND_SIGNAL, handle, int(number), None, 0)


def anonymous_file(name: str) -> int:
    """A descriptor of an empty file that has no name, to read and write; children do not inherit it.

    It lies in memory (memfd_create(2)); where that cannot be had, in the private folder of this machine, from
    which it was removed before anything is in it.

    Args:
        name: what ``/proc`` shows.

    Raises:
        SettingsError: there is no such memory, and the folder cannot be used.
        OSError: it cannot be had now.
    """
    try:
        if hasattr(os, "memfd_create"):
            return os.memfd_create(name)
        number = _MEMFD_CREATE.get(os.uname().machine)
        if number is not None:
            return _syscall(number, os.fsencode(name), _MFD_CLOEXEC)
    except OSError as exc:
        if exc.errno not in _NOT_HERE:
            raise
    return _unlinked_file()


def _syscall(number: int, *arguments: object) -> int:
    from aexp.adapters.libc import syscall

    return syscall(number, *arguments)


def _unlinked_file() -> int:
    import tempfile

    from aexp.adapters.node_local import private_base

    with tempfile.TemporaryFile(dir=private_base(os.environ)) as file:
        return os.dup(file.fileno())
