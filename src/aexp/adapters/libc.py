"""The C library, for the calls that Python has no function for."""

import ctypes
import os
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    """The library that this process is linked with."""
    return ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: object) -> int:
    """What a system call returns (syscall(2)).

    Raises:
        OSError: it failed, with its number.
    """
    result: int = libc().syscall(
        ctypes.c_long(number),
        *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments),
    )
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
