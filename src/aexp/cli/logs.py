"""Where the audit trail goes."""

import contextlib
import errno
import logging
import logging.handlers
import os
import re
import stat
import time
from pathlib import Path
from typing import Any

from aexp.adapters.remedies import reason, remedy
from aexp.adapters.terminal_output import TerminalOutput
from aexp.domain.errors import AexpError, RelayStorageError, SettingsError

logger = logging.getLogger("aexp.relay")

MAX_BYTES = 8 << 20
KEPT = 3
LOOK_EVERY_S = 1.0
_FULL = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
_FULL.converter = time.gmtime
_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}(?:[0-9a-f]{32})?\b")
_CLIENT = re.compile(r" client=\S+")
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


STANDARD_ERROR = "on standard error"
"""Where the trail goes that goes into no file, for people."""


def log_to(
    log: str | None, folder: str | None, terminal: TerminalOutput | None, on_node: Path
) -> str:
    """Send the audit trail to a file, or to standard error.

    Args:
        log: a path, ``-`` for standard error, None for ``daemon.log`` in the queue.
        folder: the queue's folder, if it has one.
        terminal: what standard error is, if it is a terminal.
        on_node: where a queue without a folder logs, on this node's own disk.

    Returns:
        Where it goes, for people.

    Raises:
        SettingsError: the file cannot be written.
        RelayStorageError: the same, for the one in the queue.
    """
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
    if log == "-":
        _add(logging.StreamHandler() if terminal is None else _OnTerminal(terminal), _FULL)
        return STANDARD_ERROR
    if log is not None or folder is None:
        path = on_node if log is None else Path(log).expanduser().absolute()
        _add(_file(path, SettingsError(f"The log {path} cannot be written")), _FULL)
        return str(path)
    path = Path(f"{folder}/daemon.log")
    _add(_file(path, RelayStorageError(f"The queue {folder} cannot be written")), _FULL)
    return str(path)


def show_on_terminal(terminal: TerminalOutput) -> None:
    """Show the audit trail on a terminal as well, in short lines. Repeatable."""
    if not any(isinstance(handler, _OnTerminal) for handler in logger.handlers):
        _add(_OnTerminal(terminal), _Short("%(asctime)s %(message)s", "%H:%M:%S"))


class _OnTerminal(logging.Handler):
    """Leaves lines out while the terminal takes none (Ctrl-S), and says how many: a daemon cannot wait."""

    def __init__(self, terminal: TerminalOutput) -> None:
        super().__init__()
        self._terminal = terminal
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        gap = f"... {self._left_out} lines left out\n" if self._left_out else ""
        line = f"{gap}{self.format(record)}\n"
        taken = self._terminal.write(line.encode(errors="backslashreplace"))
        self._left_out = 0 if taken else self._left_out + 1


class _Short(logging.Formatter):
    """Ids and digests by their first digits, and not who asked: the full lines are in the log."""

    def format(self, record: logging.LogRecord) -> str:
        return _CLIENT.sub("", _ID.sub(r"\1", super().format(record)))


def _file(path: Path, failure: AexpError) -> logging.Handler:
    try:
        return _PrivateLog(path, maxBytes=MAX_BYTES, backupCount=KEPT)
    except OSError as exc:
        raise type(failure)(f"{failure.what}: {reason(exc)}.", remedy(exc)) from exc


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """A rotating log for the owner alone, which is begun anew when it was deleted.

    Whether it was, and how long it is, is asked at most once a second: thousands of lines may come in one.
    """

    _look_due = float("-inf")
    _looks = False

    def _open(self) -> Any:
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, _FLAGS, 0o600)
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            os.close(handle)
            raise OSError(errno.EINVAL, "it is not a plain file", str(path))
        return os.fdopen(handle, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        self._looks = now >= self._look_due
        if self._looks:
            self._look_due = now + LOOK_EVERY_S
            self._begin_anew_if_replaced()
        super().emit(record)

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        return self._looks and bool(super().shouldRollover(record))

    def _begin_anew_if_replaced(self) -> None:
        if self.stream is None or _is_at(self.stream.fileno(), self.baseFilename):
            return
        # What stands there now may be no plain file. A log that cannot be begun anew must not end the
        # daemon: its lines go on to the file that was there before.
        with contextlib.suppress(OSError):
            fresh = self._open()
            self.stream.close()
            self.stream = fresh


def _is_at(handle: int, path: str) -> bool:
    """Whether the open file is the one that stands at ``path``."""
    try:
        there = os.lstat(path)
    except OSError:
        return False
    return os.path.samestat(os.fstat(handle), there)


def _add(handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    logger.addHandler(handler)
