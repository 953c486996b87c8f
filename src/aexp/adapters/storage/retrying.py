"""Trying again what a file server refused for a moment, a bounded number of times."""

import errno
from collections.abc import Callable
from typing import TypeVar

from aexp.ports.clock import Clock

T = TypeVar("T")

TRANSIENT = frozenset({errno.ESTALE, errno.EINTR, errno.EAGAIN})
FIRST_WAIT_S = 0.02


def is_transient(exc: BaseException) -> bool:
    """Whether the same call may well succeed in a moment."""
    return isinstance(exc, OSError) and exc.errno in TRANSIENT


def patiently(call: Callable[[], T], clock: Clock, attempts: int) -> T:
    """The call's result; after a transient error, that of one of the further attempts.

    The call must be safe to repeat. The last attempt's error is raised as it is.
    """
    try:
        return call()
    except OSError as exc:
        if not is_transient(exc):
            raise
    # Imported late: most processes never meet a transient error, and starting fast matters to them.
    import tenacity

    again = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts - 1),
        wait=tenacity.wait_exponential(multiplier=FIRST_WAIT_S, max=1.0),
        retry=tenacity.retry_if_exception(is_transient),
        sleep=clock.sleep,
        reraise=True,
    )
    clock.sleep(FIRST_WAIT_S)
    return again(call)
