"""A client's own judgement of a request, so that a mistake is an error at once."""

from collections.abc import Sequence
from functools import cached_property

from aexp.airgapped import defaults
from aexp.domain.errors import RelayValidationError
from aexp.domain.validation import CWD_DO, CwdPolicy, ValidRequest, validate_request
from aexp.ports.filesystem import Filesystem
from aexp.ports.storage import QueueStorage


class RequestJudge:
    """Holds the rules against a request: those of this machine, or of the one where it is to run.

    Args:
        names: the open top-level names under the home, as they are set here.
    """

    def __init__(self, storage: QueueStorage, filesystem: Filesystem, names: str) -> None:
        self._storage = storage
        self._filesystem = filesystem
        self._names = names

    @cached_property
    def _policy(self) -> CwdPolicy:
        """What the daemon will hold against a request; it asks again itself, so this need not be fresh."""
        names = defaults.cwd_names(self._names)
        return defaults.cwd_policy(self._filesystem, self._storage.folder, names)

    def validated(self, op: str, args: Sequence[str] | None, cwd: str) -> ValidRequest:
        """What the rules make of it.

        Raises:
            RelayValidationError: they do not allow it, or the folder does not exist.
            RelayConnectionError: the machine where it is to run cannot be asked.
        """
        if isinstance(args, str):
            raise RelayValidationError("args", "is text, not a list", "a list of text")
        payload = {"op": op, "args": list(args or ()), "cwd": cwd}
        if self._storage.far is not None:
            return self._storage.far.checked(payload)
        policy = self._policy
        valid = validate_request(payload, policy)
        if policy.kind(str(valid.cwd)) is None:
            raise RelayValidationError("cwd", f"'{valid.cwd}' does not exist", do=CWD_DO)
        return valid
