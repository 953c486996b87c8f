"""Exit codes, after sysexits.h where it has one that fits; the list for users is in ``docs/cli.md``."""

from aexp.domain import errors
from aexp.domain.errors import AexpError

INVALID = 65
NOT_FOUND = 66
DOWN = 69
CRASHED = 70
BUSY = 73
STORAGE = 74
TIMED_OUT = 75
REJECTED = 77
SETTINGS = 78
INTERRUPTED = 130

# The first class that fits counts, so the narrow ones come first.
_CODES: tuple[tuple[type[AexpError], int], ...] = (
    (errors.RelayValidationError, INVALID),
    (errors.SandboxError, INVALID),
    (errors.InstallError, INVALID),
    (errors.RelayNotFoundError, NOT_FOUND),
    (errors.RelayDownError, DOWN),
    (errors.RelayBusyError, BUSY),
    (errors.RelayTimeoutError, TIMED_OUT),
    (errors.RelayRejectedError, REJECTED),
    (errors.RelayCancelledError, REJECTED),
    (errors.RelayStorageError, STORAGE),
    (errors.FilesystemError, STORAGE),
    (errors.HistoryError, STORAGE),
    (errors.SettingsError, SETTINGS),
)


def exit_code(error: AexpError) -> int:
    """The exit code that tells a script what kind of error it was; 70 where none fits better."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), CRASHED)


def of_operation(returncode: int) -> int:
    """An operation's own status as a shell would show it: 128 plus the number for a signal."""
    return returncode if returncode >= 0 else 128 - returncode
