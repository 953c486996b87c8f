"""What ends a wait from outside says how to go on with it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def noting(note: str, *also: type[BaseException]) -> Iterator[None]:
    """Add the note to a Ctrl-C that ends the block, which Python and notebooks show below the traceback.

    Args:
        also: other exceptions that end a wait, such as the one of a task that is cancelled.
    """
    ends: tuple[type[BaseException], ...] = (KeyboardInterrupt, *also)
    try:
        yield
    except ends as exc:
        exc.add_note(note)
        raise
