"""Doing one thing in a thread of its own."""

import errno
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_thread(act: Callable[[], T]) -> T:
    """Wait for what it returns; what it raises is raised here."""
    return _started(act, daemon=False, limit_s=None).result()


def within(seconds: float, look: Callable[[], T]) -> T:
    """What ``look`` returns or raises, if that comes in time.

    A call to a file server that has gone never comes back, and no signal ends it; the thread that is in
    such a call is left to itself and ends with the process.

    Raises:
        TimeoutError: it has not come after ``seconds``.
    """
    done = _started(look, daemon=True, limit_s=seconds)
    if not done.done():
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s")
    return done.result()


def _started(act: Callable[[], T], *, daemon: bool, limit_s: float | None) -> "Future[T]":
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except BaseException as exc:  # noqa: BLE001 - raised again in the thread that asked
            done.set_exception(exc)

    thread = Thread(target=run, name="aexp-aside", daemon=daemon)
    thread.start()
    thread.join(limit_s)
    return done
