"""What a client sees of a served queue holds through a real sshd and a key with a forced command as well."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.airgapped import open_queue
from aexp.testing import Place, RelayContract
from tests.login_host import LoginHost


@dataclass
class _Home:
    """A home on the login node."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        state = str(self.home.parent / "node")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "AEXP_RELAY_STATE": state}


class TestSshd(RelayContract):
    transport = "ssh (sshd)"

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
        host = LoginHost(_Home(tmp_path / "home"), tmp_path / "ssh")
        monkeypatch.setenv("PATH", host.env["PATH"])

        yield Place(
            lambda: open_queue("ssh://login/~/repo", SystemClock()),
            lambda: open_queue(f"{tmp_path}/home/.relay", SystemClock()),
        )
        host.close()
