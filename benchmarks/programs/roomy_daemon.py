"""``aexp relay ARGS`` with room for any number of requests that wait for consent.

As it comes, a daemon lets a hundred wait and refuses the rest; what ten thousand would cost could not be
measured then. It also takes over those of a daemon before it at once, and not a second's worth at each beat.
"""

import sys
from dataclasses import dataclass

from aexp.domain import limits

ROOM = 20_000
AT_ONCE_S = 300.0


@dataclass(frozen=True)
class RoomyLimits(limits.Limits):
    """Limits that nobody reaches."""

    pending: int = ROOM
    pending_per_copy: int = ROOM


def main() -> None:
    """Serve with them."""
    # Before anything imports the class by its name.
    limits.Limits = RoomyLimits  # type: ignore[misc]
    from aexp.airgapped import adoption
    from aexp.cli.main import main as aexp

    adoption.ADOPTING_S = AT_ONCE_S

    sys.argv[1:1] = ["relay"]
    aexp()


if __name__ == "__main__":
    main()
