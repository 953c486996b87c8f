"""A check-up of a queue from the node that it runs on: each check looks at one thing and says what to do.

The checks stand in one table, in the order of their telling. One that fails does not keep the others from
being made. What they write lies in the queue's ``tmp/`` for a moment and is removed again.
"""

from collections.abc import Callable, Iterator

from aexp.airgapped.checkup.ground import Check, Found, Ground
from aexp.airgapped.checkup.of_login_node import ON_THE_LOGIN_NODE
from aexp.airgapped.checkup.of_queue import ON_EITHER_NODE
from aexp.domain.errors import AexpError
from aexp.domain.findings import Finding, fail

LIMIT_S = 10.0
"""Seconds that a check may take. Judging a beat that looks old takes most of them."""
STUCK_S = 1.0
"""The same once a check has run out of time: then most that follow hang on the same file server."""

CHECKS = (*ON_EITHER_NODE, *ON_THE_LOGIN_NODE)

Guard = Callable[[float, Callable[[], Found]], Found]


def examine(ground: Ground, guard: Guard | None = None) -> Iterator[Finding]:
    """Every check's findings, in the order of the table, each as soon as it is there.

    Args:
        guard: makes a look with a limit in seconds and raises TimeoutError beyond it; by default there
            is no limit.
    """
    limit = LIMIT_S
    for check in CHECKS:
        found: Found
        try:
            found = _looked(check, ground, guard, limit)
        except AexpError as exc:
            found = fail(check.name, exc.what, exc.hint or check.fix)
        except OSError as exc:
            if isinstance(exc, TimeoutError):
                limit = STUCK_S
            found = fail(check.name, f"it could not be looked at: {exc.strerror or exc}", check.fix)
        if isinstance(found, Finding):
            yield found
        elif found is not None:
            yield from found


def _looked(check: Check, ground: Ground, guard: Guard | None, limit_s: float) -> Found:
    def look() -> Found:
        return check.look(ground, check.name)

    def begin() -> None:
        _ = ground.serves_here

    if guard is None:
        return look()
    if check.limit_s is None:
        return guard(limit_s, look)
    # What may take long, and starts programs, is not begun while the queue hangs.
    guard(limit_s, begin)
    return guard(check.limit_s, look)
