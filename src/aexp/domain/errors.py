"""Every error that aexp raises on purpose, under one root.

An error says what happened, to which file or request, and (in ``hint``) what to do next.
All arguments are positional in ``args``, so that errors survive pickling between processes.
"""

import sys
from collections.abc import Callable


class AexpError(Exception):
    """The root of all errors of this package.

    Attributes:
        what: what happened, with the file or the request concerned.
        hint: what to do next; may be empty.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from aexp.domain.notebook import error_bundle

        return error_bundle(self)

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        """What IPython shows instead of a traceback, while it handles this error and nobody caught it.

        Raises:
            AttributeError: nobody handles it now. So ``%tb``, which looks back at it, shows all of it.
        """
        if sys.exception() is not self:
            raise AttributeError("_render_traceback_")
        from aexp.domain.notebook import error_lines

        return lambda: error_lines(self)


class FilesystemError(AexpError):
    """A file or folder outside the queue could not be read, made or resolved."""


class HistoryError(AexpError):
    """git could not tell what it knows of a folder, or could not move it; nothing was changed."""


class SettingsError(AexpError):
    """A setting (keyword, environment variable or option) has a value that cannot be used."""


class SandboxError(AexpError):
    """The root of the errors of :mod:`aexp.sandbox`."""


class SandboxScaffoldError(SandboxError):
    """A sandbox could not be made; nothing was changed."""


class InstallError(AexpError):
    """The commands could not be installed into a repository; what was done before is told, and whole."""


class RelayError(AexpError):
    """The root of the errors of :mod:`aexp.airgapped`.

    Attributes:
        request_id: the request concerned, or None where there is none yet.
    """

    def __init__(self, what: str, hint: str = "", request_id: str | None = None) -> None:
        super().__init__(what, hint)
        self.args = (what, hint, request_id)
        self.request_id = request_id


class RelayDownError(RelayError):
    """No daemon is serving the queue: its beat is missing or has stopped changing."""


class RelayValidationError(RelayError):
    """The request is not one that the closed list allows; nothing was run.

    Attributes:
        field: the part of the request that was refused, for example ``args[0]``.
        problem: what was wrong with it.
        allowed: what would be accepted, where that can be listed.

    Args:
        do: what to do next, as whole sentences, where a list would not say it; the hint in place of
            ``allowed``.
    """

    def __init__(
        self,
        field: str,
        problem: str,
        allowed: str = "",
        request_id: str | None = None,
        do: str = "",
    ) -> None:
        hint = do or (f"Allowed: {allowed}." if allowed else "")
        super().__init__(f"The request's {field} {problem}.", hint, request_id)
        self.args = (field, problem, allowed, request_id, do)
        self.field = field
        self.problem = problem
        self.allowed = allowed


class ProgramMissingError(RelayValidationError):
    """The request needs a program that this daemon has not; one that was started otherwise may have it."""


class RelayRejectedError(RelayError):
    """A person refused the request, or a rule of the daemon did; nothing was run."""


class RelayTimeoutError(RelayError):
    """No answer within the caller's patience. The request goes on; its id picks it up again."""


class RelayExpiredError(RelayTimeoutError):
    """The request waited too long (for consent, or for a daemon) and will never run."""


class RelayTimeLimitError(RelayTimeoutError):
    """The operation ran longer than its time limit and was ended."""


class RelayCrashedError(RelayError):
    """The daemon lost the operation: whether it took effect is not known."""


class RelayStartError(RelayCrashedError):
    """The operation's program could not be started; nothing was run."""


class RelayCancelledError(RelayError):
    """The request was cancelled by a client."""


class RelayNotFoundError(RelayError):
    """No request in the queue has this id or prefix, or more than one has."""


class RelayAnswerError(RelayError):
    """The answer in the queue cannot be understood."""


class RelayBusyError(RelayError):
    """Another daemon serves this queue."""


class RelayStorageError(RelayError):
    """The queue's storage failed: a file in it could not be read, written or moved."""

    def about(self, request_id: str, hint: str) -> "RelayStorageError":
        """The same failure, met by a request."""
        return RelayStorageError(self.what, hint, request_id)


class RelayConnectionError(RelayStorageError):
    """The login node could not be spoken to; never what an operation itself gave, whatever ssh exited with.

    Attributes:
        kind: why, a word of :class:`~aexp.domain.far.Broken`; empty where that is not known.
    """

    def __init__(
        self, what: str, hint: str = "", request_id: str | None = None, kind: str = ""
    ) -> None:
        super().__init__(what, hint, request_id)
        self.args = (what, hint, request_id, kind)
        self.kind = kind

    def about(self, request_id: str, hint: str) -> "RelayConnectionError":
        return RelayConnectionError(self.what, hint, request_id, self.kind)


class StorageFullError(RelayStorageError):
    """There is no space or quota left for what was to be written."""


class StorageMissingError(RelayStorageError):
    """The name is not in the storage (any more)."""


class StorageForbiddenError(RelayStorageError):
    """The storage does not let this user do it; whoever may must."""


class StorageUnfitError(RelayStorageError):
    """The name is in the storage, but what it holds is not a plain file that may be read."""


class RelayNoticeError(RelayError):
    """A person could not be told that a request waits for consent; it waits all the same."""


class TransitionError(RelayError):
    """A request was asked to make a move that its state does not allow: always a defect of ours."""
