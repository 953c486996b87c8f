"""What was remembered, in memory, for tests."""

from dataclasses import dataclass

from aexp.domain.serving import Setup
from aexp.ports.last_setup import LastSetup


@dataclass
class MemorySetup(LastSetup):
    """See the module.

    Attributes:
        kept: what was remembered last.
    """

    kept: Setup | None = None

    def remember(self, setup: Setup) -> None:
        self.kept = setup

    def get(self) -> Setup | None:
        return self.kept
