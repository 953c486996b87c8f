"""The clock of this machine."""

import time

from aexp.ports.clock import Clock


class SystemClock(Clock):
    """Real time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
