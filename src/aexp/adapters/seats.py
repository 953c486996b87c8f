"""Seats: how many processes of one kind may be on this machine at once.

A seat is a file that a process has locked (flock(2)). The kernel frees it when the process ends.
"""

import fcntl
import os
import random
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def take_seat(folder: Path, most: int) -> int | None:
    """A descriptor that holds a seat until it is closed; None when all are taken.

    Args:
        folder: where the seats are; this machine's alone, and nobody else's.
        most: how many there are.

    Raises:
        OSError: the folder cannot be used.
    """
    # From anywhere on: those who come at once would meet at each seat.
    first = random.randrange(most)  # noqa: S311
    for number in range(most):
        seat = os.open(folder / str((first + number) % most), _FLAGS, 0o600)
        try:
            fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(seat)
        else:
            return seat
    return None
