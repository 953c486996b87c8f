"""What a check-up makes of a mount and of the room there, from recorded mount tables."""

from pathlib import Path

import pytest

from aexp.adapters.storage.mounts import mount_of
from aexp.domain.checkup.filesystem import Mounted, judge_caching, judge_filesystem
from aexp.domain.checkup.space import Quota, Space, Usage, judge_quota, judge_space
from aexp.domain.findings import Unknown
from aexp.domain.profiles import NFS, POSIX, Profile, profile_for

NFS_LINE = (
    "441 27 0:58 / /home rw,relatime shared:221 - nfs4 filer.example.org:/home rw,vers=4.2,rsize=1048576,"
    "wsize=1048576,namlen=255,{options}hard,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.0.7,"
    "local_lock=none,addr=10.0.0.2\n"
)
LUSTRE_LINE = (
    "512 27 0:61 / /home rw,noatime - lustre 10.1.0.1@o2ib:10.1.0.2@o2ib:/work "
    "rw,checksum,{options}nouser_xattr,lruresize,lazystatfs,nouser_fid2path,verbose,encrypt\n"
)
ROOT_LINE = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"


def mounted(tmp_path: Path, line: str, options: str) -> Mounted:
    table = tmp_path / "mountinfo"
    table.write_text(ROOT_LINE + line.format(options=options))
    found = mount_of("/home/ada/.relay", str(table))
    assert found is not None
    return Mounted(found.kind, found.options)


@pytest.mark.parametrize(
    ("options", "level", "words"),
    [
        ("", "ok", "attributes of files are kept 3 to 60 s, of folders 30 to 60 s"),
        ("acregmin=600,acregmax=600,acdirmin=600,acdirmax=600,", "ok", "of folders 600 to 600 s"),
        ("acdirmax=300,", "ok", "files are kept 3 to 60 s, of folders 30 to 300 s"),
        ("actimeo=5,", "ok", "files are kept 5 to 5 s"),
        ("noac,", "ok", "every look costs a call"),
        ("lookupcache=none,", "ok", "each name that is opened costs a call"),
        ("lookupcache=pos,", "ok", "asked for again"),
        ("nocto,", "warn", "opening a folder does not make it fresh"),
        ("soft,", "warn", "what was written may be lost"),
        ("softerr,", "warn", "what was written may be lost"),
    ],
)
def test_what_the_options_of_nfs_mean(tmp_path: Path, options: str, level: str, words: str) -> None:
    finding = judge_caching("x", mounted(tmp_path, NFS_LINE, options))
    assert finding is not None
    assert finding.level == level
    assert words in finding.what
    assert bool(finding.fix) == (level != "ok")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "without flock"),
        ("flock,", "news is seen at once; flock"),
        ("localflock,", "on one node only"),
    ],
)
def test_what_the_options_of_lustre_mean(tmp_path: Path, options: str, words: str) -> None:
    finding = judge_caching("x", mounted(tmp_path, LUSTRE_LINE, options))
    assert finding is not None
    assert finding.level == "ok"
    assert words in finding.what


def test_a_local_disk_has_nothing_to_say_of_it() -> None:
    assert judge_caching("x", Mounted("ext4", frozenset({"rw"}))) is None
    assert judge_caching("x", None) is None


@pytest.mark.parametrize(
    ("kind", "options", "profile", "level", "words"),
    [
        ("nfs4", {"rw"}, None, "ok", "nfs4, profile nfs"),
        ("nfs4", {"rw", "nocto"}, None, "ok", "profile nfs-nocto"),
        ("lustre", {"rw"}, None, "ok", "lustre, profile lustre"),
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
    assert judge_filesystem("filesystem", None, POSIX).level == "ok"


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


FEW = Usage(10)


@pytest.mark.parametrize(
    ("quota", "level", "words"),
    [
        (Unknown("nobody tells"), "ok", "not known: nobody tells"),
        (Quota(Usage(5 << 30), FEW), "ok", "5.0 GiB, no limit; 10 files, no limit"),
        (Quota(Usage(5 << 30, 0, 10 << 30), FEW), "ok", "5.0 GiB of 10.0 GiB (50 %)"),
        (Quota(Usage(9 << 30, 0, 10 << 30), FEW), "warn", "(90 %)"),
        (Quota(Usage(9 << 30, 10 << 30), FEW), "warn", "9.0 GiB of 10.0 GiB (90 %)"),
        (
            Quota(Usage(5 << 30, 4 << 30, 10 << 30, 86400 * 3), FEW),
            "warn",
            "with 3 d of grace left",
        ),
        (Quota(Usage(5 << 30, 4 << 30, 10 << 30), FEW), "warn", "over the soft limit"),
        (Quota(Usage(5 << 30, 4 << 30, 10 << 30, -1.0), FEW), "fail", "no grace left"),
        (Quota(Usage(10 << 30, 0, 10 << 30), FEW), "fail", "used up"),
        (Quota(FEW, Usage(900, 0, 1000)), "warn", "900 of 1000 files (90 %)"),
        (Quota(FEW, Usage(1000, 0, 1000)), "fail", "1000 of 1000 files (100 %)"),
        (Quota(FEW, Usage(899, 0, 1000)), "ok", "(89 %)"),
    ],
)
def test_quota(quota: Quota | Unknown, level: str, words: str) -> None:
    finding = judge_quota("quota", quota)
    assert finding.level == level
    assert words in finding.what
    assert bool(finding.fix) == (level != "ok")
