"""Where the audit trail goes."""

import errno
import logging
import logging.handlers
import os
import stat
import time
from pathlib import Path
from typing import Any

from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import SettingsError

MAX_BYTES = 8 << 20
KEPT = 3
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def log_to(log: str | None, folder: str | None, *, tty: bool) -> str:
    """Send the audit trail to a file, and on a terminal to standard error as well.

    Args:
        log: a path, ``-`` for standard error alone, None for ``daemon.log`` in the queue.
        folder: the queue's folder; a queue without one logs to standard error.
        tty: whether standard error is a terminal.

    Returns:
        Where it goes, for people.

    Raises:
        SettingsError: the file cannot be written.
    """
    logger = logging.getLogger("aexp.relay")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
    if log is None and folder is not None:
        log = f"{folder}/daemon.log"
    to_file = log is not None and log != "-"
    if tty or not to_file:
        _add(logger, logging.StreamHandler(), "%H:%M:%S")
    if log is None or not to_file:
        return "standard error"
    _add(logger, _file(Path(log).expanduser().absolute()), "%Y-%m-%dT%H:%M:%SZ")
    return log


def _file(path: Path) -> logging.Handler:
    try:
        return _PrivateLog(path, maxBytes=MAX_BYTES, backupCount=KEPT)
    except OSError as exc:
        raise SettingsError(
            f"The log {path} cannot be written: {reason(exc)}.", remedy(exc)
        ) from exc


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """A rotating log for the owner alone, which is begun anew when it was deleted."""

    def _open(self) -> Any:
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, _FLAGS, 0o600)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "it is not a plain file", str(path))
        return os.fdopen(handle, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None and not os.path.exists(self.baseFilename):
            self.stream.close()
            self.stream = self._open()
        super().emit(record)


def _add(logger: logging.Logger, handler: logging.Handler, date: str) -> None:
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", date)
    if date.endswith("Z"):
        formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger.addHandler(handler)
