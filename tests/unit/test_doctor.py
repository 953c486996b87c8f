"""The check-up: what each check finds, what it says against it, and that it leaves nothing behind."""

import errno
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters import checkup as adapter
from aexp.adapters.checkup import LocalNodeFacts
from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.airgapped import doctor
from aexp.airgapped.doctor import CHECKS, LIMIT_S, STUCK_S, examine
from aexp.airgapped.heart import Heart
from aexp.airgapped.probing import Ground
from aexp.airgapped.queue import RelayQueue
from aexp.cli import doctor as command
from aexp.cli import exits
from aexp.domain import layout
from aexp.domain.checkup import (
    Finding,
    Level,
    LogOut,
    Mounted,
    Space,
    judge_filesystem,
    judge_log_out,
    judge_space,
    worst,
)
from aexp.domain.errors import RelayStartError, RelayStorageError
from aexp.domain.profiles import NFS, POSIX, PROFILES, Profile, profile_for

FOLDER = "/home/ada/.relay"


class FolderStorage(MemoryStorage):
    """A queue in memory that says it lies in a folder."""

    distrust: str | None = None

    @property
    def folder(self) -> str | None:
        return FOLDER

    @property
    def url(self) -> str:
        return FOLDER

    def untrusted(self, folders: Sequence[str]) -> str | None:
        assert set(folders) >= set(layout.FOLDERS)
        return self.distrust


class Files:
    """A filesystem on which the queue's folder stands or not."""

    there = True

    def kind(self, path: str) -> str | None:
        return "directory" if self.there else None


@dataclass
class Node:
    """A node about which all is known and well."""

    clock: ManualClock
    mount: Mounted | None = field(default_factory=lambda: Mounted("ext4", frozenset({"rw"})))
    room: Space | OSError = field(default_factory=lambda: Space(1 << 40, 1 << 20))
    server_behind_s: float = 0.0
    version: str | Exception = "git version 2.47.1 (/usr/bin/git)"
    found_git: bool = True
    found_lfs: str | None = "/usr/bin/git-lfs"
    socket: tuple[str, bool] | None = ("/run/agent", True)
    after: LogOut = field(default_factory=lambda: LogOut(kills=False, lingers=False))

    def mounted(self, path: str) -> Mounted | None:
        return self.mount

    def space(self, path: str) -> Space:
        if isinstance(self.room, OSError):
            raise self.room
        return self.room

    def changed_at(self, path: str) -> float:
        assert path.startswith(f"{FOLDER}/tmp/")
        return self.clock.wall() - self.server_behind_s

    def has_git(self) -> bool:
        return self.found_git

    def git(self) -> str:
        if isinstance(self.version, Exception):
            raise self.version
        return self.version

    def lfs(self) -> str | None:
        return self.found_lfs

    def agent(self) -> tuple[str, bool] | None:
        return self.socket

    def log_out(self) -> LogOut:
        return self.after


class Surgery:
    """A queue, a node and what a check-up says of them; the daemon's node is ``login1``."""

    def __init__(self, storage: FolderStorage | None = None, host: str = "login1") -> None:
        self.clock = ManualClock()
        self.storage = storage or FolderStorage(self.clock)
        self.node = Node(self.clock)
        self.files = Files()
        self.processes = FakeProcesses(host)

    def serve(self, **news: Any) -> FakeProcesses:
        """A daemon on ``login1`` beats, once."""
        daemon = FakeProcesses("login1", pid=7)
        facts = {"host": "login1", "pid": 7, "consent": "login"}
        Heart(self.storage, str(daemon.me), facts, self.clock).beat(**news)
        return daemon

    def findings(self, guard: Any = None) -> dict[str, Finding]:
        queue = RelayQueue(self.storage, self.processes, self.clock)
        ground = Ground(queue, self.clock, self.processes, self.files, self.node)  # type: ignore[arg-type]
        return {found.name: found for found in examine(ground, guard)}


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


def told(finding: Finding) -> tuple[str, str, str]:
    return str(finding.level), finding.what, finding.fix


def test_a_queue_that_is_well_is_ok_in_every_line(surgery: Surgery) -> None:
    surgery.serve()
    found = surgery.findings()
    same_node = {"daemon-clock"}
    assert [*found] == [check.name for check in CHECKS if check.name not in same_node]
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert not any(finding.fix for finding in found.values())
    assert found["daemon"].what == "serves on this node (pid 7), consent login"


@pytest.mark.parametrize("prepared", [True, False])
def test_nothing_is_left_in_the_queue(surgery: Surgery, prepared: bool) -> None:
    if prepared:
        surgery.serve()
    before = {name: surgery.storage.list(name) for name in ("", *layout.EVERY_FOLDER)}
    surgery.findings()
    assert before == {name: surgery.storage.list(name) for name in ("", *layout.EVERY_FOLDER)}


def test_before_the_first_serve_it_says_what_to_run_and_looks_into_no_queue(
    surgery: Surgery,
) -> None:
    surgery.files.there = False
    found = surgery.findings()
    assert told(found["queue"]) == (
        "warn",
        f"{FOLDER} is not there yet",
        f"Start one on the login node: aexp relay serve --queue {FOLDER}",
    )
    assert not {"create", "move", "server-clock", "daemon"} & set(found)
    assert {"filesystem", "space", "git"} <= set(found)
    assert worst(found.values()) is Level.WARN


@pytest.mark.parametrize(
    ("distrust", "what", "fix"),
    [
        ("/q can be written by others (mode 0777). Type: chmod go-w /q",
         "/q can be written by others (mode 0777)", "Type: chmod go-w /q"),
        ("/q belongs to another user (uid 3). Name a folder of your own with --queue.",
         "/q belongs to another user (uid 3)", "Name a folder of your own with --queue."),
        ("/a. b is not a folder. Move it away; the daemon makes the folder.",
         "/a. b is not a folder", "Move it away; the daemon makes the folder."),
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
    clock, processes = ManualClock(), FakeProcesses()
    (tmp_path / "queue").mkdir(mode=0o700)
    storage = open_file_queue(str(tmp_path / "queue"), clock, profile)
    queue = RelayQueue(storage, processes, clock)
    node = LocalNodeFacts(os.environ, str(tmp_path))
    ground = Ground(queue, clock, processes, LocalFilesystem(), node)
    found = {finding.name: finding.level for finding in examine(ground)}
    assert {found[name] for name in ("queue", "create", "exclusive", "move", "remove")} == {"ok"}
    assert os.listdir(tmp_path / "queue") == ["tmp"]
    assert os.listdir(tmp_path / "queue/tmp") == []


class _Failing(FolderStorage):
    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        raise RelayStorageError(f"{name} could not be created: no space is left.", "Free space.")


def test_a_check_that_fails_hides_no_other(surgery: Surgery) -> None:
    surgery.storage = _Failing(surgery.clock)
    surgery.node.room = OSError(errno.EIO, "Input/output error")
    found = surgery.findings()
    failed = {name for name, finding in found.items() if finding.level is Level.FAIL}
    assert failed == {"create", "exclusive", "move", "remove", "space", "server-clock"}
    assert found["move"].what.endswith("could not be created: no space is left.")
    assert found["move"].fix == "Free space."
    assert "Input/output error" in found["space"].what
    assert "df" in found["space"].fix
    assert found["git"].level is Level.OK


def test_after_a_check_that_hangs_the_others_are_waited_for_less(surgery: Surgery) -> None:
    limits = []

    def guard(limit: float, look: Callable[[], Finding | None]) -> Finding | None:
        limits.append(limit)
        if len(limits) == 2:
            raise TimeoutError(errno.ETIMEDOUT, "no answer within 10 s")
        return look()

    found = surgery.findings(guard)
    assert limits == [LIMIT_S, LIMIT_S, *[STUCK_S] * (len(CHECKS) - 2)]
    assert told(found["filesystem"])[:2] == (
        "fail",
        "it could not be looked at: no answer within 10 s",
    )
    assert found["space"].level is Level.OK


def test_what_is_shown_does_nothing_to_a_terminal(surgery: Surgery) -> None:
    surgery.serve(trouble="\x1b[2Kgone\u202e")
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert "\\x1b[2Kgone\\u202e" in finding.what
    assert Finding("x", Level.WARN, "\x07", "\x9b").fix == "\\x9b"


@pytest.mark.parametrize(
    ("kind", "options", "profile", "level", "words"),
    [
        ("nfs4", {"rw"}, None, "ok", "nfs4, profile nfs"),
        ("nfs4", {"rw", "nocto"}, None, "ok", "nocto"),
        ("nfs", {"noac", "acdirmax=600"}, None, "ok", "kept for up to 600 s"),
        ("lustre", {"rw"}, None, "ok", "without flock"),
        ("lustre", {"rw", "flock"}, None, "ok", "lustre, profile lustre"),
        ("ext4", {"rw"}, NFS, "ok", "profile nfs"),
        ("tmpfs", {"rw"}, None, "warn", "other nodes do not see"),
        ("nfs4", {"rw"}, POSIX, "warn", "nfs would fit"),
        ("nfs4", {"nocto"}, NFS, "warn", "nfs-nocto would fit"),
        ("nfs4", {"ro"}, None, "fail", "read-only"),
    ],
)
def test_filesystems(
    kind: str, options: set[str], profile: Profile | None, level: str, words: str
) -> None:
    chosen = profile or profile_for(kind, frozenset(options))
    finding = judge_filesystem("filesystem", Mounted(kind, frozenset(options)), chosen)
    assert finding.level == level
    assert words in finding.what
    assert bool(finding.fix) == (level != "ok")


def test_without_a_mount_table_the_filesystem_is_not_known() -> None:
    assert told(judge_filesystem("filesystem", None, POSIX))[0] == "ok"


@pytest.mark.parametrize(
    ("room", "level"),
    [
        (Space(64 << 20, 1000), "ok"),
        (Space(1 << 30, None), "ok"),
        (Space((64 << 20) - 1, 1000), "warn"),
        (Space(1 << 30, 999), "warn"),
        (Space(0, 1000), "fail"),
        (Space(1 << 30, 0), "fail"),
    ],
)
def test_space(room: Space, level: str) -> None:
    finding = judge_space("space", room)
    assert finding.level == level
    assert ("df -i" in finding.fix) == (level != "ok")


@pytest.mark.parametrize(
    ("behind_s", "words"),
    [(59.0, None), (-59.0, None), (300.0, "5 min ahead of"), (-90.0, "90 s behind")],
)
def test_the_clock_of_the_file_server(surgery: Surgery, behind_s: float, words: str | None) -> None:
    surgery.node.server_behind_s = behind_s
    finding = surgery.findings()["server-clock"]
    assert finding.level == ("ok" if words is None else "warn")
    assert words is None or (words in finding.what and finding.fix)


@pytest.mark.parametrize(
    ("skew_s", "words"), [(0.0, None), (64.0, None), (-59.0, None), (-90.0, "behind")]
)
def test_the_clock_of_the_daemons_node(skew_s: float, words: str | None) -> None:
    surgery = Surgery(host="gpu7")
    surgery.clock.skew = -skew_s
    daemon = surgery.serve()
    surgery.clock.skew = 0.0
    if abs(skew_s) > 30:
        # Judged by its changes, since it looks old at first sight.
        beats = iter(range(100))

        def beat_on() -> None:
            surgery.clock.skew = -skew_s
            facts = {"host": "login1", "pid": 7, "consent": "login", "n": next(beats)}
            Heart(surgery.storage, str(daemon.me), facts, surgery.clock).beat()
            surgery.clock.skew = 0.0

        surgery.clock.tick = beat_on
    found = surgery.findings()
    assert found["daemon"].what == "serves on login1 (pid 7), consent login"
    assert found["daemon-clock"].level == ("ok" if words is None else "warn")
    assert words is None or words in found["daemon-clock"].what


def test_no_daemon_is_a_warning_and_one_that_died_a_failure(surgery: Surgery) -> None:
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.WARN
    daemon = surgery.serve()
    surgery.processes.dead.add(str(daemon.me))
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert "gone from this machine" in finding.what
    assert "aexp relay serve" in finding.fix


def test_trouble_of_the_daemon_is_a_failure(surgery: Surgery) -> None:
    surgery.serve(trouble="the quota is used up")
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert finding.what.endswith("in trouble: the quota is used up")
    assert "aexp relay status" in finding.fix


ON_THE_LOGIN_NODE = {"git", "git-lfs", "ssh-agent", "log-out"}


def test_what_a_daemon_needs_is_looked_at_where_one_runs_or_could() -> None:
    elsewhere = Surgery(host="gpu7")
    elsewhere.serve()
    assert not ON_THE_LOGIN_NODE & set(elsewhere.findings())
    nowhere = Surgery(host="gpu7")
    assert set(nowhere.findings()) >= ON_THE_LOGIN_NODE
    nowhere.node.found_git = False
    assert not ON_THE_LOGIN_NODE & set(nowhere.findings())


def test_a_git_that_will_not_do_fails_where_the_daemon_runs(surgery: Surgery) -> None:
    surgery.node.version = RelayStartError("git is too old.", "Load a newer module.")
    finding = surgery.findings()["git"]
    assert told(finding) == (
        "warn",
        "not fit for a daemon on this node: git is too old.",
        "Load a newer module.",
    )
    surgery.serve()
    assert told(surgery.findings()["git"]) == ("fail", "git is too old.", "Load a newer module.")


class _Unreadable(FolderStorage):
    def list(self, folder: str) -> list[str]:
        raise RelayStorageError("it could not be listed.", "Check the mount.")


def test_a_queue_that_cannot_be_read_is_no_fault_of_git(surgery: Surgery) -> None:
    surgery.storage = _Unreadable(surgery.clock)
    found = surgery.findings()
    assert told(found["queue"]) == ("fail", "it could not be listed.", "Check the mount.")
    assert found["daemon"].level is Level.FAIL
    assert found["git"].level is Level.OK


@pytest.mark.parametrize("found_lfs", [None, "/usr/bin/git-lfs"])
def test_git_lfs_is_told_and_never_missed(surgery: Surgery, found_lfs: str | None) -> None:
    surgery.node.found_lfs = found_lfs
    finding = surgery.findings()["git-lfs"]
    assert finding.level is Level.OK
    assert finding.what.startswith(found_lfs or "not there")


@pytest.mark.parametrize("socket", [None, ("/run/gone", False)])
def test_an_agent_that_cannot_be_used_is_a_warning(
    surgery: Surgery, socket: tuple[str, bool] | None
) -> None:
    surgery.node.socket = socket
    finding = surgery.findings()["ssh-agent"]
    assert finding.level is Level.WARN
    assert "ssh-add" in finding.fix


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (LogOut(), "ok", "not known"),
        (LogOut(kills=False), "ok", "goes on"),
        (LogOut(kills=True, lingers=True), "warn", "systemd-run --user --scope"),
        (LogOut(kills=True, lingers=False), "warn", "loginctl enable-linger"),
        (LogOut(kills=True), "warn", "loginctl enable-linger"),
    ],
)
def test_log_out(found: LogOut, level: str, words: str) -> None:
    finding = judge_log_out("log-out", found)
    assert finding.level == level
    assert words in (finding.fix or finding.what)


def test_the_worst_finding_counts() -> None:
    some = [Finding("a", level, "x") for level in (Level.WARN, Level.FAIL, Level.OK)]
    assert worst(some) is Level.FAIL
    assert worst(some[::2]) is Level.WARN
    assert worst([]) is Level.OK


def test_a_queue_that_cannot_even_be_opened_in_time_is_a_failure(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hanging(seconds: float, look: Callable[[], object]) -> object:
        raise TimeoutError(errno.ETIMEDOUT, "no answer")

    monkeypatch.setattr(adapter, "within", hanging)
    with pytest.raises(SystemExit) as ended:
        command.doctor.main(["--queue", "/q"], standalone_mode=False)
    assert ended.value.code == exits.DOWN
    assert capsys.readouterr().out.startswith("fail  queue         the filesystem does not answer")


def test_the_table_names_each_check_once() -> None:
    names = [check.name for check in doctor.CHECKS]
    assert len(names) == len({*names})
    assert all(check.fix for check in CHECKS)


def test_only_its_command_imports_the_check_up() -> None:
    import aexp

    source = Path(aexp.__file__).parent
    parts = {"domain/checkup.py", "ports/node_facts.py", "adapters/checkup.py"}
    parts |= {"airgapped/probing.py", "airgapped/doctor.py", "cli/doctor.py"}
    naming = re.compile(
        r"(?:import|from) aexp\.(?:domain|adapters|ports|airgapped|cli)"
        r"(?:\.| import )(?:checkup|node_facts|probing|doctor)\b"
    )
    importers = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if naming.search(path.read_text(encoding="utf-8"))
    }
    assert importers <= parts
    assert "cli/doctor.py" in importers
