"""A terminal that may be stopped or gone, written to without ever waiting for it."""

import os

_FLAGS = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class TerminalOutput:
    """What is written comes out whole and in order, or not at all.

    The terminal is opened anew: to switch the waiting off on a descriptor that was inherited would switch it
    off for the shell, too, which shares it.

    Args:
        descriptor: an open terminal, such as that of standard error.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._path = f"/proc/self/fd/{descriptor}"
        self._handle: int | None = None
        self._rest = b""

    def write(self, data: bytes) -> bool:
        """Write all of it, or nothing; False when the terminal takes nothing now, or is not there.

        Of what it takes in part the rest is kept and comes first the next time: half of an escape
        sequence would swallow whatever follows.
        """
        if not self.flush():
            return False
        done = self._write(data)
        if done:
            self._rest = data[done:]
        return done > 0

    def flush(self) -> bool:
        """Write the rest of what was begun; True when there is none left."""
        if self._rest:
            self._rest = self._rest[self._write(self._rest) :]
        return not self._rest

    def close(self) -> None:
        """Give the terminal up. Repeatable; what is written afterwards opens it again."""
        self._rest = b""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write(self, data: bytes) -> int:
        try:
            if self._handle is None:
                self._handle = os.open(self._path, _FLAGS)
            return os.write(self._handle, data)
        except BlockingIOError:
            return 0
        except OSError:
            # It was hung up, or belongs to somebody else (after `su`). The next one may be another.
            self.close()
            return 0
