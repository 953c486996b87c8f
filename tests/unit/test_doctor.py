"""The check-up: what it makes of its checks, and that it leaves nothing behind."""

import errno
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters import threads
from aexp.airgapped.checkup.ground import Found
from aexp.airgapped.doctor import CHECKS, LIMIT_S, STUCK_S
from aexp.cli import doctor as command
from aexp.cli import exits
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.domain.findings import Finding, Level, worst
from tests.surgery import FOLDER, FolderStorage, Surgery, told


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


def test_a_queue_that_is_well_is_ok_in_every_line(surgery: Surgery) -> None:
    surgery.serve()
    found = surgery.findings()
    elsewhere = {
        *("server", "mount-options", "daemons", "daemon-clock", "visibility", "login-node"),
    }
    assert [*found] == [check.name for check in CHECKS if check.name not in elsewhere]
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
        f"Start one on the login node: aexp relay up --queue {FOLDER}",
    )
    assert not {"create", "move", "server-clock", "daemon"} & set(found)
    assert {"filesystem", "space", "git"} <= set(found)
    assert worst(found.values()) is Level.WARN


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
    limits: list[float] = []
    hangs = [check.name for check in CHECKS].index("filesystem")

    def guard(limit: float, look: Callable[[], Found]) -> Found:
        limits.append(limit)
        if len(limits) == hangs + 1:
            raise TimeoutError(errno.ETIMEDOUT, "no answer within 10 s")
        return look()

    found = surgery.findings(guard)
    # Those with a limit of their own are begun only once the queue has said who serves.
    after = [
        (STUCK_S, check.limit_s) if check.limit_s else (STUCK_S,) for check in CHECKS[hangs + 1 :]
    ]
    assert limits == [*([LIMIT_S] * (hangs + 1)), *(limit for pair in after for limit in pair)]
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

    monkeypatch.setattr(threads, "within", hanging)
    with pytest.raises(SystemExit) as ended:
        command.doctor.main(["--queue", "/q"], standalone_mode=False)
    assert ended.value.code == exits.DOWN
    assert capsys.readouterr().out.startswith("fail  queue          the filesystem does not answer")


def test_the_table_names_each_check_once() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len({*names})
    assert all(check.fix for check in CHECKS)


def test_a_check_may_find_several_things(surgery: Surgery) -> None:
    surgery.login.environ = {"GIT_SSH": "x", "GIT_CONFIG_COUNT": "1"}
    assert [found.level for found in surgery.of("git-config")] == ["ok", "warn", "warn"]


def test_while_the_queue_hangs_nothing_that_takes_long_is_begun(surgery: Surgery) -> None:
    surgery.serve()

    def guard(limit: float, look: Callable[[], Found]) -> Found:
        raise TimeoutError(errno.ETIMEDOUT, "no answer")

    found = surgery.findings(guard)
    assert {finding.level for finding in found.values()} == {Level.FAIL}
    assert surgery.hosts.asked == []


def test_findings_come_as_they_are_made() -> None:
    surgery, seen = Surgery(), []

    def guard(limit: float, look: Callable[[], Found]) -> Found:
        seen.append(limit)
        return look()

    from aexp.airgapped import doctor

    coming = doctor.examine(surgery.ground(), guard)
    next(coming)
    assert len(seen) == 1


def test_only_its_command_imports_the_check_up() -> None:
    import aexp

    source = Path(aexp.__file__).parent
    naming = re.compile(
        r"(?:import|from) aexp\.(?:(?:domain|adapters|airgapped)\.checkup|airgapped\.doctor"
        r"|ports\.(?:node_facts|login_node|remotes))\b"
    )
    parts = re.compile(
        r"(?:domain|adapters|airgapped)/checkup/|airgapped/doctor\.py|cli/doctor\.py"
        r"|ports/(?:node_facts|login_node|remotes)\.py"
    )
    importers = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if naming.search(path.read_text(encoding="utf-8"))
    }
    assert not [path for path in importers if not parts.match(path)]
    assert "cli/doctor.py" in importers
