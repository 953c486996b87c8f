"""The check-up of a queue: whose it is, and whether the storage keeps its promises."""

import os
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped.checkup.probes import PROBES
from aexp.domain.findings import Finding, Level
from aexp.domain.profiles import PROFILES
from tests.surgery import FOLDER, FolderStorage, Surgery, told


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


@pytest.mark.parametrize(
    ("distrust", "what", "fix"),
    [
        ("/q can be written by others (mode 0777). Type: chmod go-w /q",
         "/q can be written by others (mode 0777)", "Type: chmod go-w /q"),
        ("/q belongs to another user (uid 3). Name a folder of your own with --queue.",
         "/q belongs to another user (uid 3)", "Name a folder of your own with --queue."),
        ("/a. b is not a folder. Move it away; the daemon makes the folder.",
         "/a. b is not a folder", "Move it away; the daemon makes the folder."),
        ("Whoever reaches it can write this queue: it asks for no password. Have users made. Or trust them.",
         "Whoever reaches it can write this queue: it asks for no password",
         "Have users made. Or trust them."),
        ("odd", "odd", f"Look at it: ls -la {FOLDER}"),
    ],
)  # fmt: skip
def test_a_queue_that_others_can_write_fails(
    surgery: Surgery, distrust: str, what: str, fix: str
) -> None:
    surgery.storage.distrust = distrust
    assert told(surgery.findings()["queue"]) == ("fail", what, fix)


class _Broken(FolderStorage):
    """A storage that breaks one promise."""

    def __init__(self, clock: ManualClock, how: str) -> None:
        super().__init__(clock)
        self.how = how

    def list(self, folder: str) -> list[str]:
        return [] if self.how == "create" and folder == "tmp" else super().list(folder)

    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        made = super().put_new(name, data, durable=durable)
        return made or self.how == "exclusive"

    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        if self.how == "move":
            self.put(dst, self.read(src))
            return True
        return super().take(src, dst)

    def remove(self, name: str) -> None:
        if self.how != "remove":
            super().remove(name)


@pytest.mark.parametrize("how", ["create", "exclusive", "move", "remove"])
def test_a_storage_that_breaks_its_promise_fails_in_that_line(how: str) -> None:
    found = Surgery(_Broken(ManualClock(), how)).findings()
    assert found[how].level is Level.FAIL
    assert found[how].fix.endswith("name a queue on another one with --queue.")
    failed = {name for name, finding in found.items() if finding.level is Level.FAIL}
    # A listing that shows nothing does not show what was moved either.
    assert failed == ({"create", "move"} if how == "create" else {how})


@pytest.mark.parametrize("profile", [*PROFILES])
def test_a_real_folder_keeps_every_promise_in_every_profile(tmp_path: Path, profile: str) -> None:
    surgery = Surgery()
    (tmp_path / "queue").mkdir(mode=0o700)
    surgery.storage = open_file_queue(str(tmp_path / "queue"), surgery.clock, profile)  # type: ignore[assignment]
    ground = surgery.ground()
    found = [probe.look(ground, probe.name) for probe in PROBES]
    assert {one.level for one in found if isinstance(one, Finding)} == {"ok"}
    assert len(found) == 4
    assert os.listdir(tmp_path / "queue") == ["tmp"]
    assert os.listdir(tmp_path / "queue/tmp") == []
