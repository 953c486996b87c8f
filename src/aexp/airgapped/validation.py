"""The closed list's judgement, for callers who have nothing but a payload."""

from aexp.airgapped import defaults
from aexp.domain import validation
from aexp.domain.validation import CwdPolicy, ValidRequest


def validate_request(payload: object, policy: CwdPolicy | None = None) -> ValidRequest:
    """``(op, args, cwd)`` of a payload that the daemon would run.

    Args:
        payload: what a request file holds, parsed.
        policy: where operations may work; by default below this user's home, outside the default
            queue, narrowed to the folders that are open.

    Raises:
        RelayValidationError: names the field, what is wrong with it and what is allowed.
    """
    if policy is None:
        queue = defaults.open_queue(None, defaults.system_clock())
        policy = defaults.cwd_policy(defaults.local_filesystem(), queue.folder)
    return validation.validate_request(payload, policy)
