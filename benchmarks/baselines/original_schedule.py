"""Our own daemon and client with the waits of the original design, to tell what the schedule alone does.

The daemon looks every 500 ms and the client every 250 ms, always. Both are started with file events switched
off, the daemon with one command at a time. Everything else is ours, so that nothing but the waiting differs.
"""

import sys
from collections.abc import Callable
from types import ModuleType

DAEMON_S = 0.5
CLIENT_S = 0.25
_WAITS = {"daemon_wait": DAEMON_S, "client_wait": CLIENT_S}
_ALSO = {"markers_wait": DAEMON_S}
"""Waits that there may be besides; the original looked at everything each time."""
_USERS = ("aexp.airgapped.", "aexp.adapters.")


def apply(polling: ModuleType | None = None) -> None:
    """Replace the waiting policy of this process; to be called before anything else of the relay is imported.

    Args:
        polling: the module that holds the policy, for tests.

    Raises:
        RuntimeError: the policy is not where it was, or somebody has imported it already.
    """
    if polling is None:
        _must_be_first()
        from aexp.domain import polling
    lacking = [name for name in _WAITS if not hasattr(polling, name)]
    if lacking:
        raise RuntimeError(f"aexp.domain.polling has no {lacking[0]}; this baseline must follow it")
    for name, seconds in {**_WAITS, **_ALSO}.items():
        if hasattr(polling, name):
            setattr(polling, name, _always(seconds))


def _always(seconds: float) -> Callable[..., float]:
    return lambda *_, **__: seconds


def _must_be_first() -> None:
    users = [name for name in sys.modules if name.startswith(_USERS)]
    if users:
        raise RuntimeError(f"{users[0]} was imported before its waits could be replaced")


def main() -> None:
    """``aexp relay ARGS`` on the original schedule."""
    apply()
    from aexp.cli.main import main as aexp

    sys.argv[1:1] = ["relay"]
    aexp()


if __name__ == "__main__":
    main()
