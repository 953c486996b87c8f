"""What a person is told would leave, and records that come back from JSON whole or not at all."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from aexp.domain.parcels import Parcel, counted, human, largest
from aexp.domain.petition import Petition
from aexp.domain.preview import CommitLine, Preview
from aexp.domain.records import record
from aexp.domain.text import amount
from aexp.domain.wandb import WandbRun

ID = "0123456789abcdef" * 2 + "01234567"
PUSH = Preview(
    commit=ID,
    branch="main",
    known=tuple(f"refs/remotes/origin/b{number} {ID}" for number in range(6)),
    known_count=900,
    commits=(CommitLine(ID, "2026-01-02 03:04+01:00", "Add data"), CommitLine(ID)),
    commit_count=182,
    file_count=1,
    size=12_000_000,
    largest=(Parcel("data.bin", 12_000_000), Parcel("w.bin", 5, lfs=True)),
    lfs_count=1,
    lfs_size=5,
    missing=2,
    shallow=True,
    more_files=True,
    seal="f" * 64,
).summed_up()


def test_a_push_is_told_whole_and_what_is_left_out_is_counted() -> None:
    assert PUSH.summary == "182 commits, more than 11.4 MiB"
    assert PUSH.inventory == (
        f"182 commits and more than 1 files of 11.4 MiB (12000000 B) before compression, "
        f"up to commit {ID} as main",
        "without what these refs of the working copy say is there already: "
        + ", ".join(f"refs/remotes/origin/b{number} 0123456789ab" for number in range(4))
        + ", and 896 more",
        "the history was cut short by a shallow clone, and ends where it was cut",
        "not counted, as they are not here: 2 objects",
        "commit 0123456789ab 2026-01-02 03:04+01:00 Add data",
        "commit 0123456789ab",
        "and 180 more commits",
        "largest file: 11.4 MiB (12000000 B) data.bin",
        "largest file: 5 B with LFS w.bin",
        "with git-lfs: more than 1 files of 5 B, as their pointers claim",
    )


def test_a_petition_with_a_preview_comes_back_from_json_with_the_same_digest() -> None:
    run = WandbRun("wandb/x", "x.wandb", 1, 2, 3.0, ("a -> /b",), False, (Parcel("y", 2),), "e")
    for preview in (None, Preview(), PUSH, Preview(runs=(run,), run_count=1)):
        petition = Petition("1" * 32, "git_push", ("origin",), "/x", "/x", preview=preview)
        found = Petition.from_dict(json.loads(json.dumps(petition.to_dict())))
        assert found == petition
        assert found.digest == petition.digest


@pytest.mark.parametrize(
    "change",
    [
        {"seal": "0"},
        {"commit_count": 183},
        {"commits": ()},
        {"more_commits": True},
        {"largest": (Parcel("other.bin", 12_000_000),)},
    ],
)
def test_an_approval_of_one_preview_fits_no_other(change: dict[str, Any]) -> None:
    one, other = (
        Petition("1" * 32, "git_push", (), "/x", "/x", preview=preview)
        for preview in (PUSH, replace(PUSH, **change))
    )
    assert one.digest != other.digest


@dataclass(frozen=True)
class Thing:
    """For these tests."""

    name: str
    size: float = 0.0
    parts: tuple[Parcel, ...] = ()
    inner: Parcel | None = None


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"name": 1},
        {"name": None},
        {"name": "x", "size": "1"},
        {"name": "x", "size": True},
        {"name": "x", "size": 10**400},
        {"name": "x", "size": 1e300},
        {"name": "x", "parts": "xy"},
        {"name": "x", "parts": [1]},
        {"name": "x", "parts": [{"path": "p"}]},
        {"name": "x", "parts": [{"path": "p", "size": True}]},
        {"name": "x", "parts": [{"path": "p", "size": 1 << 63}]},
        {"name": "x", "inner": []},
    ],
)
def test_what_is_no_such_record_is_refused(found: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"lacks|is not"):
        record(Thing, found)


def test_what_is_missing_gets_its_default_and_what_is_unknown_is_left_out() -> None:
    found = {"name": "x", "size": 1, "parts": [{"path": "p", "size": 2}], "later": 3}
    assert record(Thing, found) == Thing("x", 1.0, (Parcel("p", 2),))


def test_bytes_and_numbers_are_said_as_people_say_them() -> None:
    assert (amount(812), amount(4321), human(4321)) == ("812 B", "4.2 KiB", "4.2 KiB (4321 B)")
    assert (counted(1, "file"), counted(2, "file")) == ("1 file", "2 files")
    assert counted(1, "file", more=True) == "more than 1 files"
    assert [one.path for one in largest([Parcel("a", 1), Parcel("b", 2)])] == ["b", "a"]
