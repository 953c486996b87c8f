"""The relay between compute nodes without internet and a login node that has it.

On the login node: ``aexp relay serve``. On the compute node::

    from aexp.airgapped import RelayClient
    RelayClient().pull()

Everything here is loaded when it is first used, and this file imports nothing that an interpreter has not
loaded by itself: ``python -m aexp.airgapped`` runs it before the current folder is off the path.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aexp.airgapped.client import RelayClient, request
    from aexp.airgapped.daemon import RelayDaemon
    from aexp.airgapped.defaults import open_queue
    from aexp.airgapped.handle import RelayHandle
    from aexp.airgapped.inspection import DaemonView
    from aexp.airgapped.validation import validate_request
    from aexp.domain.consent import State
    from aexp.domain.errors import (
        RelayAnswerError,
        RelayBusyError,
        RelayCancelledError,
        RelayConnectionError,
        RelayCrashedError,
        RelayDownError,
        RelayError,
        RelayExpiredError,
        RelayNotFoundError,
        RelayRejectedError,
        RelayStartError,
        RelayStorageError,
        RelayTimeLimitError,
        RelayTimeoutError,
        RelayValidationError,
    )
    from aexp.domain.operations import ALLOWED, OpSpec
    from aexp.domain.requests import RelayResult

__all__ = [
    "ALLOWED",
    "DaemonView",
    "OpSpec",
    "RelayAnswerError",
    "RelayBusyError",
    "RelayCancelledError",
    "RelayClient",
    "RelayConnectionError",
    "RelayCrashedError",
    "RelayDaemon",
    "RelayDownError",
    "RelayError",
    "RelayExpiredError",
    "RelayHandle",
    "RelayNotFoundError",
    "RelayRejectedError",
    "RelayResult",
    "RelayStartError",
    "RelayStorageError",
    "RelayTimeLimitError",
    "RelayTimeoutError",
    "RelayValidationError",
    "State",
    "open_queue",
    "request",
    "validate_request",
]

_HOMES = {
    "RelayClient": "aexp.airgapped.client",
    "request": "aexp.airgapped.client",
    "RelayDaemon": "aexp.airgapped.daemon",
    "DaemonView": "aexp.airgapped.inspection",
    "RelayHandle": "aexp.airgapped.handle",
    "open_queue": "aexp.airgapped.defaults",
    "validate_request": "aexp.airgapped.validation",
    "State": "aexp.domain.consent",
    "ALLOWED": "aexp.domain.operations",
    "OpSpec": "aexp.domain.operations",
    "RelayResult": "aexp.domain.requests",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "aexp.domain.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
