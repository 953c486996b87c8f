"""Quotas as the kernel and the programs tell them, and that none of them can stop a check-up."""

import os
import struct
import time
from pathlib import Path

import pytest

from aexp.adapters.checkup import quota as adapter
from aexp.adapters.checkup.node import LocalNodeFacts
from aexp.adapters.checkup.quota import from_kernel, quota_on, unpacked
from aexp.adapters.storage.mounts import Mount
from aexp.domain.checkup.quota_reports import lfs_report, quota_report
from aexp.domain.checkup.space import Quota, Usage
from aexp.domain.findings import Unknown
from tests.world import executable

NOW = 1_700_000_000.0
HEAD = (
    "Disk quotas for user ada (uid 1000): \n"
    "     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace\n"
)
QUOTA = (
    HEAD
    + "filer:/export/home 1048577* 1048576 2097152 1700086400   12345       0  500000       0\n"
)
QUOTA_WELL = (
    HEAD + "/dev/mapper/home     512       0       0       0       7       0       0       0\n"
)
LFS = "          /work  5242881*  5242880 6291456 6d23h59m55s       4490       0       0       -\n"


def test_a_line_of_quota_is_read_from_its_end() -> None:
    found = quota_report(QUOTA, NOW)
    assert found == Quota(Usage(1048577 << 10, 1 << 30, 2 << 30, 86400.0), Usage(12345, 0, 500000))
    assert quota_report(QUOTA_WELL, NOW) == Quota(Usage(512 << 10), Usage(7))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Disk quotas for user ada (uid 1000): none\n",
        HEAD,
        QUOTA + QUOTA_WELL.removeprefix(HEAD),
        QUOTA.replace("12345", "12k"),
        QUOTA.replace(" 1700086400", "       "),
        "9" * 5000 + " 1 1 1 1 1 1 1\n",
        "filer:/home " + "9" * 20 + " 1 1 0 1 1 1 0\n",
    ],
)
def test_what_is_not_such_a_line_is_not_guessed_at(text: str) -> None:
    assert quota_report(text, NOW) is None


@pytest.mark.parametrize(
    ("grace", "seconds"),
    [("6d23h59m55s", 604795.0), ("1w", 604800.0), ("59m1s", 3541.0),
     ("none", 0.0), ("expired", 0.0), ("-", None)],
)  # fmt: skip
def test_a_line_of_lfs_and_its_grace(grace: str, seconds: float | None) -> None:
    found = lfs_report(LFS.replace("6d23h59m55s", grace))
    assert found == Quota(Usage(5242881 << 10, 5 << 30, 6 << 30, seconds), Usage(4490))


def test_a_long_path_and_remarks_of_lfs_stand_in_lines_of_their_own() -> None:
    text = f"/a/path/of/many/parts\n{LFS.replace('/work', '')}uid 1000 is using default block quota setting\n"
    assert lfs_report(text) == lfs_report(LFS)


def test_what_lfs_itself_calls_inaccurate_is_not_used() -> None:
    assert lfs_report(LFS.replace("5242881*", "[5242881]")) is None


def test_what_the_kernel_tells_is_in_bytes_and_seconds() -> None:
    block = struct.pack(
        "=8Q2I", 2048, 1024, 1536 << 10, 100, 50, 60, int(NOW) + 60, int(NOW) - 1, 63, 0
    )
    assert unpacked(block, NOW) == Quota(
        Usage(1536 << 10, 1 << 20, 2 << 20, 60.0), Usage(60, 50, 100, -1.0)
    )
    assert unpacked(bytes(72), NOW) == Quota(Usage(0), Usage(0))


def test_a_filesystem_without_quotas_has_none_to_tell() -> None:
    assert from_kernel("/proc") is None


def test_the_kernel_is_asked_for_the_quota_of_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answering(number: int, handle: int, command: int, uid: int, block: object) -> int:
        asked.append((number, command, uid, os.path.samestat(os.fstat(handle), tmp_path.stat())))
        struct.pack_into("=8Q2I", block, 0, 0, 0, 4096, 0, 0, 3, 0, 0, 63, 0)  # type: ignore[call-overload]
        return 0

    monkeypatch.setattr(adapter, "syscall", answering)
    found = quota_on(str(tmp_path), Mount("/", "ext4", frozenset()), lambda _: None)
    assert found == Quota(Usage(4096), Usage(3))
    assert asked == [(443, 0x80000700, os.getuid(), True)]


def asked(tmp_path: Path, kind: str, name: str, script: str) -> Quota | Unknown:
    """What is found where this program is installed."""
    program = str(executable(tmp_path / name, f"#!/bin/sh\n{script}\n"))
    where = Mount("/home", kind, frozenset())
    return quota_on(str(tmp_path), where, lambda wanted: program if wanted == name else None)


def test_an_nfs_server_is_asked_by_quota(tmp_path: Path) -> None:
    soon = int(time.time()) + 1000
    said = QUOTA.replace("1700086400", str(soon))
    script = f"""[ "$*" = "-w -p -v -f /home" ] || exit 3
[ "$LC_ALL" = C ] || exit 4
cat <<.\n{said}.\nexit 1"""
    found = asked(tmp_path, "nfs4", "quota", script)
    assert isinstance(found, Quota)
    assert (found.bytes.used, found.files.hard) == (1048577 << 10, 500000)
    assert found.bytes.grace_s == pytest.approx(1000, abs=60)


def test_lustre_is_asked_by_lfs(tmp_path: Path) -> None:
    script = f'[ "$*" = "quota -q -u {os.getuid()} {tmp_path}" ] && echo "{LFS}"'
    found = asked(tmp_path, "lustre", "lfs", script)
    assert isinstance(found, Quota)
    assert found.files.used == 4490


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [("nfs4", "other", "quota is not there"), ("lustre", "other", "lfs is not there"),
     ("lustre", "lfs", "lfs quota says nothing"), ("fuse.x", "other", "keeps no quotas for fuse.x")],
)  # fmt: skip
def test_what_nobody_can_tell_is_said_to_be_unknown(
    tmp_path: Path, kind: str, name: str, words: str
) -> None:
    found = asked(tmp_path, kind, name, "echo nonsense")
    assert isinstance(found, Unknown)
    assert words in found.why


def test_a_program_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LIMIT_S", 0.2)
    lock = tmp_path / "lock"
    os.mkfifo(lock)
    held = os.open(lock, os.O_RDONLY | os.O_NONBLOCK)
    found = asked(tmp_path, "nfs", "quota", f"exec 3>{lock}; sleep 300 & wait")
    assert found == Unknown("quota did not answer within 0 s")
    # Nobody holds the other end any more: the child has gone as well.
    os.set_blocking(held, True)
    assert os.read(held, 1) == b""
    os.close(held)


def test_a_program_in_the_home_is_not_run(tmp_path: Path) -> None:
    executable(tmp_path / "home/bin/quota", "#!/bin/sh\ntouch $0.ran\n")
    environ = {"PATH": f"{tmp_path}/home/bin"}
    node = LocalNodeFacts(environ, str(tmp_path / "home"))
    node.quota(str(tmp_path / "not/there/yet"))
    assert os.listdir(tmp_path / "home/bin") == ["quota"]
